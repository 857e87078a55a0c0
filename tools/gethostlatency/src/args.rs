// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use tracewell_shared::cli::{self, Common, Events, Results, files};
use tracewell_shared::columns;
use tracewell_shared::error::Result;
use tracewell_shared::output::table::Column;
use tracewell_shared::query::condition::Asks;
use tracewell_shared::run::snoop::Snoop;

use crate::tracer::Lookups;

/// Trace lookups of hosts by getaddrinfo(3) and gethostbyname(3): who, which host, how long, with what result
#[derive(Debug, Parser)]
#[command(name = "gethostlatency", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    results: Results,

    /// Only lookups that took so long: seconds, or with a unit such as 10ms
    #[arg(long, value_name = "TIME", help_heading = "Filters", value_parser = cli::duration)]
    min_duration: Option<Duration>,

    /// Hook this C library, or this program that has one in it, and no other; can be given several times
    ///
    /// Without it: those that processes have mapped when the trace begins, in containers too, and the system's own; with
    /// --pid those that this process has mapped. -v says which they are.
    #[arg(short = 'l', long, value_name = "FILE", help_heading = "Tracing")]
    libc: Vec<PathBuf>,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,
}

const EXAMPLES: &str = "\
Examples:
  gethostlatency                        every lookup of every process
  gethostlatency -x                     what could not be found
  gethostlatency --min-duration 100ms   what took long
  gethostlatency --count-by comm,host --stat duration_ns
                                        who asks for what, how often, and how long it takes
  gethostlatency --format json -o lookups.json -- curl https://example.org/
                                        the lookups of a command, for a program to read";

const INFLIGHT: &str = "How many lookups may be under way at once, 10,240 by default";

/// The command line's parser, with the short names that users of opensnoop know.
pub(crate) fn command() -> clap::Command {
    files::short_names(Args::command()).mut_arg("inflight", |arg| arg.help(INFLIGHT))
}

impl Snoop for Args {
    type Tracer = Lookups;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn tracer(&self) -> Result<Lookups> {
        Ok(Lookups {
            libcs: self.common.files(&self.libc)?,
            failed_only: self.results.failed,
            succeeded_only: self.results.successes,
            min_duration: self.min_duration.unwrap_or_default(),
            ..Lookups::default()
        })
    }

    fn narrow(lookups: &mut Lookups, asks: &Asks<'_>) -> Vec<&'static str> {
        let raised = asks.raise(&mut lookups.min_duration, "duration_ns");
        raised.then_some("duration_ns").into_iter().collect()
    }

    fn columns(&self) -> Vec<Column<Lookups>> {
        let threads = self.common.is_of_threads();
        columns![Lookups:
            time,
            pid if !threads,
            tid if threads,
            comm,
            duration_ns,
            error,
            host,
        ]
    }
}
