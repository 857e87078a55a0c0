// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracewell hist`: shows, merges and compares logs of histograms. It takes no privilege.

mod compare;
mod diff;
mod inputs;
mod merge;
mod pick;
mod show;
mod table;

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use tracewell_shared::cli::{self, sets};
use tracewell_shared::error::Result;
use tracewell_shared::tool::Tool;
use tracewell_shared::trace::set::Set;

use compare::Condition;
use pick::{Pick, Wanted};

/// The command line.
pub(crate) static TOOL: Tool = Tool {
    name: "hist",
    about: "Show, merge and compare logs of histograms",
    trace: None,
    capabilities: &[],
    command: Args::command,
    run,
};

/// Show, merge and compare logs of histograms
#[derive(Debug, Parser)]
#[command(name = "hist", version, after_help = EXAMPLES)]
struct Args {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  biolatency -D --record before.hlog 1 60
  tracewell hist show before.hlog
  tracewell hist show -i -t disk=nvme0n1 before.hlog
  tracewell hist diff before.hlog after.hlog --fail-if 'p99>+20%'";

#[derive(Debug, Subcommand)]
enum Action {
    /// Show count, mean and percentiles of each tag, over all files together
    Show {
        /// The logs; - is standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        tags: TagOption,
        #[command(flatten)]
        format: FormatOption,
        /// A row for each interval, with its time, not one for all
        #[arg(short, long)]
        intervals: bool,
    },
    /// Write one log in which each tag has one record
    Merge {
        /// The logs; - is standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The log to write, which may be one of them; - is standard output
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        tags: TagOption,
    },
    /// Compare two logs, tag by tag
    Diff {
        /// The log before; - is standard input
        #[arg(value_name = "BEFORE")]
        before: PathBuf,
        /// The log after; - is standard input
        #[arg(value_name = "AFTER")]
        after: PathBuf,
        #[command(flatten)]
        tags: TagOption,
        #[command(flatten)]
        format: FormatOption,
        /// End with exit status 1 if this holds for a tag: 'p99>+20%', 'max>5ms', 'count<-50%'; repeatable
        #[arg(long, value_name = "CONDITION")]
        fail_if: Vec<Condition>,
    },
}

#[derive(Debug, clap::Args)]
struct TagOption {
    /// Only records with this tag, or with these of its parts, such as disk=sda or 'disk=sda;flags=Read'; - is what has no
    /// tag. Several with commas, or repeated, are any of them; '!' before one leaves it out
    #[arg(short, long, value_name = "TAG", value_parser = sets::text_parser(pick::wanted))]
    tag: Vec<Set<Wanted>>,
}

impl TagOption {
    fn pick(&self) -> Result<Pick> {
        Ok(Pick::new(sets::together("--tag", &self.tag)?))
    }
}

#[derive(Debug, clap::Args)]
struct FormatOption {
    /// How to write
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Columns for people, in microseconds
    Table,
    /// One JSON object a line, in nanoseconds
    Json,
}

fn run(matches: &clap::ArgMatches) -> Result<u8> {
    let args: Args = cli::from_matches(matches)?;
    match args.action {
        Action::Show {
            files,
            tags,
            format,
            intervals,
        } => {
            inputs::refuse_stdin_twice(&files)?;
            let pick = tags.pick()?;
            match intervals {
                true => show::intervals(&files, &pick, format.format),
                false => show::tags(&files, &pick, format.format),
            }
        }
        Action::Merge {
            files,
            output,
            tags,
        } => {
            inputs::refuse_stdin_twice(&files)?;
            merge::run(&files, &output, &tags.pick()?)
        }
        Action::Diff {
            before,
            after,
            tags,
            format,
            fail_if,
        } => {
            let files = [before, after];
            inputs::refuse_stdin_twice(&files)?;
            diff::run(&files, &tags.pick()?, format.format, &fail_if)
        }
    }
}
