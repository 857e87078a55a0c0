// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the facts of a machine mean for tracing, and what to do about them.

use super::facts::{Facts, Tracefs, Types};

/// How much a fact stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Not at all.
    Ok,
    /// Some rungs or options cannot be had.
    Limits,
    /// Nothing can be traced.
    Blocks,
}

impl State {
    /// In a word, as output has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Limits => "limits",
            Self::Blocks => "blocks",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    /// What it is called.
    pub(crate) name: &'static str,
    pub(crate) state: State,
    /// What is there.
    pub(crate) found: String,
    /// How to get what is missing.
    pub(crate) remedy: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Ok,
            found: found.into(),
            remedy: None,
        }
    }

    fn bad(
        state: State,
        name: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            name,
            state,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }
}

/// All checks, in the order in which they are shown: first what blocks everything.
pub(crate) fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![capabilities(facts), types(facts)];
    checks.extend(facts.lockdown.as_deref().map(lockdown));
    checks.push(tracefs(facts));
    checks.push(kprobes(facts));
    checks.extend(facts.ftrace_enabled.map(ftrace));
    checks.extend(facts.unprivileged_bpf_disabled.map(unprivileged));
    checks.extend(facts.perf_event_paranoid.map(paranoid));
    checks.extend(facts.bpf_jit_enable.map(jit));
    checks.push(cgroups(facts));
    checks.push(seccomp(facts));
    checks
}

fn capabilities(facts: &Facts) -> Check {
    const NAME: &str = "capabilities";
    if let Some(refusal) = facts.refusal {
        return Check::bad(State::Blocks, NAME, refusal.why(), refusal.remedy());
    }
    if facts.missing.is_empty() {
        return Check::ok(NAME, "enough to trace");
    }
    let set = facts.missing.join(",").to_lowercase();
    Check::bad(
        State::Blocks,
        NAME,
        format!("without {}", facts.missing.join(" and ")),
        format!(
            "run it with sudo, or grant every tool what it takes: sudo setcap {set}=ep PROGRAM"
        ),
    )
}

fn types(facts: &Facts) -> Check {
    const NAME: &str = "types";
    match &facts.types {
        Types::Own => Check::ok(NAME, "the kernel's own BTF"),
        Types::Other(file) => Check::ok(NAME, format!("from {}", file.display())),
        Types::File(file) => Check::bad(
            State::Limits,
            NAME,
            format!(
                "from {}; no rung that needs the kernel's own BTF",
                file.display()
            ),
            "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, where it is none",
        ),
        Types::None => Check::bad(
            State::Blocks,
            NAME,
            "the kernel offers no BTF",
            "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, or give its detached BTF with --btf FILE",
        ),
    }
}

fn lockdown(mode: &str) -> Check {
    const NAME: &str = "lockdown";
    match mode {
        "confidentiality" => Check::bad(
            State::Blocks,
            NAME,
            "confidentiality: programs may not read the kernel's memory",
            "boot with lockdown=integrity, or without lockdown= and Secure Boot",
        ),
        mode => Check::ok(NAME, mode),
    }
}

fn tracefs(facts: &Facts) -> Check {
    const NAME: &str = "tracefs";
    match &facts.tracefs {
        Tracefs::At(path) => Check::ok(NAME, path.display().to_string()),
        Tracefs::Unreadable => Check::bad(
            State::Limits,
            NAME,
            "not readable: no rung raw_syscalls or tracepoint",
            "run as root, or add CAP_DAC_READ_SEARCH, or: mount -o remount,gid=GROUP,mode=750 /sys/kernel/tracing",
        ),
        Tracefs::Absent => Check::bad(
            State::Limits,
            NAME,
            "not mounted: no rung raw_syscalls or tracepoint",
            "mount -t tracefs tracefs /sys/kernel/tracing",
        ),
    }
}

fn kprobes(facts: &Facts) -> Check {
    if facts.kprobes {
        return Check::ok("kprobes", "there");
    }
    Check::bad(
        State::Limits,
        "kprobes",
        "none: no rung kprobe",
        "boot a kernel built with CONFIG_KPROBES=y and CONFIG_KPROBE_EVENTS=y",
    )
}

fn ftrace(enabled: i64) -> Check {
    if enabled != 0 {
        return Check::ok("kernel.ftrace_enabled", enabled.to_string());
    }
    Check::bad(
        State::Limits,
        "kernel.ftrace_enabled",
        "0: programs on functions do not run (rungs fentry and kprobe)",
        "sysctl kernel.ftrace_enabled=1",
    )
}

fn unprivileged(value: i64) -> Check {
    let means = match value {
        0 => "users without capabilities may load some programs, but none that traces",
        _ => "users without capabilities may load no program",
    };
    Check::ok(
        "kernel.unprivileged_bpf_disabled",
        format!("{value}: {means}"),
    )
}

/// Above 2 is no mainline kernel's: Debian's 3 and Ubuntu's 4 refuse `perf_event_open(2)` altogether.
fn paranoid(value: i64) -> Check {
    const NAME: &str = "kernel.perf_event_paranoid";
    if value <= 2 {
        return Check::ok(NAME, value.to_string());
    }
    Check::bad(
        State::Limits,
        NAME,
        format!(
            "{value}: rungs kprobe, raw_syscalls and tracepoint, and --buffer perf, may take CAP_SYS_ADMIN"
        ),
        "sysctl kernel.perf_event_paranoid=2, or run as root, if one of these is wanted",
    )
}

fn jit(value: i64) -> Check {
    if value != 0 {
        return Check::ok("net.core.bpf_jit_enable", value.to_string());
    }
    Check::bad(
        State::Limits,
        "net.core.bpf_jit_enable",
        "0: programs are interpreted, which costs the traced ones several times as much",
        "sysctl net.core.bpf_jit_enable=1",
    )
}

fn cgroups(facts: &Facts) -> Check {
    if facts.cgroups {
        return Check::ok("cgroups", "version 2 is mounted");
    }
    Check::bad(
        State::Limits,
        "cgroups",
        "version 2 is not mounted: no --cgroup",
        "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
    )
}

fn seccomp(facts: &Facts) -> Check {
    if facts.seccomp {
        return Check::ok(
            "seccomp",
            "the tools give up what they do not need of the kernel",
        );
    }
    Check::bad(
        State::Limits,
        "seccomp",
        "none: the tools keep all system calls",
        "boot a kernel built with CONFIG_SECCOMP_FILTER=y",
    )
}

#[cfg(test)]
mod tests;
