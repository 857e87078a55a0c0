// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::net::IpAddr;

use clap::{CommandFactory, Parser};
use tracewell_shared::cli::{Common, Events, IpVersions};
use tracewell_shared::columns;
use tracewell_shared::error::Result;
use tracewell_shared::event::Value;
use tracewell_shared::output::table::{Cell, Column};
use tracewell_shared::query::condition::Asks;
use tracewell_shared::run::snoop::Snoop;
use tracewell_shared::trace::sockets::Sockets;

use crate::event::Kind;
use crate::tracer::Retransmits;

/// Trace TCP segments that are sent again: of which connection, and why
#[derive(Debug, Parser)]
#[command(name = "tcpretrans", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    versions: IpVersions,

    /// Show tail loss probes as L>, not as R> like all others
    #[arg(short, long, help_heading = "Output")]
    lossprobe: bool,

    /// Show the sequence number of each
    #[arg(short, long, help_heading = "Output")]
    sequence: bool,

    /// Count them by connection: the same as --count-by saddr,sport,daddr,dport
    #[arg(short, long, help_heading = "Counts", conflicts_with_all = ["count_by", "columns"])]
    count: bool,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,
}

const EXAMPLES: &str = "\
Examples:
  tcpretrans                      every segment that is sent again
  tcpretrans --where 'kind == syn'
                                  SYNs that nobody has answered
  tcpretrans -c --duration 60     which connections lose how much in a minute
  tcpretrans --count-by daddr,kind --interval 10
                                  which paths lose, and how it is found, each ten seconds
  tcpretrans --format json -o lost.json -- curl https://example.org/
                                  those of a command, for a program to read";

/// What other shared options mean here.
const MEANINGS: [(&str, &str); 3] = [
    (
        "pid",
        "Only connections of this process: that it began, or has closed; the run ends with it",
    ),
    (
        "tid",
        "Only connections that this thread began, or has closed; the run ends with it",
    ),
    (
        "inflight",
        "How many connections may be open at once for it to be known whose they are; 16,384 by default",
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

/// An end, as BCC's table has it.
fn end(address: IpAddr, port: Option<u16>, cell: &mut Cell<'_>) {
    if address.is_ipv6() {
        cell.text("[");
    }
    address.show(cell);
    cell.text(if address.is_ipv6() { "]:" } else { ":" });
    port.show(cell);
}

const LOCAL: Column<Retransmits> = Column::left("LADDR:LPORT", 20, |sent, cell| {
    end(sent.ends.saddr, sent.ends.sport, cell);
});

const REMOTE: Column<Retransmits> = Column::left("RADDR:RPORT", 20, |sent, cell| {
    end(sent.ends.daddr, Some(sent.ends.dport), cell);
});

/// All of them alike.
const TYPE: Column<Retransmits> = Column::left("T>", 2, |_, cell| cell.text("R>"));

/// Tail loss probes apart.
const PROBES: Column<Retransmits> = Column::left("T>", 2, |sent, cell| {
    cell.text(match sent.kind {
        Kind::LossProbe => "L>",
        _ => "R>",
    });
});

impl Snoop for Args {
    type Tracer = Retransmits;

    fn common(&mut self) -> &mut Common {
        if self.count && self.events.counting.count_by.is_empty() {
            let by = ["saddr", "sport", "daddr", "dport"];
            self.events.counting.count_by = by.map(str::to_owned).to_vec();
        }
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn tracer(&self) -> Result<Retransmits> {
        Ok(Retransmits {
            sockets: Sockets {
                ip: self.versions.only(),
                ..Sockets::default()
            },
            ..Retransmits::default()
        })
    }

    fn narrow(retransmits: &mut Retransmits, asks: &Asks<'_>) -> Vec<&'static str> {
        retransmits.sockets.narrow(asks)
    }

    fn columns(&self) -> Vec<Column<Retransmits>> {
        let threads = self.common.is_of_threads();
        columns![Retransmits:
            time,
            pid if !threads,
            tid if threads,
            ip,
            (LOCAL),
            (TYPE) if !self.lossprobe,
            (PROBES) if self.lossprobe,
            (REMOTE),
            state,
            seq if self.sequence,
        ]
    }
}
