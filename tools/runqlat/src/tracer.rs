// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the measurement, its ladder, and what they do to the BPF object.

use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::Ladder;
use tracewell_shared::ladder;
use tracewell_shared::trace::distribution::{Distribution, Keyed};
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::tracer::Hooks;
use tracewell_shared::trace::turns;

use crate::skel::types::{rodata, wait_key, waits_by};

/// Whose waits have a histogram of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitsBy {
    /// All waits are in one.
    #[default]
    Nobody,
    /// Each process's.
    Process,
    /// Each thread's.
    Thread,
    /// Those of all tasks of a pid namespace together.
    PidNamespace,
}

/// Which waits to measure, and by what to tell them apart.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Waits {
    /// Whose waits have a histogram of their own.
    pub by: WaitsBy,
    /// A histogram for each cgroup that tasks are in, too.
    pub by_cgroup: bool,
    /// How many powers of two of nanoseconds there is room for in all histograms of an interval together, where they are
    /// told apart; `None` is 4,096. What finds no room is in the part of [others](crate::Part::other).
    pub room: Option<u32>,
    #[doc(hidden)]
    pub _later: (),
}

impl Waits {
    /// Loads and attaches.
    ///
    /// # Errors
    ///
    /// As [`Distribution::start`].
    pub fn start(self, options: &Options) -> Result<Distribution<Self>> {
        Distribution::start(self, options)
    }
}

/// What a histogram is of. What was not to be told apart is 0, or empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The process; with threads too.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// The inode number of the pid namespace; 0 also of tasks that were about to be gone.
    pub pid_namespace: u32,
    /// The name of the process's first thread, or of the thread, padded with NULs.
    pub comm: [u8; 16],
    /// The id of the cgroup.
    pub cgroup: u64,
}

impl Key {
    /// The name without the NULs behind it.
    pub fn comm(&self) -> &[u8] {
        let end = self.comm.iter().position(|byte| *byte == 0);
        &self.comm[..end.unwrap_or(self.comm.len())]
    }
}

impl Keyed for Waits {
    type Key = Key;

    fn is_keyed(&self) -> bool {
        self.by != WaitsBy::Nobody || self.by_cgroup
    }

    fn key(&self, bytes: &[u8]) -> Option<Key> {
        let mut raw = wait_key::default();
        plain::copy_from_bytes(&mut raw, bytes).ok()?;
        let id = |by| if self.by == by { raw.id } else { 0 };
        Some(Key {
            pid: raw.pid,
            tid: id(WaitsBy::Thread),
            pid_namespace: id(WaitsBy::PidNamespace),
            comm: raw.comm,
            cgroup: raw.cgroup,
        })
    }
}

/// The histograms of some three hundred processes: two times 1.6 MB.
const ROOM: u32 = 4096;

/// What no rung sees.
const UNSEEN: &[&str] = &["waits that began before the start, and the idle tasks of CPUs"];

impl Hooks for Waits {
    const NAME: &'static str = "runqlat";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "waits for a CPU",
        tracepoints: ["task_switch", "task_wake", "task_wake_new"],
        counted_otherwise: [],
        unseen: UNSEEN,
    };

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("since", 1)];

    const INTERRUPTED: bool = true;

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        let since_most = object.map("since")?.max_entries();
        let knobs = object.knobs::<rodata>()?;
        let by = match self.by {
            WaitsBy::Nobody => waits_by::WAITS_BY_NOBODY,
            WaitsBy::Process => waits_by::WAITS_BY_PROCESS,
            WaitsBy::Thread => waits_by::WAITS_BY_THREAD,
            WaitsBy::PidNamespace => waits_by::WAITS_BY_PID_NAMESPACE,
        };
        knobs.by_task = by;
        knobs.by_cgroup = self.by_cgroup;
        // The other half is for tasks that wait at once.
        knobs.since_kept_most = (since_most / 2).into();
        turns::set_room(object, self.is_keyed().then(|| self.room.unwrap_or(ROOM)))
    }
}
