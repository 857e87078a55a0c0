// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use tracewell_shared::callers::{CALLERS_BYTES, Symbols};
use tracewell_shared::data::loss::Cause;
use tracewell_shared::error::Result;
use tracewell_shared::event::path::{BASE_BYTES, PATH_BYTES};
use tracewell_shared::kernel::probe::Ladder;
use tracewell_shared::ladder;
use tracewell_shared::trace::begins::Begins;
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::stream::Stream;
use tracewell_shared::trace::tracer::{Hooks, Tracer};

use crate::event::Open;
use crate::skel::types::{open_event, rodata};

/// What to tell of opens.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Opens {
    /// Only the opens that failed.
    pub failed_only: bool,
    /// Only those that succeeded.
    pub succeeded_only: bool,
    /// Where the path starts is read too, for `full_path`.
    pub full_path: bool,
    /// How paths have to begin; `full_path` says of those that come whether they do.
    pub begins: Begins,
    /// Who in the program called is read too, for `callers`; this gives names to the addresses, where names
    /// are asked for.
    pub callers: Option<Symbols>,
    #[doc(hidden)]
    pub _later: (),
}

impl Opens {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }
}

impl Hooks for Opens {
    const NAME: &'static str = "opensnoop";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "opens",
        calls: ["openat"],
        optional: ["open", "creat", "openat2"],
        of: "opens by",
        refused: "opens that a seccomp filter refuses",
        unseen: ["opens by io_uring"] and ["opens inside the kernel, and open_by_handle_at(2)"],
    };

    fn bounds(&self) -> &'static [Cause] {
        // What had no entry, or no exit, may have had another result, or been about another file.
        if self.failed_only || self.succeeded_only || !self.begins.is_empty() {
            &[Cause::InflightFull, Cause::ExitMissed]
        } else {
            &[]
        }
    }

    fn most_bytes(&self) -> usize {
        let base = if self.full_path { BASE_BYTES } else { 0 };
        let callers = if self.callers.is_some() {
            CALLERS_BYTES
        } else {
            0
        };
        size_of::<open_event>() + PATH_BYTES + base + callers
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        self.begins.set(object)?;
        let knobs = object.knobs::<rodata>()?;
        knobs.failed_only = self.failed_only;
        knobs.succeeded_only = self.succeeded_only;
        knobs.full_path = self.full_path;
        knobs.with_callers = self.callers.is_some();
        Ok(())
    }
}

impl Tracer for Opens {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Open<'a>> {
        Open::decode(record, self)
    }
}
