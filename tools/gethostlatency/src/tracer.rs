// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use std::time::Duration;

use tracewell_shared::data::loss::Cause;
use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::Ladder;
use tracewell_shared::ladder;
use tracewell_shared::symbols::{Files, Which};
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::stream::Stream;
use tracewell_shared::trace::tracer::{Hooks, Tracer};

use crate::event::Lookup;
use crate::libc;
use crate::skel::types::{lookup_event, rodata};

/// `HOST_ROOM` of the BPF source.
const HOST_ROOM: usize = 1024 + 2;

/// What to tell of lookups.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Lookups {
    /// Those by which C libraries.
    pub libcs: Which,
    /// Only those that failed.
    pub failed_only: bool,
    /// Only those that succeeded.
    pub succeeded_only: bool,
    /// Only those that took so long.
    pub min_duration: Duration,
    #[doc(hidden)]
    pub _later: (),
}

impl Lookups {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }
}

impl Hooks for Lookups {
    const NAME: &'static str = "gethostlatency";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "lookups",
        // Those that call others come first.
        user_functions: [
            "getaddrinfo",
            "gethostbyname",
            "gethostbyname2",
            "gethostbyname_r",
            "gethostbyname2_r",
        ],
        beside: ["task_end_raw"],
        unseen: &[
            "lookups of programs that are linked statically, or that bring a resolver of their own",
            "lookups by a C library that nobody has mapped when the trace begins, and that is not the system's",
            "lookups of 32-bit programs",
        ],
    };

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("user_calls", 1)];

    const IN_FILES: Option<&'static Files> = Some(&libc::FILES);

    fn files(&self) -> Which {
        self.libcs.clone()
    }

    fn bounds(&self) -> &'static [Cause] {
        // What found no place may have had another result, or been short.
        if self.failed_only || self.succeeded_only || !self.min_duration.is_zero() {
            &[Cause::InflightFull, Cause::ExitMissed]
        } else {
            // What it calls itself is no part of it then.
            &[Cause::InflightFull]
        }
    }

    fn most_bytes(&self) -> usize {
        size_of::<lookup_event>() + HOST_ROOM
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        let knobs = object.knobs::<rodata>()?;
        knobs.failed_only = self.failed_only;
        knobs.succeeded_only = self.succeeded_only;
        knobs.min_took_ns = u64::try_from(self.min_duration.as_nanos()).unwrap_or(u64::MAX);
        Ok(())
    }
}

impl Tracer for Lookups {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Lookup<'a>> {
        Lookup::decode(record)
    }
}
