// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use clap::{CommandFactory, Parser};
use tracewell_shared::cli::{Common, Events, INFLIGHT_ON_TRACEPOINT, Results, files};
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

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,
}

const EXAMPLES: &str = "\
Examples:
  syncsnoop -T                     every call of every process, with the time
  syncsnoop -x                     what could not be written back
  syncsnoop --where 'call == \"sync\" || call == \"syncfs\"'
                                   who has whole file systems written back
  syncsnoop --format json -o syncs.json -- dpkg -i package.deb
                                   with flags, offsets and lengths, for a program to read";

/// The command line's parser, with the short names that users of opensnoop know.
pub(crate) fn command() -> clap::Command {
    files::short_names(Args::command()).mut_arg("inflight", |arg| arg.help(INFLIGHT_ON_TRACEPOINT))
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
            ..Syncs::default()
        })
    }

    fn narrow(tracer: &mut Syncs, asks: &Asks<'_>) -> Vec<&'static str> {
        let set = asks.results(&mut tracer.failed_only, &mut tracer.succeeded_only);
        set.then_some("errno").into_iter().collect()
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
            error,
        ]
    }
}
