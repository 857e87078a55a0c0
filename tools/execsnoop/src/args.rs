// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use clap::{CommandFactory, Parser};
use memchr::memmem;
use tracewell_shared::cli::{self, Common, Events, INFLIGHT_ON_TRACEPOINT, sets};
use tracewell_shared::columns;
use tracewell_shared::error::Result;
use tracewell_shared::output::table::Column;
use tracewell_shared::run::snoop::Snoop;
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::set::Set;

use crate::columns;
use crate::event::Exec;
use crate::tracer::Execs;

/// Trace execve(2) and execveat(2): which programs start, by whom, with which arguments
#[derive(Debug, Parser)]
#[command(name = "execsnoop", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Include execs that failed
    #[arg(short = 'x', long)]
    fails: bool,

    /// Only processes whose parent is PPID; the run ends with it
    #[arg(short = 'P', long, value_name = "PPID", help_heading = "Filters", value_parser = sets::text_parser(cli::number))]
    ppid: Vec<Set<u32>>,

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
                                   what a build runs, for a program to read";

/// The command line's parser, with the short names that users of execsnoop know.
pub(crate) fn command() -> clap::Command {
    Args::command()
        .mut_arg("cgroup", |arg| arg.short('c'))
        .mut_arg("tid", |arg| {
            arg.long_help("Trace this thread only, by its number before the exec; the run ends with it. The new program has the number of the process")
        })
        .mut_arg("comm", |arg| {
            arg.help("Trace processes of exactly this name only")
                .long_help("Trace processes of exactly this name only: of a success the new one, of a failure the caller's")
        })
        .mut_arg("inflight", |arg| arg.help(INFLIGHT_ON_TRACEPOINT))
}

impl Snoop for Args {
    type Tracer = Execs;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn adjust(&mut self, options: &mut Options) -> Result<()> {
        options.filter.ppid = sets::together("--ppid", &self.ppid)?;
        self.asked = Asked {
            name: sets::together("--name", &self.name)?,
            line: sets::together("--line", &self.line)?,
        };
        Ok(())
    }

    fn tracer(&self) -> Result<Execs> {
        Ok(Execs {
            failed: self.fails,
            max_args_bytes: u32::try_from(self.max_args_bytes).unwrap_or(u32::MAX),
            max_args: self.max_args.unwrap_or(usize::MAX),
            ..Execs::default()
        })
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
