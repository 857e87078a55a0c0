// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

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
        of: "syncs by",
        refused: "syncs that a seccomp filter refuses",
        unseen: ["syncs by io_uring and io_submit(2)"] and [
            "what is written back without such a call: by O_SYNC, RWF_SYNC, and by the kernel itself",
        ],
    };

    fn bounds(&self) -> &'static [Cause] {
        // What had no entry, or no exit, may have had another result.
        if self.failed_only || self.succeeded_only {
            &[Cause::InflightFull, Cause::ExitMissed]
        } else {
            &[]
        }
    }

    fn most_bytes(&self) -> usize {
        size_of::<sync_event>()
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        let knobs = object.knobs::<rodata>()?;
        knobs.failed_only = self.failed_only;
        knobs.succeeded_only = self.succeeded_only;
        Ok(())
    }
}

impl Tracer for Syncs {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Synced<'a>> {
        Synced::decode(record)
    }
}
