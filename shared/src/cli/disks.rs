// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of tools of block requests: which disks, and what the shared options mean of requests.

use super::sets;
use crate::block::{Disk, Disks, meant};
use crate::error::{Error, Result};
use crate::trace::set::Set;

/// Which disks. Flattened beside [`Common`](super::Common).
#[derive(Debug, Clone, Default, clap::Args)]
pub struct OfDisks {
    /// Only requests of these disks: names of /sys/block or paths, with commas between; '!' before one leaves it out
    #[arg(short, long, value_name = "DISK", help_heading = "Filters", value_parser = sets::parser(meant))]
    pub disk: Vec<Set<Vec<Disk>>>,
}

/// What the options that all tools share mean of requests.
const MEANINGS: [(&str, &str); 12] = [
    (
        "pid",
        "Only requests that this process submitted; the run ends with it",
    ),
    (
        "tid",
        "Only requests that this thread submitted; the run ends with it",
    ),
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
        "Only requests for this cgroup and those below it: a directory of a cgroup v2 file system, or its path below where that is mounted",
    ),
    (
        "unit",
        "Only requests for this systemd unit: ssh is ssh.service",
    ),
    (
        "container",
        "Only requests for this container, by how its id begins, or its name: of Docker, containerd (CRI), CRI-O or Podman",
    ),
    (
        "ppid",
        "Only requests by processes whose parent is PPID; the run ends with it",
    ),
    (
        "cgroup_map",
        "Only requests for cgroups whose ids are the keys of this pinned BPF map",
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

impl OfDisks {
    /// The command with the words that its shared options have of requests.
    pub fn say(command: clap::Command) -> clap::Command {
        let command = MEANINGS.into_iter().fold(command, |command, (id, help)| {
            command.mut_arg(id, |arg| arg.help(help))
        });
        command.mut_arg("cgroup", |arg| {
            arg.short('c').long_help(
                "Only requests for this cgroup and those below it: a directory of a cgroup v2 file system, or its path below \
                 where that is mounted, at most 31 levels below the root",
            )
        })
    }

    /// The disks that it asks for.
    ///
    /// # Errors
    ///
    /// Where they come to none, or to more than can be named.
    pub fn chosen(&self) -> Result<Disks> {
        let asked = sets::together("--disk", &self.disk)?;
        let all = |disks: &[Vec<Disk>]| disks.concat();
        Disks::chosen(all(asked.wanted()), all(asked.excluded()))
            .map_err(|wrong| Error::usage(format!("--disk: {wrong}")))
    }
}
