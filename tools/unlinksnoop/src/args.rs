// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use tracewell_shared::cli::{self, Common, Events, Results, files, sets};
use tracewell_shared::columns;
use tracewell_shared::error::Result;
use tracewell_shared::output::table::Column;
use tracewell_shared::query::condition::Asks;
use tracewell_shared::run::snoop::Snoop;
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::set::Set;

use crate::event::Unlink;
use crate::tracer::Unlinks;

/// Trace unlink(2), unlinkat(2) and rmdir(2): who removes which file
#[derive(Debug, Parser)]
#[command(name = "unlinksnoop", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    results: Results,

    /// Also files that a rename replaced (needs probe fentry or kprobe)
    #[arg(long)]
    rename: bool,

    /// Only threads whose name, the column COMM, contains NAME; most processes' threads have the name of the process
    ///
    /// This is asked in user space: what is left out has come through the buffer all the same.
    #[arg(short, long, value_name = "NAME", help_heading = "Filters", value_parser = sets::parser(cli::part))]
    name: Vec<Set<OsString>>,

    /// Show when each call returned, in local time with microseconds
    #[arg(short = 'T', long, help_heading = "Output")]
    timestamp: bool,

    /// Show the user id
    #[arg(short = 'U', long, help_heading = "Output")]
    print_uid: bool,

    /// Show the path from the root, whatever directory it was relative to
    #[arg(short = 'F', long, help_heading = "Output")]
    full_path: bool,

    #[command(flatten)]
    paths: files::Paths,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,

    /// The occurrences of --name, put together.
    #[arg(skip)]
    asked: Set<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  unlinksnoop                        every removal by every process
  unlinksnoop -F -n backup           what a program removes, with full paths
  unlinksnoop --rename -T            also what is replaced by a rename, with times
  unlinksnoop --format json -o removed.json -- make clean
                                     sizes, links left and more, for a program to read";

/// The command line's parser, with the short names that users of opensnoop know.
pub(crate) fn command() -> clap::Command {
    files::short_names(Args::command()).mut_arg("inflight", |arg| {
        arg.help(
            "How many calls may be under way at once, on rungs that join entry and exit: fentry and kprobe (1,024 by \
             default), tracepoint (10,240)",
        )
    })
}

impl Args {
    /// What --path asks of is shown.
    fn shows_full_path(&self) -> bool {
        self.full_path || !self.paths.is_empty()
    }
}

impl Snoop for Args {
    type Tracer = Unlinks;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn adjust(&mut self, _options: &mut Options) -> Result<()> {
        self.asked = sets::together("--name", &self.name)?;
        self.paths.adjust()
    }

    fn tracer(&self) -> Result<Unlinks> {
        Ok(Unlinks {
            failed_only: self.results.failed,
            succeeded_only: self.results.successes,
            full_path: self.shows_full_path() || self.events.shows("full_path"),
            begins: self.paths.begins(),
            renames: self.rename,
            ..Unlinks::default()
        })
    }

    fn narrow(tracer: &mut Unlinks, asks: &Asks<'_>) -> Vec<&'static str> {
        let set = asks.results(&mut tracer.failed_only, &mut tracer.succeeded_only);
        set.then_some("errno").into_iter().collect()
    }

    fn columns(&self) -> Vec<Column<Unlinks>> {
        let threads = self.common.is_of_threads();
        let full_path = self.shows_full_path();
        columns![Unlinks:
            time if self.timestamp,
            uid if self.print_uid,
            pid if !threads,
            tid if threads,
            comm,
            op,
            error,
            path if !full_path,
            full_path if full_path,
        ]
    }

    fn keep(&self, unlink: &Unlink<'_>) -> bool {
        files::is_named(unlink.task.comm, &self.asked) && self.paths.lets(&unlink.file)
    }
}
