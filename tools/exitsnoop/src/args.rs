// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::time::Duration;

use clap::{CommandFactory, Parser};
use tracewell_shared::cli::{self, Common, Events, Results};
use tracewell_shared::columns;
use tracewell_shared::error::Result;
use tracewell_shared::output::Format;
use tracewell_shared::output::table::Column;
use tracewell_shared::query::condition::Asks;
use tracewell_shared::run::snoop::Snoop;

use crate::tracer::Exits;

/// Trace the ends of processes: after how long, with which exit code or by which signal, and what they used
#[derive(Debug, Parser)]
#[command(name = "exitsnoop", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    results: Results,

    /// The end of each thread, instead of each process; so it is with --tid
    #[arg(short = 'T', long, alias = "per-thread")]
    threaded: bool,

    /// Only what lived at least this long: seconds, or with a unit such as 500ms or 10m
    #[arg(long, value_name = "TIME", help_heading = "Filters", value_parser = cli::duration)]
    min_duration: Option<Duration>,

    /// Show when it was, in local time with microseconds
    #[arg(short, long, help_heading = "Output")]
    timestamp: bool,

    /// Show when it was, in UTC
    #[arg(long, help_heading = "Output")]
    utc: bool,

    /// Show a word on each line, "exit" unless another is given, to tell them from what other tools print
    #[arg(long, value_name = "LABEL", help_heading = "Output", num_args = 0..=1, require_equals = true, default_missing_value = "exit")]
    label: Option<String>,

    /// Show the user id
    #[arg(short = 'U', long, help_heading = "Output")]
    print_uid: bool,

    /// Show how long ago the last exec was, the CPU time, and the most memory that was resident at once
    #[arg(short, long, help_heading = "Output")]
    resources: bool,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,
}

const EXAMPLES: &str = "\
Examples:
  exitsnoop                        every process that ends
  exitsnoop -x -t                  what did not end well, with the time
  exitsnoop --min-duration 10 -r   what ran for ten seconds or more, and what that took
  exitsnoop -T -p 1234             the threads of a process
  exitsnoop --format json -o exits.json -- make
                                   what a build ran, for a program to read";

/// The command line's parser, with the short names that users of exitsnoop know.
pub(crate) fn command() -> clap::Command {
    Args::command()
        .mut_arg("cgroup", |arg| arg.short('c'))
        .mut_arg("failed", |arg| {
            arg.help("Only what ended with an exit code other than 0, or by a signal")
        })
        .mut_arg("successes", |arg| {
            arg.help("Only what ended with exit code 0")
        })
        .mut_arg("ppid", |arg| arg.short('P'))
        .mut_arg("comm", |arg| {
            arg.help("Trace processes of exactly this name only; threads with -T")
        })
        .mut_arg("inflight", |arg| {
            arg.help("Of how many processes to keep when their last exec was; 16,384 by default")
        })
}

/// When it was, in UTC.
const UTC: Column<Exits> = Column::left("TIME-UTC", 15, |exit, cell| {
    cell.time_of_day_utc(exit.time.boot_ns);
});

/// How it ended, in words.
const ENDING: Column<Exits> = Column::left("EXIT_CODE", 0, |exit, cell| exit.ending.show(cell));

impl Snoop for Args {
    type Tracer = Exits;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn tracer(&self) -> Result<Exits> {
        Ok(Exits {
            failed_only: self.results.failed,
            succeeded_only: self.results.successes,
            threads: self.threaded || self.common.is_of_threads(),
            // A table has no column of it unless asked for.
            exec_times: self.resources
                || self.events.shows("exec_age_ns")
                || self.events.shows("exec(s)")
                || !matches!(self.common.format, Format::Table),
            min_duration: self.min_duration.unwrap_or_default(),
            label: self.label.clone(),
            ..Exits::default()
        })
    }

    fn narrow(exits: &mut Exits, asks: &Asks<'_>) -> Vec<&'static str> {
        let mut decided = Vec::new();
        if asks.raise(&mut exits.min_duration, "age_ns") {
            decided.push("age_ns");
        }
        if asks.needs("signal") || asks.needs("signal_name") || asks.least("exit_code") > Some(0) {
            exits.failed_only = true;
            decided.push("how it ended");
        } else if asks.only("exit_code") == Some(&[0]) {
            exits.succeeded_only = true;
            decided.push("exit_code");
        }
        decided
    }

    fn columns(&self) -> Vec<Column<Exits>> {
        columns![Exits:
            (UTC) if self.utc,
            time if self.timestamp && !self.utc,
            label if self.label.is_some(),
            uid if self.print_uid,
            comm,
            pid,
            ppid,
            tid,
            age_ns,
            exec_age_ns if self.resources,
            user_ns if self.resources,
            system_ns if self.resources,
            peak_rss_bytes if self.resources,
            (ENDING),
        ]
    }
}
