// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{CommandFactory, Parser};
use tracewell_shared::cli::{self, Common};
use tracewell_shared::distribution::{Distribute, Interval, Show};
use tracewell_shared::error::Result;
use tracewell_shared::hist::log;
use tracewell_shared::hist::rows::Unit;
use tracewell_shared::output::Format;
use tracewell_shared::output::lines::Lines;

use crate::cgroups::Cgroups;
use crate::disks::Disk;
use crate::names::Names;
use crate::report::{Report, Reports};
use crate::tracer::{Key, Latencies};

/// Show how long block I/O takes, as histograms
#[derive(Debug, Parser)]
#[command(name = "biolatency", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Show what came in each interval of this length: seconds, or with a unit such as 500ms; without it all, at the end
    #[arg(value_name = "INTERVAL", value_parser = cli::duration)]
    interval: Option<Duration>,

    /// End after this many intervals
    #[arg(value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// Show the end of each interval, in local time
    #[arg(short = 'T', long, help_heading = "Output")]
    timestamp: bool,

    /// Rows in milliseconds, not microseconds
    #[arg(short, long, help_heading = "Output")]
    milliseconds: bool,

    /// Count the time that requests wait in queues before they are handed to the driver (not on rung tracepoint)
    #[arg(short = 'Q', long)]
    queued: bool,

    /// A histogram for each disk
    #[arg(short = 'D', long)]
    disks: bool,

    /// A histogram for each operation with its flags
    #[arg(short = 'F', long, alias = "flag")]
    flags: bool,

    /// A histogram for each cgroup that submits requests
    #[arg(short = 'C', long)]
    cgroups: bool,

    /// Only requests of this disk, as /sys/block names it; a partition is none
    #[arg(short, long, value_name = "DISK", help_heading = "Filters", value_parser = disk())]
    disk: Option<Disk>,

    /// Show mean, sum and count
    #[arg(short, long, help_heading = "Output")]
    extension: bool,

    /// The same as --format json
    #[arg(short, long, help_heading = "Output")]
    json: bool,

    /// Write each interval's histograms to this file too, as an HdrHistogram log
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    record: Option<PathBuf>,

    #[command(flatten)]
    common: Common,

    #[arg(skip)]
    names: Names,

    #[arg(skip)]
    found: Cgroups,
}

const EXAMPLES: &str = "\
Examples:
  biolatency                        all block I/O until Ctrl-C, as one histogram
  biolatency -D 5                   each disk, every five seconds
  biolatency -Q -F -d nvme0n1 1 10  one disk by operation, queues included, ten times
  biolatency -j -- fio job.fio      what a command's I/O takes, for a program to read";

/// What the shared options mean here.
const MEANINGS: [(&str, &str); 9] = [
    ("pid", "Only requests that this process submitted"),
    ("tid", "Only requests that this thread submitted"),
    (
        "uid",
        "Only requests that this real user's processes submitted: a name or a number",
    ),
    (
        "comm",
        "Only requests that threads of exactly this name submitted",
    ),
    (
        "cgroup",
        "Only requests submitted from this cgroup and those below it: a directory of a cgroup v2 file system",
    ),
    (
        "cgroup_map",
        "Only requests submitted from cgroups whose ids are the keys of this pinned BPF map",
    ),
    (
        "mntns_map",
        "Only requests submitted from mount namespaces whose inode numbers are the keys of this pinned BPF map",
    ),
    (
        "command",
        "Run this command, count only what it and its descendants submit, and end with its exit status",
    ),
    (
        "inflight",
        "How many requests may be under way at once; 16,384 by default",
    ),
];

/// The command line's parser, with the short names that users of biolatency know.
pub(crate) fn command() -> clap::Command {
    let hide = |arg: clap::Arg| arg.hide(true);
    let command = MEANINGS
        .into_iter()
        .fold(Args::command(), |command, (id, help)| {
            command.mut_arg(id, |arg| arg.help(help))
        });
    command
        .mut_arg("cgroup", |arg| arg.short('c'))
        .mut_arg("buffer", hide)
        .mut_arg("buffer_size", hide)
        .mut_arg("latency", hide)
        .mut_arg("max_events", hide)
}

fn disk() -> impl TypedValueParser<Value = Disk> {
    OsStringValueParser::new().try_map(|name: OsString| Disk::named(&name))
}

impl Args {
    /// `None` where disks are not told apart.
    fn disk_name(&self, key: &Key) -> Option<String> {
        self.disks.then(|| {
            let (major, minor) = key.disk.numbers();
            let name = key.disk.name();
            name.unwrap_or_else(|| format!("{major}:{minor}"))
        })
    }
}

impl Distribute for Args {
    type Hooks = Latencies;
    type Report = Reports;

    fn common(&mut self) -> &mut Common {
        if self.json {
            self.common.format = Format::Json;
        }
        &mut self.common
    }

    fn hooks(&mut self) -> Result<Latencies> {
        if self.flags {
            self.names = Names::read(self.common.btf.as_deref());
        }
        Ok(Latencies {
            queued: self.queued,
            by_disk: self.disks,
            by_flags: self.flags,
            by_cgroup: self.cgroups,
            disk: self.disk,
            ..Latencies::default()
        })
    }

    fn show(&self) -> Show {
        Show {
            interval: self.interval,
            intervals: self.count,
            timestamp: self.timestamp,
            extended: self.extension,
            unit: if self.milliseconds {
                Unit::Millis
            } else {
                Unit::Micros
            },
        }
    }

    fn record(&self) -> Option<&Path> {
        self.record.as_deref()
    }

    fn tag(&self, key: &Key) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(disk) = self.disk_name(key) {
            parts.push(format!("disk={}", log::tag(disk.as_bytes())));
        }
        if self.flags {
            parts.push(format!("flags={}", self.names.words(key.flags)));
        }
        if self.cgroups {
            let path = self.found.path(key.cgroup);
            let path = path.unwrap_or_else(|| key.cgroup.to_string().into_bytes());
            parts.push(format!("cgroup={}", log::tag(&path)));
        }
        (!parts.is_empty()).then(|| parts.join(";"))
    }

    fn greeting(&self) -> &'static str {
        "Measuring block I/O; Ctrl-C ends it"
    }

    fn report<'a>(&'a self, interval: Interval<'a, Key>) -> Report<'a> {
        let key = &interval.part.key;
        Report {
            disk: self.disk_name(key),
            op: self.flags.then(|| self.names.op(key.flags)),
            flags: if self.flags {
                self.names.flags(key.flags)
            } else {
                Vec::new()
            },
            cgroup: self.cgroups.then(|| self.found.path(key.cgroup)).flatten(),
            cgroup_id: self.cgroups.then_some(key.cgroup),
            interval,
        }
    }

    fn heading(&self, key: &Key, to: &mut Lines<'_>) {
        let mut lead = "";
        if let Some(disk) = self.disk_name(key) {
            to.text(format_args!("disk = "));
            to.bytes(disk.as_bytes());
            lead = ", ";
        }
        if self.flags {
            let words = self.names.words(key.flags);
            to.text(format_args!("{lead}flags = {words}"));
            lead = ", ";
        }
        if self.cgroups {
            to.text(format_args!("{lead}cgroup = "));
            match self.found.path(key.cgroup) {
                Some(path) => to.bytes(&path),
                None => to.text(format_args!("{}", key.cgroup)),
            }
            lead = ", ";
        }
        if !lead.is_empty() {
            to.end();
        }
    }
}
