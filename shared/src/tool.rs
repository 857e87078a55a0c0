// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a tool is to the program that holds them all, to the tests, to packages, and to the program of its own that it
//! may have.

mod links;
pub mod load;
mod usage;
mod version;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::cli::{self, exit_on_usage};
use crate::confine::privilege::{self, Capability};
use crate::console::{print, say};
use crate::error::{Kind, Result};
use crate::event::{self, Event, EventFamily};
use crate::kernel::Kernel;
use crate::kernel::probe::Ladder;
use crate::tool::load::Prepare;
use crate::trace::object::Object;
use crate::trace::options::Options;
use crate::trace::prospect::Prospect;
use crate::trace::tracer::Hooks;

/// All that is known of a tool before it runs, or of a command that is about the tools. Whatever goes through the tools
/// asks here.
#[derive(Debug)]
pub struct Tool {
    /// What it is called, on the command line and in what it prints.
    pub name: &'static str,
    /// What it does, in some five words, without a full stop.
    pub about: &'static str,
    /// What it traces; `None` of a command that traces nothing itself.
    pub trace: Option<Trace>,
    /// The capabilities that it may ever use. What else the program's file was granted, for another tool in it, is given
    /// up at the start.
    pub capabilities: &'static [&'static [Capability]],
    /// Its options; see [`parser`](Tool::parser).
    pub command: fn() -> Command,
    /// Runs it, and gives its exit status.
    pub run: fn(&ArgMatches) -> Result<u8>,
}

/// The kinds of what is counted in the kernel, which several tools have.
const COUNTED: [&str; 2] = ["histogram", "row"];

/// What a tool traces: how it gets at it, what it tells of it, and how it can be tried.
#[derive(Debug)]
pub struct Trace {
    /// Its ways into the kernel.
    pub ladder: &'static Ladder,
    /// Its BPF object.
    pub object: &'static Object,
    /// Which of them `auto` would take here.
    pub prospect: fn(&Options) -> Prospect,
    /// Which of them would be tried on a kernel that may only be described, by their labels and in their order; with a
    /// label, that one alone.
    pub order: fn(&dyn Kernel, Option<&str>) -> Vec<&'static str>,
    /// The kinds of events that it tells of, and their fields.
    pub kinds: &'static [event::Kind],
    /// Something for it to see.
    pub load: Prepare,
}

impl Trace {
    /// Of a tool with the settings `T` that tells of events of the family `F`.
    pub const fn of<T: Hooks + Default, F: EventFamily>(load: Prepare) -> Self {
        Self {
            ladder: T::LADDER,
            object: T::OBJECT,
            prospect: Prospect::of::<T>,
            order: Prospect::order::<T>,
            kinds: <F::Event<'static> as Event>::KINDS,
            load,
        }
    }
}

impl Tool {
    /// Whether it prints events, one by one: neither a command nor a tool that counts in the kernel.
    pub fn prints_events(&self) -> bool {
        let mut kinds = self.trace.iter().flat_map(|trace| trace.kinds);
        kinds.any(|kind| !COUNTED.contains(&kind.name))
    }

    /// What the schema of JSON calls events of this kind: by their kind, and those of a kind that several tools have by the
    /// tool, too.
    pub fn definition(&self, kind: &event::Kind) -> String {
        if COUNTED.contains(&kind.name) {
            format!("{}_{}", kind.name, self.name)
        } else {
            kind.name.to_owned()
        }
    }

    /// The page that the documentation has of it, in `docs/`.
    pub fn page(&self) -> String {
        format!("{}.md", self.name)
    }

    /// What parses its command line, and makes its help and manual page.
    pub fn parser(&self) -> Command {
        let command = (self.command)()
            .name(self.name)
            .version(version::SHORT)
            .long_version(version::long());
        match &self.trace {
            Some(trace) => {
                let command = cli::lettered(cli::labels(command, trace.ladder));
                read_on(command, self.name)
            }
            None => command,
        }
    }
}

/// Says below the long help what a tool needs, and where the rest is told.
fn read_on(command: Command, name: &str) -> Command {
    let mut end = String::new();
    if let Some(examples) = command.get_after_help() {
        end = format!("{examples}\n\n");
    }
    end.push_str(&format!(
        "Needs Linux 5.10 or newer, and root or CAP_BPF and CAP_PERFMON. What is printed, cost, limits, and what \
         differs from BCC's tool: {name}(8). Formats, losses, filters and exit statuses: tracewell(7)."
    ));
    command.after_long_help(end)
}

/// All of a program that is one tool: parses the command line, runs the tool, and reports what went wrong.
pub fn main(tool: &Tool) -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    run(tool, tool.parser(), &args).into()
}

/// All of a program called `name` that is every one of `tools`: the one that it is called as, by a link, or else the
/// one that its first argument names. That may also name one of `commands`, which are about the tools and have no
/// link.
pub fn multicall(name: &'static str, tools: &[&Tool], commands: &[&Tool]) -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    dispatch(name, tools, commands, &args).into()
}

/// What parses the command line of such a program; for its manual page and completions.
pub fn multicall_parser(name: &'static str, tools: &[&Tool], commands: &[&Tool]) -> Command {
    Command::new(name)
        .version(version::SHORT)
        .long_version(version::long())
        .about("Tracing tools, all in one. A link to it with a tool's name is that tool.")
        .arg(
            Arg::new("list")
                .long("list")
                .action(ArgAction::SetTrue)
                .help("Print the names of the tools, one a line"),
        )
        .arg(
            Arg::new("install-links")
                .long("install-links")
                .value_name("DIR")
                .value_parser(clap::value_parser!(PathBuf))
                .conflicts_with("list")
                .help("Make a link for each tool in this directory"),
        )
        .subcommands(
            tools
                .iter()
                .chain(commands)
                .map(|tool| tool.parser().about(tool.about)),
        )
        .subcommand_value_name("TOOL")
        .subcommand_help_heading("Tools")
        .args_conflicts_with_subcommands(true)
        .arg_required_else_help(true)
}

fn dispatch(name: &'static str, tools: &[&Tool], commands: &[&Tool], args: &[OsString]) -> u8 {
    let called = |name: &OsStr| tools.iter().find(|tool| name == tool.name);
    let find = |name: &OsStr| called(name).or(commands.iter().find(|tool| name == tool.name));
    if let Some(tool) = args
        .first()
        .and_then(|path| called(Path::new(path).file_name()?))
    {
        return run(tool, tool.parser(), args);
    }
    // Building the parsers of all tools takes time, which the common case need not spend.
    if let Some(tool) = args.get(1).and_then(|arg| find(arg)) {
        let parser = tool.parser().bin_name(format!("{name} {}", tool.name));
        return run(tool, parser, &args[1..]);
    }
    // What is left is about the tools, or wrong, and needs no more than its caller may do.
    if let Err(error) = privilege::keep_granted(&[]) {
        return status(name, Err(error));
    }
    let matches = match usage::parse(multicall_parser(name, tools, commands), args) {
        Ok(matches) => matches,
        Err(error) => return exit_on_usage(&error),
    };
    if let Some(directory) = matches.get_one::<PathBuf>("install-links") {
        return status(name, links::install(directory, tools).map(|()| 0));
    }
    status(name, list(tools).map(|()| 0))
}

fn run(tool: &Tool, parser: Command, args: &[OsString]) -> u8 {
    if let Err(error) = privilege::keep_granted(tool.capabilities) {
        return status(tool.name, Err(error));
    }
    match usage::parse(parser, args) {
        Ok(matches) => status(tool.name, (tool.run)(&matches)),
        Err(error) => exit_on_usage(&error),
    }
}

/// The exit status for a result, once an error is told.
fn status(name: &str, result: Result<u8>) -> u8 {
    result.unwrap_or_else(|error| {
        // That the reader of the output has gone is an ending like others.
        if error.kind() != Kind::Closed {
            say(name, &error);
        }
        error.exit_status()
    })
}

/// Prints the names.
fn list(tools: &[&Tool]) -> Result<()> {
    let mut names = String::new();
    for tool in tools {
        names.push_str(tool.name);
        names.push('\n');
    }
    print(&names)
}

#[cfg(test)]
mod tests;
