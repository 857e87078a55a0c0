// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use clap::{CommandFactory, Parser};
use tracewell_shared::cli::{Common, Events, IpVersions, Ports};
use tracewell_shared::columns;
use tracewell_shared::error::Result;
use tracewell_shared::output::Format;
use tracewell_shared::output::table::Column;
use tracewell_shared::query::condition::Asks;
use tracewell_shared::run::snoop::Snoop;
use tracewell_shared::trace::sockets::Sockets;

use crate::tracer::Lives;

/// Trace the lives of TCP connections: whose they are, between whom, what they carry and how long they last
#[derive(Debug, Parser)]
#[command(name = "tcplife", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    versions: IpVersions,

    #[command(flatten)]
    ports: Ports,

    /// Show when each was closed, in local time with microseconds
    #[arg(short = 'T', long, help_heading = "Output")]
    time: bool,

    /// Show when each was closed, in seconds since the tool began to trace
    #[arg(short, long, help_heading = "Output")]
    timestamp: bool,

    /// Show the version of IP, and addresses in columns that hold those of IPv6
    #[arg(short, long, help_heading = "Output")]
    wide: bool,

    /// The same as --format csv
    #[arg(short = 's', long, help_heading = "Output", conflicts_with_all = ["format", "json"])]
    csv: bool,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,
}

const EXAMPLES: &str = "\
Examples:
  tcplife                         every connection that is closed
  tcplife -T -w -D 443            those to remote port 443, with the time
  tcplife -L 22,80 --where 'daddr != 127.0.0.0/8'
                                  those to services here, from elsewhere
  tcplife --where 'error != null' --columns pid,comm,daddr,dport,state,error
                                  what did not end well
  tcplife --count-by comm,daddr,dport --stat sent_bytes --duration 60
                                  who sends how much, and where to, in a minute
  tcplife --format json -o lives.json -- sh -c 'curl https://example.org/; sleep 1'
                                  those of a command and their last second, for a program to read";

/// What other shared options mean here.
const MEANINGS: [(&str, &str); 3] = [
    (
        "pid",
        "Only connections of this process: that it began, or closed; the run ends with it",
    ),
    (
        "tid",
        "Only connections that this thread began, or closed; the run ends with it",
    ),
    (
        "inflight",
        "How many connections may be open at once for it to be known when they began, and whose they are; 16,384 by default",
    ),
];

/// The command line's parser.
pub(crate) fn command() -> clap::Command {
    MEANINGS
        .into_iter()
        .fold(Args::command(), |command, (id, help)| {
            command.mut_arg(id, |arg| arg.help(help))
        })
}

/// Of what IPv6 has.
const WIDE: usize = 39;

/// When it was, by BCC's name.
const TIMESTAMP: Column<Lives> = Column::left("TIME(s)", 10, |life, cell| {
    cell.elapsed(life.owner.time.boot_ns)
});

impl Snoop for Args {
    type Tracer = Lives;

    fn common(&mut self) -> &mut Common {
        if self.csv {
            self.common.format = Format::Csv;
        }
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn tracer(&self) -> Result<Lives> {
        let [sports, dports] = self.ports.chosen()?;
        Ok(Lives {
            sockets: Sockets {
                ip: self.versions.only(),
                sports,
                dports,
            },
            ..Lives::default()
        })
    }

    fn narrow(lives: &mut Lives, asks: &Asks<'_>) -> Vec<&'static str> {
        lives.sockets.narrow(asks)
    }

    fn columns(&self) -> Vec<Column<Lives>> {
        let threads = self.common.is_of_threads();
        let narrow = !self.wide;
        columns![Lives:
            time if self.time,
            (TIMESTAMP) if self.timestamp,
            pid if !threads,
            tid if threads,
            comm,
            ip if self.wide,
            saddr as "LADDR" if narrow,
            (const { Column::named("saddr").wide(WIDE) }) as "LADDR" if self.wide,
            sport as "LPORT",
            daddr as "RADDR" if narrow,
            (const { Column::named("daddr").wide(WIDE) }) as "RADDR" if self.wide,
            dport as "RPORT",
            sent_bytes,
            received_bytes,
            duration_ns,
        ]
    }
}
