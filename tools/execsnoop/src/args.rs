// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use clap::{ArgMatches, CommandFactory, Parser};
use memchr::memmem;
use tracewell_shared::cli::{self, Common, Events, INFLIGHT_ON_TRACEPOINT, sets};
use tracewell_shared::columns;
use tracewell_shared::error::{Error, Result};
use tracewell_shared::output::Format;
use tracewell_shared::output::table::Column;
use tracewell_shared::run::gathered::Gather;
use tracewell_shared::run::snoop::Snoop;
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::set::Set;

use crate::columns;
use crate::event::Exec;
use crate::processes::Processes;
use crate::tracer::Execs;
use crate::tree::{self, Program, Programs, Tree};

/// Trace execve(2) and execveat(2): which programs start, by whom, with which arguments
#[derive(Debug, Parser)]
#[command(name = "execsnoop", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Include execs that failed
    #[arg(short = 'x', long)]
    fails: bool,

    /// Only execs whose new name, file or any argument contains NAME
    ///
    /// This is asked in user space: what is left out has come through the buffer all the same.
    #[arg(short, long, value_name = "NAME", help_heading = "Filters", value_parser = sets::parser(cli::part))]
    name: Vec<Set<OsString>>,

    /// Only execs whose arguments, joined by spaces, contain LINE; a comma in it is written '\,'
    ///
    /// This is asked in user space: what is left out has come through the buffer all the same.
    #[arg(short, long, value_name = "LINE", help_heading = "Filters", value_parser = sets::parser(cli::part))]
    line: Vec<Set<OsString>>,

    /// Show when each exec took place, in local time with microseconds
    #[arg(short = 'T', long, help_heading = "Output")]
    time: bool,

    /// Show the seconds since the tool began to trace
    #[arg(short = 't', long, help_heading = "Output")]
    timestamp: bool,

    /// Show the user id
    #[arg(short = 'U', long, help_heading = "Output")]
    print_uid: bool,

    /// Show the parent's name
    #[arg(short = 'M', long, help_heading = "Output")]
    print_pcomm: bool,

    /// Show the CPU
    #[arg(short = 'C', long, help_heading = "Output")]
    print_cpu: bool,

    /// Put every argument in quotes
    #[arg(short, long, help_heading = "Output")]
    quote: bool,

    /// Show N arguments at most, the program's name included; all by default
    #[arg(long, value_name = "N", help_heading = "Output")]
    max_args: Option<usize>,

    /// Copy this much of the arguments at most, from 16 bytes to 8m (through perf buffers to 59k)
    #[arg(long, value_name = "SIZE", default_value = "8k", value_parser = cli::bytes, help_heading = "Tracing")]
    max_args_bytes: u64,

    /// Show at the end what ran below what: each program, how long it ran, how it ended and what its process used of the CPU
    ///
    /// Processes that made no exec are in it. With --where those rows are shown that it holds for, and those above them.
    #[arg(long, help_heading = "Tree")]
    tree: bool,

    /// With --tree: how many processes there is room for; what happens to more is counted as lost
    #[arg(long, value_name = "N", help_heading = "Tree", default_value_t = tree::DEFAULT_MOST)]
    tree_max: usize,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,

    #[arg(skip)]
    asked: Asked,
}

/// What user space is to let through, once the occurrences of each option are put together.
#[derive(Debug, Clone, Default)]
struct Asked {
    name: Set<OsString>,
    line: Set<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  execsnoop                        every program that starts
  execsnoop -x -T                  also those that failed to, with the time
  execsnoop -u www-data -n curl    what a user runs, where curl is in it
  execsnoop --format json -o execs.json -- make
                                   what a build runs, for a program to read
  execsnoop --tree -- make         what ran below what, how long, and how it ended
  execsnoop --format trace-event -o build.json -- make
                                   the same for Perfetto";

/// The command line's parser, with the short names that users of execsnoop know.
pub(crate) fn command() -> clap::Command {
    Args::command()
        .mut_arg("cgroup", |arg| arg.short('c'))
        .mut_arg("ppid", |arg| arg.short('P'))
        .mut_arg("tid", |arg| {
            arg.long_help("Trace this thread only, by its number before the exec; the run ends with it. The new program has the number of the process")
        })
        .mut_arg("comm", |arg| {
            arg.help("Trace processes of exactly this name only")
                .long_help("Trace processes of exactly this name only: of a success the new one, of a failure the caller's")
        })
        .mut_arg("inflight", |arg| arg.help(INFLIGHT_ON_TRACEPOINT))
        .mut_arg("format", |arg| {
            let [table, json, csv] = Format::COMMON;
            arg.value_parser(cli::formats(&[table, json, csv, Format::TraceEvent]))
                .help("How to write events; trace-event is --tree as a document for Perfetto")
        })
}

/// Whether a tree is asked for.
pub(crate) fn asks_for_tree(matches: &ArgMatches) -> bool {
    let format = matches.get_one("format");
    matches.get_flag("tree") || format == Some(&Format::TraceEvent)
}

impl Args {
    fn execs(&self) -> Execs {
        Execs {
            failed: self.fails,
            max_args_bytes: u32::try_from(self.max_args_bytes).unwrap_or(u32::MAX),
            max_args: self.max_args(),
            ..Execs::default()
        }
    }

    fn max_args(&self) -> usize {
        self.max_args.unwrap_or(usize::MAX)
    }

    /// The options that ask for single execs, or pick some of them, of those that are given.
    fn of_single_execs(&self) -> impl Iterator<Item = &'static str> {
        let counting = &self.events.counting;
        let given = [
            ("-x", self.fails),
            ("--ppid", !self.common.ppid.is_empty()),
            ("--name", !self.name.is_empty()),
            ("--line", !self.line.is_empty()),
            ("--comm", !self.common.comm.is_empty()),
            ("--tid", !self.common.tid.is_empty()),
            ("--print-pcomm", self.print_pcomm),
            ("--print-cpu", self.print_cpu),
            ("--quote", self.quote),
            ("--ancestors", self.events.ancestors),
            ("--names", self.events.names),
            ("--exe", self.events.exe),
            ("--max-events", self.events.max_events.is_some()),
            ("--count-by", !counting.count_by.is_empty()),
        ];
        given
            .into_iter()
            .filter_map(|(name, is)| is.then_some(name))
    }
}

impl Gather for Args {
    type Tracer = Processes;
    type Gathered = Tree;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn adjust(&mut self, _options: &mut Options) -> Result<()> {
        match self.of_single_execs().next() {
            None => Ok(()),
            Some(name) => Err(Error::usage(format!(
                "--tree: {name} is about single execs, and a tree is of processes"
            ))
            .help(format!(
                "leave out {name}, or --tree; --where picks rows of the tree by their fields"
            ))),
        }
    }

    fn tracer(&self) -> Result<Processes> {
        Ok(Processes {
            execs: self.execs(),
            ..Processes::default()
        })
    }

    fn gathered(&self) -> Tree {
        Tree::new(self.tree_max, self.max_args())
    }

    fn columns(&self) -> Vec<Column<Programs>> {
        columns![Programs:
            time if self.time,
            (Column::left("START(s)", 10, |program: &Program<'_>, cell| cell.elapsed(program.time.boot_ns))) if !self.time,
            (Column::left("TIME(s)", 10, |program: &Program<'_>, cell| program.show_duration(cell))),
            (Column::left("CPU(s)", 10, |program: &Program<'_>, cell| program.show_cpu(cell))),
            (Column::left("EXIT", 8, |program: &Program<'_>, cell| program.show_end(cell))),
            uid if self.print_uid,
            pid,
            (Column::left("PROGRAM", 0, |program: &Program<'_>, cell| program.show_program(cell))),
        ]
    }

    fn greeting(&self) -> &'static str {
        "Tracing processes, to show their tree at the end... Hit Ctrl-C to end."
    }
}

impl Snoop for Args {
    type Tracer = Execs;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn adjust(&mut self, _options: &mut Options) -> Result<()> {
        self.asked = Asked {
            name: sets::together("--name", &self.name)?,
            line: sets::together("--line", &self.line)?,
        };
        Ok(())
    }

    fn tracer(&self) -> Result<Execs> {
        Ok(self.execs())
    }

    fn columns(&self) -> Vec<Column<Execs>> {
        // With both names shown, the headers tell them apart as BCC's older tool does.
        columns![Execs:
            time if self.time,
            (columns::ELAPSED) if self.timestamp,
            uid if self.print_uid,
            comm as "PCOMM" if !self.print_pcomm,
            comm if self.print_pcomm,
            pid,
            pcomm if self.print_pcomm,
            ppid,
            cpu if self.print_cpu,
            ret,
            (columns::ARGS) if !self.quote,
            (columns::QUOTED_ARGS) if self.quote,
        ]
    }

    fn keep(&self, exec: &Exec<'_>) -> bool {
        let Asked { name, line } = &self.asked;
        name.lets(|name| has_name(exec, name.as_bytes()))
            && line.lets(|line| has_line(exec, line.as_bytes()))
    }
}

fn has_name(exec: &Exec<'_>, name: &[u8]) -> bool {
    let finder = memmem::Finder::new(name);
    let has = |bytes: &[u8]| finder.find(bytes).is_some();
    has(exec.comm)
        || exec.filename.bytes.is_some_and(has)
        || exec.args.get().is_some_and(|args| args.flatten().any(has))
}

fn has_line(exec: &Exec<'_>, line: &[u8]) -> bool {
    let args: Vec<_> = exec.args.get().into_iter().flatten().collect();
    // What stands before one that could not be read is not beside what stands behind it.
    args.split(Option::is_none).any(|args| {
        let args: Vec<&[u8]> = args.iter().copied().flatten().collect();
        memmem::find(&args.join(&b' '), line).is_some()
    })
}
