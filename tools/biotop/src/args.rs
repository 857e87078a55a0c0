// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use tracewell_shared::block::{Disk, Names, Operation, Seen};
use tracewell_shared::cli::{self, Common, OfDisks, Rows};
use tracewell_shared::columns;
use tracewell_shared::data::decode::until_nul;
use tracewell_shared::error::Result;
use tracewell_shared::event::{Bytes, Nanos, Value};
use tracewell_shared::output::table::{Cell, Column};
use tracewell_shared::run::rate::Rate;
use tracewell_shared::run::runner::{Interval, Schedule};
use tracewell_shared::run::tables::Tabulate;

use crate::report::{Itself, Report, Reports};
use crate::row::Row;
use crate::tracer::Submitters;

/// Show which processes do block I/O: requests, bytes and time, by process and disk
#[derive(Debug, Parser)]
#[command(name = "biotop", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Show what came in each interval of this length: seconds, or with a unit such as 500ms
    #[arg(value_name = "INTERVAL", default_value = "1", value_parser = cli::duration)]
    interval: Duration,

    /// End after this many intervals
    #[arg(value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// On a terminal, show each table below the last one, not in its place
    #[arg(short = 'C', long, help_heading = "Output", conflicts_with = "clear")]
    noclear: bool,

    #[command(flatten)]
    rows: Rows,

    #[command(flatten)]
    of_disks: OfDisks,

    /// How many rows there is room for in an interval; 10,240 by default
    ///
    /// The requests of those that find none are counted in one row for them all.
    #[arg(long, value_name = "N", help_heading = "Tracing", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    room: Option<u32>,

    #[command(flatten)]
    common: Common,

    #[arg(skip)]
    names: Names,

    #[arg(skip)]
    seen: Seen,

    /// The numbers of disks, looked up once.
    #[arg(skip)]
    numbers: RefCell<BTreeMap<Disk, Option<(u32, u32)>>>,
}

const EXAMPLES: &str = "\
Examples:
  biotop                         who does block I/O, each second
  biotop -C 5 12                 each five seconds for a minute, one table below the other
  biotop -r 5 -s took_ns         the five rows whose requests took the most time
  biotop -d nvme0n1 --where 'op == \"write\"'
                                 who writes to a disk
  biotop --format json -o io.json 1h -- make
                                 what a command and its descendants do, in all, for a program to read";

/// What other shared options mean here.
const MEANINGS: [(&str, &str); 3] = [
    (
        "top",
        "Show so many rows only, the first ones; 20 by default, except to programs (json, csv)",
    ),
    (
        "sort",
        "Sort by this field: the largest numbers first, names by the alphabet; bytes by default. BCC's io, time and all are count, took_ns and bytes",
    ),
    (
        "clear",
        "On a terminal, show each table in the place of the last one: so it is without --noclear",
    ),
];

/// The command line's parser, with the short names that users of biotop know.
pub(crate) fn command() -> clap::Command {
    let command = MEANINGS
        .into_iter()
        .fold(OfDisks::say(Args::command()), |command, (id, help)| {
            command.mut_arg(id, |arg| arg.help(help))
        });
    command
        .mut_arg("top", |arg| arg.short('r').visible_alias("rows"))
        .mut_arg("sort", |arg| arg.short('s'))
}

impl Args {
    fn numbers(&self, disk: Disk) -> Option<(u32, u32)> {
        let mut numbers = self.numbers.borrow_mut();
        *numbers.entry(disk).or_insert_with(|| disk.numbers_now())
    }
}

impl Tabulate for Args {
    type Hooks = Submitters;

    type Report = Reports;

    const SORTS: &'static [(&'static str, &'static str)] =
        &[("all", "bytes"), ("io", "count"), ("time", "took_ns")];

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            interval: Some(self.interval),
            intervals: self.count,
        }
    }

    fn rows(&self) -> &Rows {
        &self.rows
    }

    fn top(&self) -> Option<usize> {
        Some(20)
    }

    fn sorted_by(&self) -> &'static str {
        "bytes"
    }

    fn hooks(&mut self) -> Result<Submitters> {
        let disks = self.of_disks.chosen()?;
        self.names = Names::of(self.common.btf.as_deref());
        self.seen = Seen::of(disks.clone());
        self.rows.clear = !self.noclear;
        Ok(Submitters {
            disks,
            room: self.room,
            ..Submitters::default()
        })
    }

    fn attached(&self) {
        self.seen.begin();
    }

    fn why_nothing(&self) -> String {
        self.seen.why_nothing(self.common.picks_tasks())
    }

    fn greeting(&self) -> String {
        "Counting block I/O; Ctrl-C ends it".to_owned()
    }

    fn columns(&self) -> Vec<Column<Reports>> {
        columns![Reports:
            pid,
            comm,
            op,
            major,
            minor,
            disk,
            count,
            (Column::<Reports>::right(Rate::COLUMN.title, Rate::COLUMN.width, rate)) if self.rows.rate,
            bytes,
            (Column::<Reports>::right("AVGms", 8, average)),
        ]
    }

    fn count(row: &Row) -> u64 {
        row.requests
    }

    fn report<'a>(&'a self, row: &'a Row, interval: Interval) -> Report<'a> {
        let subject = row.subject.as_ref();
        let numbers = subject.and_then(|subject| self.numbers(subject.disk));
        Report {
            interval,
            tool: Itself::Biotop,
            pid: subject.map(|subject| subject.pid),
            comm: subject.map(|subject| until_nul(&subject.comm)),
            op: subject.map(|subject| Operation(self.names.op(subject.op))),
            major: numbers.map(|(major, _)| major),
            minor: numbers.map(|(_, minor)| minor),
            disk: subject.map(|subject| subject.disk.name()),
            other: subject.is_none(),
            count: row.requests,
            bytes: Bytes(row.bytes),
            took_ns: Nanos(row.took_ns),
        }
    }
}

fn rate(row: &Report<'_>, cell: &mut Cell<'_>) {
    row.interval.rate(row.count).show(cell);
}

/// How long one request took on an average, in milliseconds.
fn average(row: &Report<'_>, cell: &mut Cell<'_>) {
    let Nanos(ns) = row.took_ns;
    cell.thousandths(ns / row.count.max(1), 1_000_000);
}
