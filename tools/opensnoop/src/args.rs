// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use clap::builder::ArgPredicate;
use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use tracewell_shared::callers::{self, Symbols};
use tracewell_shared::cli::{self, Common, Events, INFLIGHT_ON_TRACEPOINT, Results, files, sets};
use tracewell_shared::columns;
use tracewell_shared::confine::privilege::Capability;
use tracewell_shared::error::Result;
use tracewell_shared::event::Value;
use tracewell_shared::output::table::Column;
use tracewell_shared::query::condition::Asks;
use tracewell_shared::run::snoop::Snoop;
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::set::Set;

use crate::event::Open;
use crate::flags::{self, Wanted};
use crate::tracer::Opens;

/// Trace open(2), openat(2), openat2(2) and creat(2)
#[derive(Debug, Parser)]
#[command(name = "opensnoop", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    results: Results,

    /// Only threads whose name, the column COMM, contains NAME; most processes' threads have the name of the process
    ///
    /// This is asked in user space: what is left out has come through the buffer all the same.
    #[arg(short, long, value_name = "NAME", help_heading = "Filters", value_parser = sets::parser(cli::part))]
    name: Vec<Set<OsString>>,

    /// Only opens with this flag of open(2), by its name; `O_WRONLY|O_CREAT` for opens that have both
    ///
    /// This is asked in user space: what is left out has come through the buffer all the same.
    #[arg(short, long = "flag", alias = "flag_filter", value_name = "FLAG", value_parser = sets::text_parser(wanted), help_heading = "Filters")]
    flags: Vec<Set<Wanted>>,

    /// Show when each open returned, in local time with microseconds
    #[arg(short = 'T', long, help_heading = "Output")]
    timestamp: bool,

    /// Show the user id
    #[arg(short = 'U', long, help_heading = "Output")]
    print_uid: bool,

    /// Show the flags by their names, and the mode in octal
    #[arg(short, long, help_heading = "Output")]
    extended_fields: bool,

    /// Show the path from the root, whatever directory it was relative to
    #[arg(short = 'F', long, help_heading = "Output")]
    full_path: bool,

    /// Show who in the program called: its stack, up to 16 functions
    #[arg(short, long, help_heading = "Output")]
    callers: bool,

    /// Pages of the buffer, instead of --buffer-size
    #[arg(
        short,
        long,
        value_name = "PAGES",
        conflicts_with = "buffer_size",
        value_parser = cli::buffer_pages,
        help_heading = "Tracing"
    )]
    buffer_pages: Option<usize>,

    /// The same as `-- COMMAND`, as BCC's Python tool has it: all that follows is the command
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true, hide = true, conflicts_with_all = ["command", "pid", "tid"])]
    exec: Vec<OsString>,

    #[command(flatten)]
    paths: files::Paths,

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
    flags: Set<Wanted>,
}

const EXAMPLES: &str = "\
Examples:
  opensnoop                        every open of every process
  opensnoop -x -F                  failed opens, with full paths
  opensnoop -c -p 1234             with the functions that called
  opensnoop -u www-data -d 10      what a user opens within ten seconds
  opensnoop --format json -o opens.json -- make
                                   what a build opens, for a program to read";

/// The path, and below the row a line for each caller.
const CALLER: Column<Opens> = Column::left("PATH/CALLER", 0, |open, cell| {
    open.file.path.show(cell);
    open.stack.show_below(cell);
});

const FULL_CALLER: Column<Opens> = Column::left("PATH/CALLER", 0, |open, cell| {
    open.file.full_path.show(cell);
    open.stack.show_below(cell);
});

/// The command line's parser, with the short names that users of opensnoop know.
pub(crate) fn command() -> clap::Command {
    files::short_names(Args::command())
        // The sooner a program is looked at, the more of those that soon end are still there. Without the option it is
        // "false", which is present all the same.
        .mut_arg("latency", |arg| {
            arg.default_value_if("callers", ArgPredicate::Equals("true".into()), "0")
                .help("How long an event may wait in the buffer, so that many are fetched at once; 0 with -c")
        })
        .mut_arg("inflight", |arg| arg.help(INFLIGHT_ON_TRACEPOINT))
}

fn wanted(names: &str) -> Result<Wanted, String> {
    flags::parse(names).ok_or_else(|| "not a flag of open(2), such as O_WRONLY".into())
}

impl Args {
    /// What --path asks of is shown.
    fn shows_full_path(&self) -> bool {
        self.full_path || !self.paths.is_empty()
    }

    fn shows_callers(&self) -> bool {
        self.callers || self.events.shows("callers")
    }
}

impl Snoop for Args {
    type Tracer = Opens;

    fn common(&mut self) -> &mut Common {
        self.common.command.append(&mut self.exec);
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn adjust(&mut self, options: &mut Options) -> Result<()> {
        options.buffer_bytes = options.buffer_bytes.or(self.buffer_pages);
        self.asked = Asked {
            name: sets::together("--name", &self.name)?,
            flags: sets::together("--flag", &self.flags)?,
        };
        self.paths.adjust()
    }

    fn tracer(&self) -> Result<Opens> {
        Ok(Opens {
            failed_only: self.results.failed,
            succeeded_only: self.results.successes,
            full_path: self.shows_full_path() || self.events.shows("full_path"),
            begins: self.paths.begins(),
            callers: self.shows_callers().then(Symbols::default),
            ..Opens::default()
        })
    }

    fn keeps(&self) -> &'static [Capability] {
        if self.shows_callers() {
            callers::CAPABILITIES
        } else {
            &[]
        }
    }

    fn narrow(tracer: &mut Opens, asks: &Asks<'_>) -> Vec<&'static str> {
        let set = asks.results(&mut tracer.failed_only, &mut tracer.succeeded_only);
        set.then_some("errno").into_iter().collect()
    }

    fn columns(&self) -> Vec<Column<Opens>> {
        let threads = self.common.is_of_threads();
        let full_path = self.shows_full_path();
        columns![Opens:
            time if self.timestamp,
            uid if self.print_uid,
            pid if !threads,
            tid if threads,
            comm,
            fd,
            error,
            flags if self.extended_fields,
            mode if self.extended_fields,
            path if !full_path && !self.callers,
            full_path if full_path && !self.callers,
            (CALLER) if !full_path && self.callers,
            (FULL_CALLER) if full_path && self.callers,
        ]
    }

    fn keep(&self, open: &Open<'_>) -> bool {
        files::is_named(open.task.comm, &self.asked.name)
            && self.asked.flags.lets(|flag| flag.is_in(open.flags))
            && self.paths.lets(&open.file)
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::{Args, Options, command};

    fn latency_of(words: &[&str]) -> std::time::Duration {
        let line = [&["opensnoop"], words].concat();
        let matches = command().try_get_matches_from(line).unwrap();
        let args = Args::from_arg_matches(&matches).unwrap();
        args.events.latency
    }

    #[test]
    fn only_callers_are_in_a_hurry() {
        assert_eq!(latency_of(&[]), Options::DEFAULT_LATENCY);
        assert_eq!(latency_of(&["-c"]).as_millis(), 0);
        assert_eq!(latency_of(&["-c", "--latency", "0.5"]).as_millis(), 500);
    }
}
