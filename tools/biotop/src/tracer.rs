// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the count, its ladder, and what they do to the BPF object.

use tracewell_shared::block::{Disks, UNSEEN};
use tracewell_shared::data::loss::Cause;
use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::Ladder;
use tracewell_shared::ladder;
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::{Filter, Options};
use tracewell_shared::trace::tally::{Tallied, Tally};
use tracewell_shared::trace::tracer::Hooks;
use tracewell_shared::trace::turns;

use crate::row::{self, Row};
use crate::skel::types::rodata;

/// Whose requests to count.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Submitters {
    /// Of which disks.
    pub disks: Disks,
    /// How many rows there is room for in an interval; `None` is 10,240. What finds none is counted in one row for all.
    pub room: Option<u32>,
    /// Whether some tasks or cgroups are left out. Starting sets it.
    pub filtered: bool,
    /// Whether cgroups are filtered. Starting sets it.
    pub cgroups_filtered: bool,
    #[doc(hidden)]
    pub _later: (),
}

impl Submitters {
    /// Loads and attaches.
    ///
    /// # Errors
    ///
    /// As [`Tally::start`].
    pub fn start(self, options: &Options) -> Result<Tally<Self>> {
        Tally::start(self, options)
    }
}

impl Tallied for Submitters {
    type Row = Row;

    fn is_keyed(&self) -> bool {
        true
    }

    fn rows(&self, by_cpu: &[u64], by_key: &[(Vec<u8>, Vec<u8>)]) -> Option<Vec<Row>> {
        row::all(by_cpu, by_key)
    }
}

/// The rows of one interval: two times some 1.3 MB.
const ROOM: u32 = 10_240;

impl Hooks for Submitters {
    const NAME: &'static str = "biotop";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "block requests",
        tracepoints: ["rq_complete", "rq_requeue", "rq_issue", "rq_merge", "rq_insert"],
        // What the kernel refuses of it is found by the request.
        counted_otherwise: ["rq_complete"],
        unseen: UNSEEN,
    };

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("requests", 1)];

    const INTERRUPTED: bool = true;

    fn bounds(&self) -> &'static [Cause] {
        // Without an entry, nobody knows whose the request was.
        if self.filtered {
            &[Cause::InflightFull]
        } else {
            &[]
        }
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
        let places = knobs.disks.iter_mut().map(|place| &mut place.word);
        (knobs.disks_named, knobs.disks_excluded) = self.disks.tell(places);
        // The other half is for requests that are under way at once.
        knobs.kept_most = (requests / 2).into();
        turns::set_room(object, Some(self.room.unwrap_or(ROOM)))
    }
}
