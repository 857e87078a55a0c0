// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `/sys` and `/proc` say of disks.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Where sysfs and procfs are: elsewhere than usual in tests.
#[derive(Debug, Clone)]
pub(crate) struct Sysfs {
    sys: PathBuf,
    proc: PathBuf,
}

impl Default for Sysfs {
    fn default() -> Self {
        Self {
            sys: "/sys".into(),
            proc: "/proc".into(),
        }
    }
}

impl Sysfs {
    #[cfg(test)]
    pub(crate) fn below(root: &std::path::Path) -> Self {
        Self {
            sys: root.join("sys"),
            proc: root.join("proc"),
        }
    }

    /// The names of all disks, hidden ones included.
    pub(crate) fn disks(&self) -> Vec<OsString> {
        let entries = fs::read_dir(self.sys.join("block")).into_iter().flatten();
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        names
    }

    fn disk(&self, name: &OsStr) -> PathBuf {
        self.sys.join("block").join(name)
    }

    pub(crate) fn is_disk(&self, name: &OsStr) -> bool {
        self.disk(name).exists()
    }

    /// The disk that a partition is of; `None` of what is no partition.
    pub(crate) fn disk_of_partition(&self, name: &OsStr) -> Option<OsString> {
        let partition = self.sys.join("class/block").join(name);
        if !partition.join("partition").exists() {
            return None;
        }
        let place = partition.canonicalize().ok()?;
        Some(place.parent()?.file_name()?.to_owned())
    }

    /// Whether the disk has requests: blk-mq has a directory of queues for each that has. Others take bios, and answer
    /// them, or make bios for other disks of them.
    pub(crate) fn has_requests(&self, name: &OsStr) -> bool {
        self.disk(name).join("mq").exists()
    }

    /// The disks that what a disk is given goes to; sorted, each once. Of a partition, its disk.
    pub(crate) fn below_of(&self, name: &OsStr) -> Vec<OsString> {
        let slaves = fs::read_dir(self.disk(name).join("slaves"));
        let names = slaves.into_iter().flatten().flatten().map(|entry| {
            let name = entry.file_name();
            self.disk_of_partition(&name).unwrap_or(name)
        });
        let mut names: Vec<_> = names.chain(self.paths_of(name)).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The hidden disks that are the paths to an `NVMe` multipath disk: of `nvme1n2` those called `nvme1c<controller>n2`.
    pub(crate) fn paths_of(&self, head: &OsStr) -> Vec<OsString> {
        let Some((subsystem, namespace)) = nvme_head(head.as_bytes()) else {
            return Vec::new();
        };
        let is_path = |name: &OsString| {
            let rest = name.as_bytes().strip_prefix(subsystem);
            let rest = rest.and_then(|rest| rest.strip_prefix(b"c"));
            let controller = rest.and_then(|rest| rest.strip_suffix(namespace));
            controller.is_some_and(is_number)
        };
        self.disks().into_iter().filter(is_path).collect()
    }

    /// Major and minor number. Of a hidden disk the kernel tells them since 5.18, in `/proc/diskstats`.
    pub(crate) fn numbers_of(&self, name: &OsStr) -> Option<(u32, u32)> {
        if let Ok(text) = fs::read_to_string(self.disk(name).join("dev")) {
            let (major, minor) = text.trim().split_once(':')?;
            return Some((major.parse().ok()?, minor.parse().ok()?));
        }
        self.diskstats(|_, _, shown| shown == name)
            .map(|(major, minor, _)| (major, minor))
            .filter(|numbers| *numbers != (0, 0))
    }

    /// The name of the disk that has these numbers; the last part of a partition's path too.
    pub(crate) fn name_of(&self, major: u32, minor: u32) -> Option<OsString> {
        let link = self.sys.join(format!("dev/block/{major}:{minor}"));
        if let Ok(place) = fs::read_link(link) {
            return Some(place.file_name()?.to_owned());
        }
        self.diskstats(|its_major, its_minor, _| (its_major, its_minor) == (major, minor))
            .map(|(.., name)| name)
    }

    fn diskstats(&self, wanted: impl Fn(u32, u32, &OsStr) -> bool) -> Option<(u32, u32, OsString)> {
        let text = fs::read(self.proc.join("diskstats")).ok()?;
        text.split(|byte| *byte == b'\n').find_map(|line| {
            let mut words = line
                .split(|byte| *byte == b' ')
                .filter(|word| !word.is_empty());
            let major = number(words.next()?)?;
            let minor = number(words.next()?)?;
            let name = OsStr::from_bytes(words.next()?);
            wanted(major, minor, name).then(|| (major, minor, name.to_owned()))
        })
    }

    /// How many requests the kernel counts as handed to the driver and not completed; `None` where the queue keeps no
    /// statistics.
    pub(crate) fn in_flight(&self, name: &OsStr) -> Option<u64> {
        // Reads and writes.
        let numbers = self.statistics(name, "inflight")?;
        numbers
            .split_whitespace()
            .map(|word| word.parse::<u64>().ok())
            .sum()
    }

    /// How many operations the kernel counts as done: reads, writes, discards (since 4.18) and flushes (since 5.5);
    /// `None` where the queue keeps no statistics.
    pub(crate) fn done(&self, name: &OsStr) -> Option<u64> {
        let text = self.statistics(name, "stat")?;
        let numbers: Vec<u64> = text
            .split_whitespace()
            .map(|word| word.parse().unwrap_or(0))
            .collect();
        let done = [0, 4, 11, 15];
        Some(done.iter().filter_map(|at| numbers.get(*at)).sum())
    }

    /// A file of numbers of a disk that keeps any.
    fn statistics(&self, name: &OsStr, file: &str) -> Option<String> {
        let disk = self.disk(name);
        let kept = fs::read_to_string(disk.join("queue/iostats")).ok()?;
        if kept.trim() == "0" {
            return None;
        }
        fs::read_to_string(disk.join(file)).ok()
    }
}

/// The subsystem and the namespace in the name of an `NVMe` disk: `nvme1` and `n2` of `nvme1n2`.
fn nvme_head(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = name.strip_prefix(b"nvme")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (subsystem, namespace) = name.split_at(b"nvme".len() + digits);
    let instance = namespace.strip_prefix(b"n")?;
    (digits > 0 && is_number(instance)).then_some((subsystem, namespace))
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn number(text: &[u8]) -> Option<u32> {
    str::from_utf8(text).ok()?.parse().ok()
}
