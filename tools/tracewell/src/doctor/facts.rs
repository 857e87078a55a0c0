// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be read of this machine without privilege, and without a change to it.

use std::fs;
use std::path::{Path, PathBuf};

use tracewell_shared::confine::privilege::{self, Refusal};
use tracewell_shared::error::Result;
use tracewell_shared::kernel;

/// A machine as far as tracing goes. What could not be read is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// As uname(2) has it: `6.18.44`.
    pub(crate) release: String,
    /// The architecture: `x86_64`.
    pub(crate) machine: String,
    /// The capabilities that this thread lacks for tracing.
    pub(crate) missing: Vec<&'static str>,
    /// Why bpf(2) is refused although they are there.
    pub(crate) refusal: Option<Refusal>,
    /// Where the kernel's types come from.
    pub(crate) types: Types,
    /// tracefs, as this thread sees it.
    pub(crate) tracefs: Tracefs,
    /// Whether kprobes can be set by `perf_event_open(2)`.
    pub(crate) kprobes: bool,
    /// The mode of lockdown that is on: `none`, `integrity`, `confidentiality`.
    pub(crate) lockdown: Option<String>,
    /// `kernel.unprivileged_bpf_disabled`.
    pub(crate) unprivileged_bpf_disabled: Option<i64>,
    /// `kernel.perf_event_paranoid`.
    pub(crate) perf_event_paranoid: Option<i64>,
    /// `kernel.ftrace_enabled`.
    pub(crate) ftrace_enabled: Option<i64>,
    /// `net.core.bpf_jit_enable`; only root can read it.
    pub(crate) bpf_jit_enable: Option<i64>,
    /// Whether cgroup v2 is mounted.
    pub(crate) cgroups: bool,
    /// Whether seccomp(2) can end a process for a system call.
    pub(crate) seccomp: bool,
}

/// Where the kernel's types come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Types {
    /// The kernel.
    Own,
    /// The file of `--btf`, though the kernel has its own.
    Other(PathBuf),
    /// The file of `--btf` alone.
    File(PathBuf),
    /// Nowhere.
    None,
}

/// How tracefs looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tracefs {
    /// Mounted there, and readable.
    At(PathBuf),
    /// Mounted, for other users.
    Unreadable,
    /// Not mounted.
    Absent,
}

impl Facts {
    /// This machine's; the types are those of `btf`, where that is given.
    ///
    /// # Errors
    ///
    /// When this thread's capabilities cannot be read.
    pub(crate) fn read(btf: Option<&Path>) -> Result<Self> {
        let text = |path: &str| fs::read_to_string(path).ok();
        let mounts = text("/proc/self/mounts").unwrap_or_default();
        let release = text("/proc/sys/kernel/osrelease").unwrap_or_default();
        let missing = privilege::missing()?;
        Ok(Self {
            release: release.trim().to_owned(),
            machine: std::env::consts::ARCH.to_owned(),
            refusal: missing.is_empty().then(refusal).flatten(),
            missing,
            types: match btf {
                Some(file) if kernel::has_btf() => Types::Other(file.to_owned()),
                Some(file) => Types::File(file.to_owned()),
                None if kernel::has_btf() => Types::Own,
                None => Types::None,
            },
            tracefs: match kernel::tracefs() {
                Some(at) => Tracefs::At(at),
                None if is_tracefs_mounted(&mounts) => Tracefs::Unreadable,
                None => Tracefs::Absent,
            },
            kprobes: kernel::has_kprobes(),
            lockdown: text("/sys/kernel/security/lockdown")
                .as_deref()
                .and_then(chosen),
            unprivileged_bpf_disabled: sysctl("kernel/unprivileged_bpf_disabled"),
            perf_event_paranoid: sysctl("kernel/perf_event_paranoid"),
            ftrace_enabled: sysctl("kernel/ftrace_enabled"),
            bpf_jit_enable: sysctl("net/core/bpf_jit_enable"),
            cgroups: is_mounted(&mounts, "cgroup2"),
            seccomp: text("/proc/sys/kernel/seccomp/actions_avail").is_some_and(|actions| {
                actions
                    .split_whitespace()
                    .any(|each| each == "kill_process")
            }),
        })
    }
}

/// In a user namespace some kernels refuse no call as such, but each that traces.
fn refusal() -> Option<Refusal> {
    let namespace = privilege::in_user_namespace().then_some(Refusal::UserNamespace);
    privilege::refusal().or(namespace)
}

fn sysctl(name: &str) -> Option<i64> {
    let text = fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?;
    text.trim().parse().ok()
}

/// The word in brackets: `none [integrity] confidentiality`.
fn chosen(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    let (word, _) = rest.split_once(']')?;
    Some(word.to_owned())
}

/// Whether the table of mounts has a file system of this kind.
fn is_mounted(mounts: &str, kind: &str) -> bool {
    mounts
        .lines()
        .any(|line| line.split(' ').nth(2) == Some(kind))
}

/// Whether tracefs is where tools look for it: by itself, or in debugfs, which brings it along.
fn is_tracefs_mounted(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let mut words = line.split(' ').skip(1);
        matches!(
            (words.next(), words.next()),
            (Some("/sys/kernel/tracing"), Some("tracefs"))
                | (Some("/sys/kernel/debug/tracing"), Some("tracefs"))
                | (Some("/sys/kernel/debug"), Some("debugfs"))
        )
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Facts, Types, chosen, is_mounted, is_tracefs_mounted};

    #[test]
    fn tracefs_counts_where_tools_look_for_it() {
        for (mounts, counts) in [
            ("tracefs /sys/kernel/tracing tracefs rw 0 0", true),
            ("none /sys/kernel/debug debugfs rw 0 0", true),
            ("tracefs /mnt tracefs rw 0 0", false),
            ("sysfs /sys sysfs rw 0 0", false),
        ] {
            assert_eq!(is_tracefs_mounted(mounts), counts, "{mounts}");
        }
    }

    #[test]
    fn the_mode_that_is_on_is_in_brackets() {
        let mode = |text| chosen(text);
        assert_eq!(
            mode("none [integrity] confidentiality\n").as_deref(),
            Some("integrity")
        );
        assert_eq!(mode("none integrity"), None);
    }

    #[test]
    fn mounts_are_told_by_their_kind() {
        let mounts = "proc /proc proc rw 0 0\ntracefs /sys/kernel/tracing tracefs rw 0 0\n";
        assert!(is_mounted(mounts, "tracefs") && is_mounted(mounts, "proc"));
        assert!(!is_mounted(mounts, "cgroup2") && !is_mounted(mounts, "/proc"));
    }

    #[test]
    fn this_machine_can_be_read() {
        let facts = Facts::read(Some("/types".as_ref())).unwrap();
        let (Types::Other(file) | Types::File(file)) = &facts.types else {
            panic!("{facts:?}");
        };
        assert_eq!(file, Path::new("/types"));
        assert!(
            facts
                .release
                .starts_with(|first: char| first.is_ascii_digit())
        );
    }
}
