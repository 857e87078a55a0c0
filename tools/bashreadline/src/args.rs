// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::path::PathBuf;

use clap::{CommandFactory, Parser};
use tracewell_shared::cli::{Common, Events, files};
use tracewell_shared::columns;
use tracewell_shared::error::Result;
use tracewell_shared::output::table::Column;
use tracewell_shared::run::snoop::Snoop;

use crate::tracer::Lines;

/// Trace the lines that bash reads from its users
#[derive(Debug, Parser)]
#[command(name = "bashreadline", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Hook readline in this program or library, such as libreadline.so, and in no other; can be given several times
    ///
    /// Without it: in each bash that runs when the trace begins, in containers too, or in the library that it takes
    /// readline from, and in the system's own; with --pid in that of this process. -v says which they are. Whoever reads by
    /// a library is told of, not bash alone: --comm bash leaves out the others.
    #[arg(short = 's', long, value_name = "FILE", help_heading = "Tracing")]
    shared: Vec<PathBuf>,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,
}

const EXAMPLES: &str = "\
Examples:
  bashreadline                          every line of every bash
  bashreadline -p 4711                  those of one shell
  bashreadline --where 'line ~ \"sudo\"'  those that have a word in them
  bashreadline --format json -o lines.json -- bash
                                        with user, parent and cgroup, for a program to read";

/// The command line's parser, with the short names that users of opensnoop know.
pub(crate) fn command() -> clap::Command {
    files::short_names(Args::command())
}

impl Snoop for Args {
    type Tracer = Lines;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn tracer(&self) -> Result<Lines> {
        Ok(Lines {
            shells: self.common.files(&self.shared)?,
            ..Lines::default()
        })
    }

    fn columns(&self) -> Vec<Column<Lines>> {
        let threads = self.common.is_of_threads();
        columns![Lines:
            time,
            pid if !threads,
            tid if threads,
            line,
        ]
    }
}
