// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::time::Duration;

use clap::{CommandFactory, Parser};
use tracewell_shared::cli::{self, Common, Events, IpVersions, Results};
use tracewell_shared::columns;
use tracewell_shared::error::Result;
use tracewell_shared::event::Value;
use tracewell_shared::output::table::Column;
use tracewell_shared::query::condition::Asks;
use tracewell_shared::run::snoop::Snoop;
use tracewell_shared::trace::sockets::Sockets;

use crate::event::Outcome;
use crate::tracer::Connects;

/// Trace how long TCP connections take to be established, and which are not
#[derive(Debug, Parser)]
#[command(name = "tcpconnlat", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only what took at least this long: milliseconds, or with a unit such as 500us or 1s
    #[arg(value_name = "MIN", value_parser = cli::millis)]
    min_duration: Option<Duration>,

    #[command(flatten)]
    results: Results,

    #[command(flatten)]
    versions: IpVersions,

    /// Show when each came to its end, in seconds since the tool began to trace
    #[arg(short, long, help_heading = "Output")]
    timestamp: bool,

    /// Show the local port
    #[arg(short = 'L', long, help_heading = "Output")]
    lport: bool,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,
}

const EXAMPLES: &str = "\
Examples:
  tcpconnlat                      every connection that is begun here, with how long the answer took
  tcpconnlat 100                  what took a tenth of a second or more
  tcpconnlat -x                   what was refused, or not answered
  tcpconnlat --where 'daddr == 10.0.0.0/8 && dport == 5432'
                                  those to a service in a network
  tcpconnlat --count-by daddr,dport --stat duration_ns --duration 60
                                  how long each service takes to answer, in a minute
  tcpconnlat --format json -o connects.json -- curl https://example.org/
                                  those of a command, for a program to read";

const INFLIGHT: &str = "How many connections may wait for an answer at once; 16,384 by default";

/// The command line's parser.
pub(crate) fn command() -> clap::Command {
    Args::command().mut_arg("inflight", |arg| arg.help(INFLIGHT))
}

/// When it was, by BCC's name.
const TIMESTAMP: Column<Connects> = Column::left("TIME(s)", 10, |connect, cell| {
    cell.elapsed(connect.task.time.boot_ns);
});

/// What became of it.
const RESULT: Column<Connects> = Column::left("RESULT", 0, |connect, cell| match connect.outcome {
    Outcome::Failed => connect.failure.error.show(cell),
    outcome => outcome.show(cell),
});

impl Snoop for Args {
    type Tracer = Connects;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn tracer(&self) -> Result<Connects> {
        Ok(Connects {
            sockets: Sockets {
                ip: self.versions.only(),
                ..Sockets::default()
            },
            failed_only: self.results.failed,
            succeeded_only: self.results.successes,
            min_duration: self.min_duration.unwrap_or_default(),
            ..Connects::default()
        })
    }

    fn narrow(connects: &mut Connects, asks: &Asks<'_>) -> Vec<&'static str> {
        let mut decided = connects.sockets.narrow(asks);
        // Without an error it may be given up.
        if asks.needs("errno") || asks.needs("error") {
            connects.failed_only = true;
            decided.push("errno");
        }
        if asks.raise(&mut connects.min_duration, "duration_ns") {
            decided.push("duration_ns");
        }
        decided
    }

    fn columns(&self) -> Vec<Column<Connects>> {
        let threads = self.common.is_of_threads();
        columns![Connects:
            (TIMESTAMP) if self.timestamp,
            pid if !threads,
            tid if threads,
            comm,
            ip,
            saddr,
            sport as "LPORT" if self.lport,
            daddr,
            dport,
            duration_ns,
            (RESULT),
        ]
    }
}
