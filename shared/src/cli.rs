// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options that all tools share.
//!
//! They have long names only, save `-o` and `-v`, since each tool has its own idea of what `-t` or `-c`
//! means; those that are free get some letters more. A tool flattens [`Common`] and gives the short names that its users know:
//!
//! ```
//! use clap::{CommandFactory, FromArgMatches};
//! use tracewell_shared::cli::{self, Common};
//!
//! /// Trace open(2) and its kin.
//! #[derive(clap::Parser)]
//! struct Args {
//!     /// Show failed opens only
//!     #[arg(short = 'x', long)]
//!     failed: bool,
//!     #[command(flatten)]
//!     common: Common,
//! }
//!
//! fn command() -> clap::Command {
//!     Args::command().mut_arg("pid", |arg| arg.short('p'))
//! }
//!
//! let matches = command().get_matches_from(["opensnoop", "-xp", "7", "--format", "json"]);
//! let args: Args = cli::from_matches(&matches)?;
//! assert!(args.failed);
//! assert_eq!(args.common.options()?.filter.pid, 7.into());
//! # Ok::<(), tracewell_shared::error::Error>(())
//! ```

mod asked;
mod counting;
mod disks;
mod events;
pub mod files;
mod intervals;
mod results;
pub mod sets;
mod sockets;
mod values;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, statfs};

use crate::confine::seccomp::Seccomp;
use crate::error::{Error, Result};
use crate::kernel::pid;
use crate::kernel::probe::Ladder;
use crate::output::{Color, Format, Look, TimeFormat};
use crate::symbols::Which;
use crate::trace::cgroups;
use crate::trace::options::{Filter, Options};
use crate::trace::set::Set;

pub use self::asked::Asked;
pub use self::counting::Counting;
pub use self::disks::OfDisks;
pub use self::events::{Events, buffer_pages};
pub use self::intervals::{Histograms, Intervals, Rows};
pub use self::results::Results;
pub use self::sockets::{IpVersions, Ports};

/// The options that all tools share. Each name is also the id for [`clap::Command::mut_arg`].
#[derive(Debug, Clone, clap::Args)]
#[command(args_override_self = true)]
pub struct Common {
    /// Trace this process only; the run ends with it
    #[arg(long, value_name = "PID", help_heading = "Filters", value_parser = sets::text_parser(values::task))]
    pub pid: Vec<Set<u32>>,

    /// With --pid: trace all that descend from these processes too, those that run and those to come
    #[arg(long, help_heading = "Filters", requires = "pid")]
    pub children: bool,

    /// Trace this thread only; the run ends with it
    #[arg(long, value_name = "TID", help_heading = "Filters", value_parser = sets::text_parser(values::task))]
    pub tid: Vec<Set<u32>>,

    /// Only processes whose parent is PPID; the run ends with it
    #[arg(long, value_name = "PPID", help_heading = "Filters", value_parser = sets::text_parser(number))]
    pub ppid: Vec<Set<u32>>,

    /// Trace processes of this real user only: a name or a number
    #[arg(long, value_name = "USER", help_heading = "Filters", value_parser = sets::text_parser(values::uid))]
    pub uid: Vec<Set<u32>>,

    /// Trace threads of exactly this name only
    #[arg(long, value_name = "NAME", help_heading = "Filters", value_parser = sets::parser(values::comm))]
    pub comm: Vec<Set<OsString>>,

    /// Trace this cgroup and those below it only: a directory of a cgroup v2 file system, or its path below where that is mounted
    #[arg(long, value_name = "PATH", help_heading = "Filters", value_parser = sets::parser(values::path))]
    pub cgroup: Vec<Set<PathBuf>>,

    /// Trace this systemd unit only: ssh is ssh.service
    #[arg(long, value_name = "NAME", help_heading = "Filters", value_parser = sets::parser(part))]
    pub unit: Vec<Set<OsString>>,

    /// Trace this container only, by how its id begins, or its name: of Docker, containerd (CRI), CRI-O or Podman
    #[arg(long, value_name = "ID", help_heading = "Filters", value_parser = sets::parser(part))]
    pub container: Vec<Set<OsString>>,

    /// Trace the cgroups only whose ids are the keys of this pinned BPF map
    #[arg(long = "cgroupmap", value_name = "PATH", help_heading = "Filters", value_parser = sets::parser(values::path))]
    pub cgroup_map: Vec<Set<PathBuf>>,

    /// Trace the mount namespaces only whose inode numbers are the keys of this pinned BPF map
    #[arg(long = "mntnsmap", value_name = "PATH", help_heading = "Filters", value_parser = sets::parser(values::path))]
    pub mntns_map: Vec<Set<PathBuf>>,

    /// How to write events
    #[arg(long, value_name = "FORMAT", help_heading = "Output", value_parser = values::format(&Format::COMMON), default_value = "table")]
    pub format: Format,

    /// The same as --format json
    #[arg(long, help_heading = "Output", conflicts_with = "format")]
    pub json: bool,

    /// How a table shows times; the column TIME is there then
    #[arg(long, value_name = "FORMAT", help_heading = "Output", value_enum)]
    pub time_format: Option<TimeFormat>,

    /// When a table has colours
    #[arg(long, value_name = "WHEN", help_heading = "Output", value_enum, default_value_t = Color::Auto)]
    pub color: Color,

    /// Leave out the line that names the columns
    #[arg(long, help_heading = "Output")]
    pub no_header: bool,

    /// Write to this file instead of standard output; SIGUSR1 opens it again, once it was renamed
    #[arg(short = 'o', long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// End with exit status 3 if any event was lost
    #[arg(long, help_heading = "Output")]
    pub fail_on_loss: bool,

    /// End after this time: seconds, or with a unit such as 500ms or 10m
    #[arg(long, value_name = "TIME", help_heading = "Tracing", value_parser = values::duration)]
    pub duration: Option<Duration>,

    /// How to hook into the kernel: the first way that works, or the one with this label
    ///
    /// The labels stand best first; -v says which one was taken, and why none before it.
    #[arg(
        long,
        value_name = "LABEL",
        help_heading = "Tracing",
        default_value = "auto"
    )]
    pub probe: String,

    /// How many operations may be under way at once, where their start and end are joined by a map
    #[arg(long, value_name = "N", help_heading = "Tracing", value_parser = clap::value_parser!(u32).range(1..))]
    pub inflight: Option<u32>,

    /// Write the line "ready" to this open file descriptor, and close it, once events are being traced
    #[arg(long, value_name = "N", help_heading = "Tracing", value_parser = values::open_fd)]
    pub ready_fd: Option<RawFd>,

    /// Read the kernel's type information (BTF) from this file, where the kernel offers none
    #[arg(long, value_name = "FILE", help_heading = "Tracing")]
    pub btf: Option<PathBuf>,

    /// What to do if the tool makes a system call that it should not need, once it is attached
    #[arg(long, value_name = "WHAT", help_heading = "Tracing", value_enum, default_value_t = Seccomp::Kill)]
    pub seccomp: Seccomp,

    /// Say on standard error what is tried, and why
    #[arg(short = 'v', long, help_heading = "Tracing")]
    pub verbose: bool,

    /// With a command, or --children: go on until all that descend from it have ended, too
    #[arg(long, help_heading = "Tracing")]
    pub wait_all: bool,

    /// Run this command, trace only it and its descendants, and end with its exit status
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["pid", "tid"])]
    pub command: Vec<OsString>,
}

impl Common {
    /// What the trace is told. Opens nothing, but checks that `--cgroup` names one.
    ///
    /// [`Options::follow`] is left unset: a tool sets it to the command's process once that is held.
    pub fn options(&self) -> Result<Options> {
        if self.wait_all && self.command.is_empty() && !self.children {
            return Err(
                Error::usage("--wait-all: there is no command to wait for").help(
                    "put the command behind --: --wait-all -- COMMAND; or name a process that runs: --wait-all --pid PID --children",
                ),
            );
        }
        let bytes = |option, given: &[Set<OsString>]| {
            let set = sets::together(option, given)?;
            Ok::<_, Error>(set.map(|name| name.clone().into_vec()))
        };
        let filter = Filter {
            pid: sets::together("--pid", &self.pid)?,
            tid: sets::together("--tid", &self.tid)?,
            ppid: sets::together("--ppid", &self.ppid)?,
            uid: sets::together("--uid", &self.uid)?,
            comm: bytes("--comm", &self.comm)?,
            cgroup: cgroups_at(&sets::together("--cgroup", &self.cgroup)?)?,
            unit: bytes("--unit", &self.unit)?,
            container: bytes("--container", &self.container)?,
            cgroup_map: sets::together("--cgroupmap", &self.cgroup_map)?,
            mntns_map: sets::together("--mntnsmap", &self.mntns_map)?,
            ..Filter::default()
        };
        if self.children {
            check_children(&filter.pid)?;
        }
        Ok(Options {
            filter,
            probe: (self.probe != "auto").then(|| self.probe.clone()),
            inflight: self.inflight,
            children: self.children,
            btf: self.btf.clone(),
            ..Options::default()
        })
    }

    /// In which files functions of programs are hooked: in those that were given, or in those that the processes have mapped
    /// which alone are traced.
    ///
    /// # Errors
    ///
    /// For a process that is both wanted and excluded.
    pub fn files(&self, given: &[PathBuf]) -> Result<Which> {
        if !given.is_empty() {
            return Ok(Which::Given(given.to_vec()));
        }
        let pids = sets::together("--pid", &self.pid)?;
        // What descends from a process may be another program, with other files.
        Ok(match pids.wanted() {
            pids if !pids.is_empty() && !self.children => Which::Of(pids.to_vec()),
            _ => Which::All,
        })
    }

    /// Whether tasks are filtered, by whatever option. Asks nothing of the machine: a tool may be confined by then.
    pub fn picks_tasks(&self) -> bool {
        let tasks = [&self.pid, &self.tid, &self.ppid, &self.uid];
        tasks.iter().any(|sets| !sets.is_empty())
            || self.picks_cgroups()
            || !self.mntns_map.is_empty()
            || !self.comm.is_empty()
            || !self.command.is_empty()
    }

    /// Whether cgroups are filtered. Asks nothing of the machine, either.
    pub fn picks_cgroups(&self) -> bool {
        let paths = [&self.cgroup, &self.cgroup_map];
        let names = [&self.unit, &self.container];
        paths.iter().any(|sets| !sets.is_empty()) || names.iter().any(|sets| !sets.is_empty())
    }

    /// Whether threads were asked for, by their numbers: a table then shows these, not those of processes.
    pub fn is_of_threads(&self) -> bool {
        self.tid.iter().any(|set| !set.wanted().is_empty())
    }

    /// How the output looks.
    pub fn look(&self) -> Look {
        Look {
            color: self.color,
            no_header: self.no_header,
            times: self.time_format.unwrap_or_default(),
        }
    }

    /// What one option says for another. To be called before any is asked.
    pub fn settle(&mut self) {
        if self.json {
            self.format = Format::Json;
        }
    }

    /// Takes `--ready-fd` over: closing the file that this gives closes the descriptor, except standard
    /// input, output and error. Take it before a command is started, which would inherit it.
    pub fn take_ready(&mut self) -> Result<Option<File>> {
        let Some(fd) = self.ready_fd.take() else {
            return Ok(None);
        };
        if fd > 2 {
            // SAFETY: parsing found it open, before this process opened any of its own; so the caller of the
            // process gave it, and `take` lets nobody own it twice.
            let owned = unsafe { OwnedFd::from_raw_fd(fd) };
            nix::fcntl::fcntl(
                &owned,
                nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC),
            )
            .map_err(|errno| Error::io(format!("--ready-fd {fd}"), &errno.into()))?;
            return Ok(Some(owned.into()));
        }
        // SAFETY: the standard three are open for as long as the process runs.
        let standard = unsafe { BorrowedFd::borrow_raw(fd) };
        let own = standard
            .try_clone_to_owned()
            .map_err(|error| Error::io(format!("--ready-fd {fd}"), &error))?;
        Ok(Some(own.into()))
    }
}

/// What `--inflight` is for in a tool that joins entry and exit on its rung `tracepoint` alone.
pub const INFLIGHT_ON_TRACEPOINT: &str = "How many calls may be under way at once, on the rung that joins entry and exit \
                                          (tracepoint); 10,240 by default";

/// What there is for `--probe`: the labels of the tool's own ladder.
pub fn labels(command: clap::Command, ladder: &Ladder) -> clap::Command {
    let all = ["auto"].into_iter().chain(ladder.labels());
    command.mut_arg("probe", |arg| {
        arg.value_parser(PossibleValuesParser::new(all))
    })
}

/// The letters of options that every tool has where it has no other use for them.
const LETTERS: [(&str, char); 4] = [("pid", 'p'), ("uid", 'u'), ("duration", 'd'), ("json", 'j')];

/// Gives the shared options their letters, where these are free.
pub(crate) fn lettered(mut command: clap::Command) -> clap::Command {
    for (id, letter) in LETTERS {
        let is = |option: &clap::Arg| option.get_id() == id && option.get_short().is_none();
        let has_none = command.get_arguments().any(is);
        let has = |option: &clap::Arg| option.get_short() == Some(letter);
        if has_none && !command.get_arguments().any(has) {
            command = command.mut_arg(id, |option| option.short(letter));
        }
    }
    command
}

/// A tool's arguments from what its own [`clap::Command`] matched.
pub fn from_matches<A: clap::FromArgMatches>(matches: &clap::ArgMatches) -> Result<A> {
    A::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))
}

/// Prints what ended the parsing, and gives the exit status: 0 with the text of `-h` and `-V` on standard
/// output, 2 with a usage error on standard error.
pub fn exit_on_usage(error: &clap::Error) -> u8 {
    // Nobody is left to tell when the terminal or pipe has gone.
    drop(error.print());
    if error.use_stderr() { 2 } else { 0 }
}

/// Whether the descendants of these processes can be looked for.
fn check_children(pids: &Set<u32>) -> Result<()> {
    if !pids.excluded().is_empty() {
        return Err(Error::usage(
            "--children: processes that are excluded by --pid '!PID' have their descendants traced all the same",
        )
        .help("name the processes to trace, without '!'"));
    }
    if !pid::in_initial_namespace() {
        return Err(Error::usage(
            "--children: this pid namespace does not show which processes descend from others",
        )
        .help("run the tool in the host's pid namespace"));
    }
    Ok(())
}

/// The directories of these cgroups: a relative path is one of the working directory, or else one below where cgroup v2 is
/// mounted.
fn cgroups_at(paths: &Set<PathBuf>) -> Result<Set<PathBuf>> {
    let mut found = Set::default();
    for path in paths.wanted() {
        found.want(cgroup_at(path)?);
    }
    for path in paths.excluded() {
        found.exclude(cgroup_at(path)?);
    }
    Ok(found)
}

fn cgroup_at(path: &Path) -> Result<PathBuf> {
    let Some(mut why) = why_no_cgroup(path) else {
        return Ok(path.to_owned());
    };
    let mount = cgroups::mounts().into_iter().next();
    if let Some(mount) = mount.as_ref().filter(|_| path.is_relative()) {
        let below = mount.join(path);
        match why_no_cgroup(&below) {
            None => return Ok(below),
            Some(other) => why = format!("{why}; {}: {other}", below.display()),
        }
    }
    let help = match mount {
        Some(mount) => format!(
            "cgroup v2 is mounted on {}; the line of /proc/PID/cgroup that begins with 0:: names a process's directory below it",
            mount.display()
        ),
        None => "no cgroup v2 is mounted here: mount -t cgroup2 none DIRECTORY".to_owned(),
    };
    Err(Error::usage(format!("--cgroup {}: {why}", path.display())).help(help))
}

/// Why a path is no directory on a cgroup v2 file system; `None` for one that is.
fn why_no_cgroup(path: &Path) -> Option<String> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) => return Some(error.to_string()),
    };
    if !metadata.is_dir() {
        return Some("not a directory".to_owned());
    }
    match statfs(path) {
        Ok(found) if found.filesystem_type() == CGROUP2_SUPER_MAGIC => None,
        Ok(_) => Some("not on a cgroup v2 file system".to_owned()),
        Err(errno) => Some(errno.desc().to_owned()),
    }
}

/// A size in bytes: a number, or one with a unit such as `8k`. A unit is a power of 1024.
pub fn bytes(text: &str) -> Result<u64, String> {
    values::bytes(text)
}

/// A part of a name or line, for a filter that asks whether that is contained.
pub fn part(text: &OsStr) -> Result<OsString, String> {
    Ok(text.to_owned())
}

/// What parses `--format` where there are these formats.
pub fn formats(all: &[Format]) -> impl TypedValueParser<Value = Format> + use<> {
    values::format(all)
}

/// A number of 32 bits.
pub fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "not a number".to_owned())
}

/// A time that is not zero: a number of seconds, or one with a unit such as `500ms`.
pub fn duration(text: &str) -> Result<Duration, String> {
    values::duration(text)
}

/// The same, of which a number alone is of milliseconds, as BCC's tools take it.
pub fn millis(text: &str) -> Result<Duration, String> {
    values::millis(text)
}

#[cfg(test)]
mod tests;
