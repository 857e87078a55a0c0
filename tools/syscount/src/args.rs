// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::time::Duration;

use clap::{ArgMatches, CommandFactory, Parser};
use tracewell_shared::cli::{self, Common, Rows, sets};
use tracewell_shared::columns;
use tracewell_shared::console;
use tracewell_shared::data::decode::until_nul;
use tracewell_shared::error::{Error, Result};
use tracewell_shared::event::{Nanos, Value, names};
use tracewell_shared::output::table::{Cell, Column};
use tracewell_shared::run::rate::Rate;
use tracewell_shared::run::runner::{Interval, Schedule};
use tracewell_shared::run::tables::{self, Tabulate};
use tracewell_shared::trace::set::Set;

use crate::call;
use crate::report::{Itself, Name, Report, Reports};
use crate::row::{Row, Subject};
use crate::tracer::Calls;

/// Count system calls, by call or by process
#[derive(Debug, Parser)]
#[command(name = "syscount", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Show what came in each interval of this length: seconds, or with a unit such as 500ms; without it all, at the end
    #[arg(short, long, value_name = "INTERVAL", help_heading = "Output", value_parser = cli::duration)]
    interval: Option<Duration>,

    /// Count by process, not by call
    #[arg(short = 'P', long)]
    process: bool,

    /// Only calls that failed
    #[arg(short = 'x', long)]
    failures: bool,

    /// Only calls that failed with this error: its name or number
    #[arg(short, long, value_name = "ERRNO", value_parser = errno)]
    errno: Option<u32>,

    /// Only calls of this name
    #[arg(long, value_name = "NAME", help_heading = "Filters", value_parser = sets::text_parser(known))]
    syscall: Vec<Set<String>>,

    /// Show the time that the calls took, too, and sort by it
    #[arg(short = 'L', long, help_heading = "Output")]
    latency: bool,

    /// That time in milliseconds, not microseconds
    #[arg(short, long, help_heading = "Output")]
    milliseconds: bool,

    /// Print the names of all calls, and do nothing else
    #[arg(short, long)]
    list: bool,

    /// How many processes there is room for in an interval, with --process; 10,240 by default
    ///
    /// The calls of those that find none are counted in one row for them all.
    #[arg(long, value_name = "N", help_heading = "Tracing", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    room: Option<u32>,

    #[command(flatten)]
    rows: Rows,

    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  syscount                       the ten most frequent calls, until Ctrl-C
  syscount -i 1 -L               each second, those that took the most time
  syscount -P -x -T 5            the five processes whose calls failed most
  syscount -e EAGAIN -p 181      which calls of a process say EAGAIN
  syscount -L -- ls              where a command's time goes
  syscount --format json -o calls.json -- make
                                 the same for a program to read";

/// What the shared options mean here.
const MEANINGS: [(&str, &str); 12] = [
    ("pid", "Only calls of this process; the run ends with it"),
    ("tid", "Only calls of this thread; the run ends with it"),
    (
        "uid",
        "Only calls of this real user's processes: a name or a number",
    ),
    ("comm", "Only calls of threads of exactly this name"),
    (
        "cgroup",
        "Only calls of tasks in this cgroup and those below it: a directory of a cgroup v2 file system, or its path below where that is mounted",
    ),
    (
        "unit",
        "Only calls of tasks in this systemd unit: ssh is ssh.service",
    ),
    (
        "container",
        "Only calls of tasks in this container, by how its id begins, or its name: of Docker, containerd (CRI), CRI-O or Podman",
    ),
    (
        "ppid",
        "Only calls of processes whose parent is PPID; the run ends with it",
    ),
    (
        "top",
        "Show so many rows only, the first ones; 10 by default, except to programs (json, csv)",
    ),
    (
        "sort",
        "Sort by this field: the largest numbers first, names by the alphabet; count by default, with --latency took_ns",
    ),
    (
        "command",
        "Run this command, count only the calls of it and its descendants, and end with its exit status",
    ),
    (
        "inflight",
        "How many calls may be under way at once, with --latency; 16,384 by default",
    ),
];

/// The command line's parser, with the short names that users of syscount know.
pub(crate) fn command() -> clap::Command {
    let command = MEANINGS
        .into_iter()
        .fold(Args::command(), |command, (id, help)| {
            command.mut_arg(id, |arg| arg.help(help))
        });
    let short = [("tid", 't'), ("cgroup", 'c'), ("top", 'T')];
    short.into_iter().fold(command, |command, (id, short)| {
        command.mut_arg(id, |arg| arg.short(short))
    })
}

/// Runs the tool; gives its exit status.
pub(crate) fn run(matches: &ArgMatches) -> Result<u8> {
    if matches.get_flag("list") {
        let names = call::names().join("\n");
        return console::print(&format!("{names}\n")).map(|()| 0);
    }
    tables::run::<Args>(matches)
}

/// The largest number of an error.
const MAX_ERRNO: u32 = 4095;

fn errno(text: &str) -> Result<u32, String> {
    let named = |number: &u32| names::errno(*number as i32) == Some(text);
    let given = text.parse().ok();
    given
        .filter(|number| (1..=MAX_ERRNO).contains(number))
        .or_else(|| (1..=MAX_ERRNO).find(named))
        .ok_or_else(|| "not an error: a name such as ENOENT, or a number from 1 on".to_owned())
}

fn known(text: &str) -> Result<String, String> {
    if call::names().contains(&text) {
        Ok(text.to_owned())
    } else {
        Err("no such system call; --list prints the names of all".to_owned())
    }
}

impl Tabulate for Args {
    type Hooks = Calls;

    type Report = Reports;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            interval: self.interval,
            intervals: None,
        }
    }

    fn rows(&self) -> &Rows {
        &self.rows
    }

    fn top(&self) -> Option<usize> {
        Some(10)
    }

    fn sorted_by(&self) -> &'static str {
        if self.latency { "took_ns" } else { "count" }
    }

    fn hooks(&mut self) -> Result<Calls> {
        if self.milliseconds && !self.latency {
            return Err(Error::usage("--milliseconds: no time is shown")
                .help("add --latency (-L) for the time that the calls took"));
        }
        Ok(Calls {
            by_process: self.process,
            timed: self.latency,
            failed_only: self.failures,
            errno: self.errno,
            names: sets::together("--syscall", &self.syscall)?,
            room: self.room,
            ..Calls::default()
        })
    }

    fn why_nothing(&self) -> String {
        if self.common.picks_tasks() {
            "no call of the tasks that the filters let pass ended meanwhile: one that waits is counted when it ends"
        } else {
            "no such call ended meanwhile"
        }
        .to_owned()
    }

    fn greeting(&self) -> String {
        "Counting system calls; Ctrl-C ends it".to_owned()
    }

    fn columns(&self) -> Vec<Column<Reports>> {
        columns![Reports:
            pid if self.process,
            comm if self.process,
            (Column::<Reports>::left("SYSCALL", 22, shown_call)) if !self.process,
            count,
            (Column::<Reports>::right(Rate::COLUMN.title, Rate::COLUMN.width, rate)) if self.rows.rate,
            (Column::<Reports>::right("TIME (ms)", 16, |row, cell| time(row, 1_000_000, cell))) if self.latency && self.milliseconds,
            (Column::<Reports>::right("TIME (us)", 16, |row, cell| time(row, 1_000, cell))) if self.latency && !self.milliseconds,
        ]
    }

    fn count(row: &Row) -> u64 {
        row.calls
    }

    fn report<'a>(&'a self, row: &'a Row, interval: Interval) -> Report<'a> {
        let call = match row.subject {
            Subject::Call(call) => Some(call),
            _ => None,
        };
        let process = match &row.subject {
            Subject::Process(pid, comm) => Some((*pid, until_nul(comm))),
            _ => None,
        };
        Report {
            interval,
            tool: Itself::Syscount,
            syscall: call.and_then(|call| call.name()).map(Name),
            number: call.map(|call| call.number),
            compat: call.map(|call| call.compat),
            pid: process.map(|(pid, _)| pid),
            comm: process.map(|(_, comm)| comm),
            other: call.is_none() && process.is_none(),
            count: row.calls,
            errors: row.failed,
            took_ns: self.latency.then_some(Nanos(row.took_ns)),
        }
    }
}

fn shown_call(row: &Report<'_>, cell: &mut Cell<'_>) {
    match (row.syscall, row.number) {
        (Some(Name(name)), _) => cell.text(name),
        (None, Some(number)) => cell.u64(number.into()),
        (None, None) => cell.text("(other)"),
    }
}

fn rate(row: &Report<'_>, cell: &mut Cell<'_>) {
    row.interval.rate(row.count).show(cell);
}

/// The time in a unit of so many nanoseconds, with three decimals.
fn time(row: &Report<'_>, unit: u64, cell: &mut Cell<'_>) {
    let Nanos(ns) = row.took_ns.unwrap_or_default();
    cell.thousandths(ns, unit);
}
