// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::cell::RefCell;
use std::collections::BTreeMap;

use clap::{CommandFactory, Parser};
use tracewell_shared::block::{Disk, Names, Operation, Seen, charges_requests};
use tracewell_shared::cli::{Common, Histograms, Intervals, OfDisks};
use tracewell_shared::console;
use tracewell_shared::error::Result;
use tracewell_shared::hist::Spread;
use tracewell_shared::run::histograms::Distribute;
use tracewell_shared::run::runner::Interval;
use tracewell_shared::trace::cgroups::Paths;
use tracewell_shared::trace::distribution::{Part, Quantity};

use crate::report::{Flags, Itself, Report, Reports};
use crate::tracer::{Key, Latencies};

/// Show how long block I/O takes, as histograms
#[derive(Debug, Parser)]
#[command(name = "biolatency", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    intervals: Intervals,

    #[command(flatten)]
    histograms: Histograms,

    /// Count from when a request was made, so that its wait in queues is in it (not on rung tracepoint)
    ///
    /// What the kernel makes it wait for before there is a request is not: a free request, a limit of its cgroup
    /// (io.max), a queue that is frozen.
    #[arg(short = 'Q', long)]
    queued: bool,

    /// A histogram for each disk
    #[arg(short = 'D', long)]
    disks: bool,

    /// A histogram for each operation with its flags
    #[arg(short = 'F', long, alias = "flag")]
    flags: bool,

    /// A histogram for each cgroup that requests are for
    #[arg(short = 'C', long)]
    cgroups: bool,

    #[command(flatten)]
    of_disks: OfDisks,

    #[command(flatten)]
    common: Common,

    #[arg(skip)]
    names: Names,

    #[arg(skip)]
    found: Paths,

    /// The names of disks that only the number is known of, as they were when it was met first: another disk may have it
    /// by now.
    #[arg(skip)]
    numbered: RefCell<BTreeMap<Disk, String>>,

    #[arg(skip)]
    seen: Seen,
}

const EXAMPLES: &str = "\
Examples:
  biolatency                        all block I/O until Ctrl-C, as one histogram
  biolatency -D 5                   each disk, every five seconds
  biolatency -Q -F -d nvme0n1 1 10  one disk by operation, queues included, ten times
  biolatency -j -o io.json -- fio job.fio
                                    what a command's I/O takes, for a program to read";

/// The command line's parser, with the short names that users of biolatency know.
pub(crate) fn command() -> clap::Command {
    OfDisks::say(Args::command())
}

impl Args {
    fn disk_name(&self, key: &Key) -> String {
        match key.disk.numbers() {
            None => key.disk.name(),
            Some(_) => {
                let mut numbered = self.numbered.borrow_mut();
                let name = numbered.entry(key.disk);
                name.or_insert_with(|| key.disk.name()).clone()
            }
        }
    }

    /// Whether requests are left out by who submitted them.
    fn picks_tasks(&self) -> bool {
        self.common.picks_tasks()
    }
}

impl Distribute for Args {
    type Hooks = Latencies;

    type Report = Reports;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn hooks(&mut self) -> Result<Latencies> {
        if self.flags {
            self.names = Names::of(self.common.btf.as_deref());
        }
        let disks = self.of_disks.chosen()?;
        self.seen = Seen::of(disks.clone());
        let asked = self.cgroups || self.common.picks_cgroups();
        let doubt = match asked.then(charges_requests) {
            None | Some(Some(true)) => None,
            Some(Some(false)) => Some(
                "requests are charged to no cgroup here (cgroup.controllers lacks io): each is",
            ),
            Some(None) => Some(
                "whether requests are charged to cgroups cannot be seen from here, where the root of the hierarchy is not \
                 shown: if they are not, each is",
            ),
        };
        if let Some(doubt) = doubt {
            console::say(
                "biolatency",
                format_args!("{doubt} taken for its submitter's"),
            );
        }
        Ok(Latencies {
            queued: self.queued,
            by_disk: self.disks,
            by_flags: self.flags,
            by_cgroup: self.cgroups,
            disks,
            room: self.histograms.room,
            ..Latencies::default()
        })
    }

    fn intervals(&self) -> &Intervals {
        &self.intervals
    }

    fn histograms(&self) -> &Histograms {
        &self.histograms
    }

    fn greeting(&self) -> &'static str {
        "Measuring block I/O; Ctrl-C ends it"
    }

    fn attached(&self) {
        self.seen.begin();
    }

    fn meet(&self, keys: &mut dyn Iterator<Item = &Key>) {
        if self.cgroups {
            self.found.meet(keys.map(|key| key.cgroup));
        }
    }

    fn why_nothing(&self) -> String {
        self.seen.why_nothing(self.picks_tasks())
    }

    fn words(&self, key: &Key) -> Vec<(&'static str, Vec<u8>)> {
        let mut words = Vec::new();
        if self.disks {
            words.push(("disk", self.disk_name(key).into_bytes()));
        }
        if self.flags {
            words.push(("flags", self.names.words(key.flags).into_bytes()));
        }
        if self.cgroups {
            words.push(("cgroup", self.found.name(key.cgroup)));
        }
        words
    }

    fn report<'a>(&'a self, part: &'a Part<Key>, interval: Interval) -> Report<'a> {
        // Of what found no room, nothing is known.
        let of = |told: bool| (told && !part.other).then_some(&part.key);
        let cgroup = of(self.cgroups).map(|key| key.cgroup);
        Report {
            interval,
            disk: of(self.disks).map(|key| self.disk_name(key)),
            op: of(self.flags).map(|key| Operation(self.names.op(key.flags))),
            flags: of(self.flags).map(|key| Flags(self.names.flags(key.flags))),
            cgroup: cgroup.and_then(|id| self.found.path(id)),
            cgroup_id: cgroup,
            other: part.other,
            spread: Spread::of(&part.histogram),
            tool: Itself::Biolatency,
            unit: Quantity::Ns,
        }
    }
}
