// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of the command line.

use clap::{CommandFactory, Parser};
use tracewell_shared::cli::{Common, Histograms, Intervals};
use tracewell_shared::error::Result;
use tracewell_shared::hist::Spread;
use tracewell_shared::run::histograms::Distribute;
use tracewell_shared::run::runner::Interval;
use tracewell_shared::trace::cgroups::Paths;
use tracewell_shared::trace::distribution::{Part, Quantity};

use crate::report::{Itself, Report, Reports};
use crate::tracer::{Key, Waits, WaitsBy};

/// Show how long tasks wait for a CPU, as histograms
#[derive(Debug, Parser)]
#[command(name = "runqlat", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    intervals: Intervals,

    #[command(flatten)]
    histograms: Histograms,

    /// A histogram for each process
    #[arg(short = 'P', long)]
    pids: bool,

    /// A histogram for each thread
    #[arg(short = 'L', long, conflicts_with = "pids")]
    tids: bool,

    /// A histogram for each pid namespace: containers mostly have one of their own
    #[arg(long, conflicts_with_all = ["pids", "tids"])]
    pidnss: bool,

    /// A histogram for each cgroup
    #[arg(short = 'C', long)]
    cgroups: bool,

    #[command(flatten)]
    common: Common,

    #[arg(skip)]
    found: Paths,
}

const EXAMPLES: &str = "\
Examples:
  runqlat                        all waits until Ctrl-C, as one histogram
  runqlat -mT 1                  each second's, in milliseconds, with the time
  runqlat -P 5                   each process's, every five seconds
  runqlat -C -c /sys/fs/cgroup/system.slice 10
                                 each service's
  runqlat -P --format json -o waits.json -- make -j8
                                 those of a command and its descendants, for a program to read";

/// What the shared options mean here.
const MEANINGS: [(&str, &str); 12] = [
    (
        "pid",
        "Only waits of this process's threads; the run ends with it",
    ),
    ("tid", "Only waits of this thread; the run ends with it"),
    (
        "uid",
        "Only waits of this real user's processes: a name or a number",
    ),
    ("comm", "Only waits of threads of exactly this name"),
    (
        "cgroup",
        "Only waits of tasks in this cgroup and those below it: a directory of a cgroup v2 file system, or its path below where that is mounted",
    ),
    (
        "unit",
        "Only waits of tasks in this systemd unit: ssh is ssh.service",
    ),
    (
        "container",
        "Only waits of tasks in this container, by how its id begins, or its name: of Docker, containerd (CRI), CRI-O or Podman",
    ),
    (
        "ppid",
        "Only waits of processes whose parent is PPID; the run ends with it",
    ),
    (
        "cgroup_map",
        "Only waits of tasks in cgroups whose ids are the keys of this pinned BPF map",
    ),
    (
        "mntns_map",
        "Only waits of tasks in mount namespaces whose inode numbers are the keys of this pinned BPF map",
    ),
    (
        "command",
        "Run this command, count only the waits of it and its descendants, and end with its exit status",
    ),
    (
        "inflight",
        "How many tasks may wait at once; 16,384 by default",
    ),
];

/// The command line's parser, with the short names that users of runqlat know.
pub(crate) fn command() -> clap::Command {
    let command = MEANINGS
        .into_iter()
        .fold(Args::command(), |command, (id, help)| {
            command.mut_arg(id, |arg| arg.help(help))
        });
    command.mut_arg("cgroup", |arg| arg.short('c'))
}

impl Args {
    fn by(&self) -> WaitsBy {
        match (self.pids, self.tids, self.pidnss) {
            (true, ..) => WaitsBy::Process,
            (_, true, _) => WaitsBy::Thread,
            (.., true) => WaitsBy::PidNamespace,
            _ => WaitsBy::Nobody,
        }
    }
}

/// A number and a name, as BCC's tools put them.
fn numbered(number: u32, key: &Key) -> Vec<u8> {
    let mut words = format!("{number} ").into_bytes();
    words.extend_from_slice(key.comm());
    words
}

impl Distribute for Args {
    type Hooks = Waits;

    type Report = Reports;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn intervals(&self) -> &Intervals {
        &self.intervals
    }

    fn histograms(&self) -> &Histograms {
        &self.histograms
    }

    fn hooks(&mut self) -> Result<Waits> {
        Ok(Waits {
            by: self.by(),
            by_cgroup: self.cgroups,
            room: self.histograms.room,
            ..Waits::default()
        })
    }

    fn meet(&self, keys: &mut dyn Iterator<Item = &Key>) {
        if self.cgroups {
            self.found.meet(keys.map(|key| key.cgroup));
        }
    }

    fn why_nothing(&self) -> String {
        if self.common.picks_tasks() {
            "no task that the filters let pass waited for a CPU meanwhile: it slept, ran on without being woken, or is gone"
        } else {
            "no task waited for a CPU meanwhile"
        }
        .to_owned()
    }

    fn greeting(&self) -> &'static str {
        "Measuring waits for a CPU; Ctrl-C ends it"
    }

    fn words(&self, key: &Key) -> Vec<(&'static str, Vec<u8>)> {
        let mut words = match self.by() {
            WaitsBy::Nobody => Vec::new(),
            WaitsBy::Process => vec![("pid", numbered(key.pid, key))],
            WaitsBy::Thread => vec![("tid", numbered(key.tid, key))],
            WaitsBy::PidNamespace => vec![("pidns", key.pid_namespace.to_string().into_bytes())],
        };
        if self.cgroups {
            words.push(("cgroup", self.found.name(key.cgroup)));
        }
        words
    }

    fn report<'a>(&'a self, part: &'a Part<Key>, interval: Interval) -> Report<'a> {
        let by = self.by();
        // Of what found no room, nothing is known.
        let of = |told: bool| (told && !part.other).then_some(&part.key);
        let task = of(by == WaitsBy::Process || by == WaitsBy::Thread);
        let cgroup = of(self.cgroups).map(|key| key.cgroup);
        Report {
            interval,
            pid: task.map(|key| key.pid),
            tid: of(by == WaitsBy::Thread).map(|key| key.tid),
            comm: task.map(Key::comm),
            pidns: of(by == WaitsBy::PidNamespace).map(|key| key.pid_namespace),
            cgroup: cgroup.and_then(|id| self.found.path(id)),
            cgroup_id: cgroup,
            other: part.other,
            spread: Spread::of(&part.histogram),
            tool: Itself::Runqlat,
            unit: Quantity::Ns,
        }
    }
}
