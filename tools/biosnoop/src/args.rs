// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::cell::OnceCell;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use tracewell_shared::block::{Names, Seen};
use tracewell_shared::cli::{self, Common, Events, OfDisks, Results};
use tracewell_shared::columns;
use tracewell_shared::error::Result;
use tracewell_shared::event::Cell;
use tracewell_shared::output::table::Column;
use tracewell_shared::query::condition::Asks;
use tracewell_shared::run::snoop::Snoop;

use crate::event::Request;
use crate::tracer::Requests;

/// Trace block I/O: each request, with who submitted it, its disk and its latency
#[derive(Debug, Parser)]
#[command(name = "biosnoop", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// End after this time, as with --duration: seconds, or with a unit such as 10m
    #[arg(value_name = "DURATION", value_parser = cli::duration, conflicts_with = "duration")]
    time: Option<Duration>,

    #[command(flatten)]
    results: Results,

    /// Show how long each request waited in a queue, too, in milliseconds
    #[arg(short = 'Q', long, alias = "queue", help_heading = "Output")]
    queued: bool,

    /// Show whether each request is sequential (S) or random (R): whether it begins where the disk's last one ended
    #[arg(short = 'P', long, help_heading = "Output")]
    pattern: bool,

    /// Show when each request ended: so it is without it
    #[arg(short = 't', long, help_heading = "Output")]
    timestamp: bool,

    #[command(flatten)]
    of_disks: OfDisks,

    /// Only requests that took so long: milliseconds, or with a unit such as 500us
    #[arg(short = 'm', long, alias = "min", value_name = "TIME", help_heading = "Filters", value_parser = cli::millis)]
    min_duration: Option<Duration>,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,

    /// What the disks did meanwhile.
    #[arg(skip)]
    seen: OnceCell<Seen>,
}

const EXAMPLES: &str = "\
Examples:
  biosnoop                         every request to every disk
  biosnoop -Q -d nvme0n1 10        to one disk for ten seconds, with the time in queues
  biosnoop -m 20                   what took a disk 20 ms or more
  biosnoop -x                      what failed
  biosnoop --where 'op == \"write\" && flags has META'
                                   who writes metadata
  biosnoop --count-by comm,disk,op --stat duration_ns
                                   how much each does to each disk, and how long it takes
  biosnoop --format json -o io.json -- make
                                   what a command and its descendants do, for a program to read";

const INFLIGHT: &str = "How many requests may be under way at once; 16,384 by default, and fewer where --names, --exe \
or --ancestors have much kept of each";

/// The command line's parser, with the words that its shared options have of requests.
pub(crate) fn command() -> clap::Command {
    OfDisks::say(Args::command())
        .mut_arg("inflight", |arg| arg.help(INFLIGHT))
        .mut_arg("command", |arg| {
            arg.help("Run this command, trace only what it and its descendants submit, and end with its exit status")
        })
}

impl Snoop for Args {
    type Tracer = Requests;

    fn common(&mut self) -> &mut Common {
        if let Some(time) = self.time {
            self.common.duration = Some(time);
        }
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn tracer(&self) -> Result<Requests> {
        let disks = self.of_disks.chosen()?;
        self.seen.get_or_init(|| Seen::of(disks.clone()));
        Ok(Requests {
            disks,
            failed_only: self.results.failed,
            succeeded_only: self.results.successes,
            min_duration: self.min_duration.unwrap_or_default(),
            patterns: self.pattern || self.events.shows("pattern") || self.events.shows("P"),
            names: Names::of(self.common.btf.as_deref()),
            ..Requests::default()
        })
    }

    fn narrow(requests: &mut Requests, asks: &Asks<'_>) -> Vec<&'static str> {
        let mut decided = Vec::new();
        if asks.results(&mut requests.failed_only, &mut requests.succeeded_only) {
            decided.push("errno");
        }
        if asks.raise(&mut requests.min_duration, "duration_ns") {
            decided.push("duration_ns");
        }
        decided
    }

    fn attached(&self) {
        if let Some(seen) = self.seen.get() {
            seen.begin();
        }
    }

    fn why_nothing(&self) -> Option<String> {
        let results = self.results.failed || self.results.successes;
        if results || self.min_duration.is_some() || self.events.asked.condition.is_some() {
            return Some(
                "no request ended that --min-duration, --failed, --successes or --where lets pass"
                    .to_owned(),
            );
        }
        let seen = self.seen.get()?;
        Some(seen.why_nothing(self.common.picks_tasks()))
    }

    fn columns(&self) -> Vec<Column<Requests>> {
        let threads = self.common.is_of_threads();
        columns![Requests:
            time,
            comm,
            pid if !threads,
            tid if threads,
            disk,
            (Column::<Requests>::left("T", 3, letters)),
            sector,
            bytes,
            pattern if self.pattern,
            queued_ns if self.queued,
            duration_ns,
            error,
        ]
    }
}

/// Operation and flags, as BCC's biosnoop and blktrace(8) have them.
fn letters(request: &Request<'_>, cell: &mut Cell<'_>) {
    request.flags.show_letters(cell);
}
