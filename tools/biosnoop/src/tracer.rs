// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use std::time::Duration;

use tracewell_shared::block::{Disks, Names, UNSEEN};
use tracewell_shared::data::loss::Cause;
use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::Ladder;
use tracewell_shared::ladder;
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::{Filter, Options};
use tracewell_shared::trace::stream::Stream;
use tracewell_shared::trace::tracer::{Hooks, Tracer};

use crate::event::Request;
use crate::skel::types::{request_event, rodata};

/// Which requests to tell of.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Requests {
    /// Of which disks.
    pub disks: Disks,
    /// Only those that failed.
    pub failed_only: bool,
    /// Only those that succeeded.
    pub succeeded_only: bool,
    /// Only those that took so long, from their last issue to the driver to their end.
    pub min_duration: Duration,
    /// Whether each is sequential or random is found out, for `pattern`.
    pub patterns: bool,
    /// What the running kernel calls operations and flags; those of `--btf` where it has no types of its own.
    pub names: Names,
    /// Whether some tasks or cgroups are left out. Starting sets it.
    pub filtered: bool,
    /// Whether cgroups are filtered. Starting sets it.
    pub cgroups_filtered: bool,
    #[doc(hidden)]
    pub _later: (),
}

impl Requests {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }

    /// Whether how a request ends decides whether it is told of.
    fn picks_ends(&self) -> bool {
        self.failed_only || self.succeeded_only || !self.min_duration.is_zero()
    }
}

impl Hooks for Requests {
    const NAME: &'static str = "biosnoop";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "block requests",
        tracepoints: ["rq_complete", "rq_requeue", "rq_issue", "rq_merge", "rq_insert"],
        // What the kernel refuses of it is found by the request.
        counted_otherwise: ["rq_complete"],
        unseen: UNSEEN,
    };

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("requests", 1)];

    const STORED: Option<&'static str> = Some("requests");

    const INTERRUPTED: bool = true;

    fn bounds(&self) -> &'static [Cause] {
        if self.picks_ends() {
            &[Cause::InflightFull, Cause::CompletionMissed]
        } else if self.filtered {
            // Without an entry, nobody knows whose the request was.
            &[Cause::InflightFull]
        } else {
            &[]
        }
    }

    fn most_bytes(&self) -> usize {
        size_of::<request_event>()
    }

    fn prepare(&mut self, options: &Options) {
        let filter = &options.filter;
        self.filtered = *filter != Filter::default() || options.follows();
        self.cgroups_filtered = filter.picks_cgroups();
    }

    fn under_way_in(&self, _rung: &str) -> Option<&'static str> {
        Some("requests")
    }

    fn under_way(&self) -> Option<u64> {
        self.disks.in_flight()
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        let requests = object.map("requests")?.max_entries();
        let knobs = object.knobs::<rodata>()?;
        knobs.by_owner = self.cgroups_filtered;
        knobs.failed_only = self.failed_only;
        knobs.succeeded_only = self.succeeded_only;
        knobs.patterns = self.patterns;
        knobs.min_took_ns = u64::try_from(self.min_duration.as_nanos()).unwrap_or(u64::MAX);
        let places = knobs.disks.iter_mut().map(|place| &mut place.word);
        (knobs.disks_named, knobs.disks_excluded) = self.disks.tell(places);
        // The other half is for requests that are under way at once.
        knobs.kept_most = (requests / 2).into();
        Ok(())
    }
}

impl Tracer for Requests {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Request<'a>> {
        Request::decode(&self.names, record)
    }
}
