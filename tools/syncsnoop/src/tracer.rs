// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use std::time::Duration;

use tracewell_shared::data::loss::Cause;
use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::Ladder;
use tracewell_shared::ladder;
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::stream::Stream;
use tracewell_shared::trace::tracer::{Hooks, Tracer};

use crate::event::Synced;
use crate::skel::types::{rodata, sync_event};

/// What to tell of requests to write back.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Syncs {
    /// Only those that failed.
    pub failed_only: bool,
    /// Only those that succeeded.
    pub succeeded_only: bool,
    /// How long each takes is measured, for `duration_ns`.
    pub timed: bool,
    /// Only those that took so long, and those of which that is not known, if it is measured.
    pub min_duration: Duration,
    #[doc(hidden)]
    pub _later: (),
}

impl Syncs {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }
}

impl Hooks for Syncs {
    const NAME: &'static str = "syncsnoop";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "syncs",
        calls: ["sync", "syncfs", "fsync", "fdatasync", "msync"],
        // Each architecture has one of them.
        optional: ["sync_file_range", "sync_file_range2"],
        timed: "task_end_raw" and "_enter_tp",
        of: "syncs by",
        refused: "syncs that a seccomp filter refuses",
        unseen: ["syncs by io_uring and io_submit(2)"] and [
            "what is written back without such a call: by O_SYNC, RWF_SYNC, and by the kernel itself",
        ],
    };

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("inflight", 1), ("since", 1)];

    const ON_REQUEST: &'static [&'static str] = &[
        "task_end_raw",
        "call_enter_",
        "sync_enter_tp",
        "syncfs_enter_tp",
        "fsync_enter_tp",
        "fdatasync_enter_tp",
        "msync_enter_tp",
        "sync_file_range_enter_tp",
        "sync_file_range2_enter_tp",
    ];

    fn requests(&self) -> bool {
        self.timed
    }

    fn bounds(&self) -> &'static [Cause] {
        // What had no entry, or no exit, may have had another result, or been short.
        if self.failed_only || self.succeeded_only || !self.min_duration.is_zero() {
            &[
                Cause::InflightFull,
                Cause::ExitMissed,
                Cause::CompletionMissed,
            ]
        } else {
            &[]
        }
    }

    fn most_bytes(&self) -> usize {
        size_of::<sync_event>()
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        let since_most = object.map("since")?.max_entries();
        let knobs = object.knobs::<rodata>()?;
        knobs.failed_only = self.failed_only;
        knobs.succeeded_only = self.succeeded_only;
        knobs.timed = self.timed;
        knobs.min_took_ns = i64::try_from(self.min_duration.as_nanos()).unwrap_or(i64::MAX);
        // The other half is for calls that are under way at once.
        knobs.since_kept_most = (since_most / 2).into();
        Ok(())
    }
}

impl Tracer for Syncs {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Synced<'a>> {
        Synced::decode(record)
    }
}
