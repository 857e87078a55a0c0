// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a run may have met no request.

use std::cell::Cell;

use crate::block::Disks;

/// What the kernel itself counts of the disks that are measured, from [`begin`](Seen::begin) on.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    disks: Disks,
    done_before: Cell<Option<u64>>,
}

impl Seen {
    /// Of these disks.
    pub fn of(disks: Disks) -> Self {
        Self {
            disks,
            done_before: Cell::default(),
        }
    }

    /// The trace begins.
    pub fn begin(&self) {
        self.done_before.set(self.disks.done());
    }

    /// Why no request was met, for the last line; `picked`: tasks are filtered.
    pub fn why_nothing(&self, picked: bool) -> String {
        let done = self.disks.done().zip(self.done_before.get());
        let done = done.map(|(now, before)| now.saturating_sub(before));
        let disks = if self.disks.are_all() {
            "the disks"
        } else {
            "the disks that --disk names"
        };
        match (done, picked) {
            (Some(done @ 1..), true) => {
                format!(
                    "{disks} did {done} operations meanwhile, none for the tasks that the filters let pass"
                )
            }
            (Some(done @ 1..), false) => {
                format!(
                    "{disks} did {done} operations meanwhile, whose requests began before the start"
                )
            }
            (None, true) => {
                format!("{disks} had no request of the tasks that the filters let pass")
            }
            _ => format!(
                "{disks} had no request meanwhile: what the page cache answers makes none, and what goes to drivers \
                 without requests (zram, dm, md) makes them of the disks below, if at all"
            ),
        }
    }
}
