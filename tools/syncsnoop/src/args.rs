// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::time::Duration;

use clap::{CommandFactory, Parser};
use tracewell_shared::cli::{self, Common, Events, Results, files};
use tracewell_shared::columns;
use tracewell_shared::error::Result;
use tracewell_shared::output::table::Column;
use tracewell_shared::query::condition::Asks;
use tracewell_shared::run::snoop::Snoop;

use crate::tracer::Syncs;

/// Trace sync(2), fsync(2), msync(2) and their kin: who has files written back
#[derive(Debug, Parser)]
#[command(name = "syncsnoop", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    results: Results,

    /// Show when each call returned, in local time with microseconds
    #[arg(short = 'T', long, help_heading = "Output")]
    timestamp: bool,

    /// Show the user id
    #[arg(short = 'U', long, help_heading = "Output")]
    print_uid: bool,

    /// Show how long each call took, in milliseconds
    #[arg(short = 'L', long, help_heading = "Output")]
    lat: bool,

    /// Only calls that took so long: seconds, or with a unit such as 10ms; and those of which that is not known
    #[arg(long, value_name = "TIME", help_heading = "Filters", value_parser = cli::duration)]
    min_duration: Option<Duration>,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,
}

const EXAMPLES: &str = "\
Examples:
  syncsnoop -T                     every call of every process, with the time
  syncsnoop -x                     what could not be written back
  syncsnoop --min-duration 10ms    what took long, with how long it took
  syncsnoop --where 'call == \"sync\" || call == \"syncfs\"'
                                   who has whole file systems written back
  syncsnoop --format json -o syncs.json -- dpkg -i package.deb
                                   with flags, offsets and lengths, for a program to read";

const INFLIGHT: &str = "How many calls may be under way at once, on the rung that joins entry and exit \
(tracepoint), 10,240 by default; with --lat on each rung, 16,384";

/// The command line's parser, with the short names that users of opensnoop know.
pub(crate) fn command() -> clap::Command {
    files::short_names(Args::command()).mut_arg("inflight", |arg| arg.help(INFLIGHT))
}

impl Args {
    fn shows_duration(&self) -> bool {
        self.lat || self.min_duration.is_some()
    }

    fn is_asked_for_durations(&self) -> bool {
        ["duration_ns", "LAT(ms)"]
            .iter()
            .any(|name| self.events.shows(name))
    }
}

impl Snoop for Args {
    type Tracer = Syncs;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn tracer(&self) -> Result<Syncs> {
        Ok(Syncs {
            failed_only: self.results.failed,
            succeeded_only: self.results.successes,
            timed: self.shows_duration() || self.is_asked_for_durations(),
            min_duration: self.min_duration.unwrap_or_default(),
            ..Syncs::default()
        })
    }

    fn narrow(syncs: &mut Syncs, asks: &Asks<'_>) -> Vec<&'static str> {
        let mut decided = Vec::new();
        if asks.results(&mut syncs.failed_only, &mut syncs.succeeded_only) {
            decided.push("errno");
        }
        if asks.raise(&mut syncs.min_duration, "duration_ns") {
            decided.push("duration_ns");
        }
        decided
    }

    fn columns(&self) -> Vec<Column<Syncs>> {
        let threads = self.common.is_of_threads();
        columns![Syncs:
            time if self.timestamp,
            uid if self.print_uid,
            pid if !threads,
            tid if threads,
            comm,
            call,
            fd,
            duration_ns if self.shows_duration(),
            error,
        ]
    }
}
