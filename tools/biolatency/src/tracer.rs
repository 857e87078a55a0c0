// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the measurement, its ladder, and what they do to the BPF object.

use tracewell_shared::block::{Disk, Disks, UNSEEN};
use tracewell_shared::data::loss::Cause;
use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::Ladder;
use tracewell_shared::ladder;
use tracewell_shared::trace::distribution::{Aside, Distribution, Keyed};
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::{Filter, Options};
use tracewell_shared::trace::tracer::Hooks;
use tracewell_shared::trace::turns;

use crate::skel::types::{latency_key, rodata};

/// What to measure of block requests, and by what to tell them apart.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    /// From when a request was made, its time in queues included; else from when it was handed to the driver.
    pub queued: bool,
    /// A histogram for each disk.
    pub by_disk: bool,
    /// A histogram for each operation with its flags.
    pub by_flags: bool,
    /// A histogram for each cgroup that requests are for: see [`charges_requests`](crate::charges_requests).
    pub by_cgroup: bool,
    /// Which disks.
    pub disks: Disks,
    /// How many powers of two of nanoseconds there is room for in all histograms of an interval together, where they are
    /// told apart; `None` is 4,096. What finds no room is in the part of [others](crate::Part::other).
    pub room: Option<u32>,
    /// Whether tasks or cgroups are filtered, so that it matters who submitted a request. Starting sets it.
    pub filtered: bool,
    /// Whether cgroups are filtered. Starting sets it.
    pub cgroups_filtered: bool,
    #[doc(hidden)]
    pub _later: (),
}

impl Latencies {
    /// Loads and attaches.
    ///
    /// # Errors
    ///
    /// As [`Distribution::start`].
    pub fn start(self, options: &Options) -> Result<Distribution<Self>> {
        Distribution::start(self, options)
    }

    fn by_submitter(&self) -> bool {
        self.filtered || self.by_cgroup
    }
}

/// What a histogram is of. What was not to be told apart is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The disk.
    pub disk: Disk,
    /// Operation and flags: see [`Names`](crate::Names).
    pub flags: u64,
    /// The id of the cgroup that the requests are for.
    pub cgroup: u64,
}

impl Keyed for Latencies {
    type Key = Key;

    fn is_keyed(&self) -> bool {
        self.by_disk || self.by_flags || self.by_cgroup
    }

    fn key(&self, bytes: &[u8]) -> Option<Key> {
        let mut raw = latency_key::default();
        plain::copy_from_bytes(&mut raw, bytes).ok()?;
        Some(Key {
            disk: Disk::from_words(raw.disk.word),
            flags: raw.flags,
            cgroup: raw.cgroup,
        })
    }

    const ASIDES: &'static [Aside] = &[Aside {
        map: "issued_again",
        name: "issued_again",
        words: "issued more than once",
    }];
}

/// The label of the rung whose hooks do not show the request.
const PLACES: &str = "tracepoint";

/// The histograms of some hundred disks, or of a dozen with all flags: two times 1.6 MB.
const ROOM: u32 = 4096;

/// What is not seen where a disk and a sector stand for a request.
const UNSEEN_BY_PLACES: &[&str] = &[
    UNSEEN[0],
    "the time before the issue (-Q)",
    "flags that the tracepoint has no letter for",
];

impl Hooks for Latencies {
    const NAME: &'static str = "biolatency";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "block requests",
        tracepoints: ["rq_complete", "rq_requeue", "rq_issue", "rq_merge", "rq_insert"],
        // What the kernel refuses of it is found by the request.
        counted_otherwise: ["rq_complete"],
        unseen: UNSEEN,
        in_tracefs: ["rq_complete", "rq_issue", "rq_requeue"],
        unseen_there: UNSEEN_BY_PLACES,
    };

    // Where a request waits in a queue first, it is another task that issues it.
    const ON_REQUEST: &'static [&'static str] = &["rq_insert_", "rq_merge_"];

    fn requests(&self) -> bool {
        self.by_submitter()
    }

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("requests", 1), ("places", 1)];

    const INTERRUPTED: bool = true;

    fn bounds(&self) -> &'static [Cause] {
        // Without an entry, nobody knows whose the request was.
        if self.by_submitter() {
            &[Cause::InflightFull]
        } else {
            &[]
        }
    }

    fn unfit(&self, rung: &str) -> Option<&'static str> {
        match rung {
            PLACES if self.queued => Some("it cannot tell when a request was made (-Q)"),
            PLACES if self.by_submitter() => {
                Some("it cannot tell whose request it is (cgroups, filters, -- COMMAND)")
            }
            PLACES if self.disks.by_number().is_none() => Some(
                "it is told numbers of disks, and the kernel tells nobody that of a hidden disk (--disk)",
            ),
            _ => None,
        }
    }

    fn prepare(&mut self, options: &Options) {
        let filter = &options.filter;
        self.filtered = *filter != Filter::default() || options.follows();
        self.cgroups_filtered = filter.picks_cgroups();
    }

    fn under_way_in(&self, rung: &str) -> Option<&'static str> {
        // A place does not tell whether its request has ended.
        (rung != PLACES).then_some("requests")
    }

    fn under_way(&self) -> Option<u64> {
        self.disks.in_flight()
    }

    fn configure(&self, rung: &str, object: &mut Opened<'_>) -> Result<()> {
        let requests = object.map("requests")?.max_entries();
        let knobs = object.knobs::<rodata>()?;
        knobs.from_made = self.queued;
        knobs.by_disk = self.by_disk;
        knobs.by_flags = self.by_flags;
        knobs.by_cgroup = self.by_cgroup;
        knobs.by_submitter = self.by_submitter();
        knobs.by_owner = self.by_cgroup || self.cgroups_filtered;
        let disks = if rung == PLACES {
            self.disks.by_number().unwrap_or_default()
        } else {
            self.disks.clone()
        };
        let places = knobs.disks.iter_mut().map(|place| &mut place.word);
        (knobs.disks_named, knobs.disks_excluded) = disks.tell(places);
        // The other half is for requests that are under way at once.
        knobs.kept_most = (requests / 2).into();
        let room = self.room.unwrap_or(ROOM);
        turns::set_room(object, self.is_keyed().then_some(room))
    }
}
