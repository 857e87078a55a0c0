// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks against machines that are only described.

use tracewell_shared::confine::privilege::Refusal;

use super::{Check, State, checks};
use crate::doctor::facts::{Facts, Tracefs, Types};

/// A distribution's kernel, as root sees it.
fn ordinary() -> Facts {
    Facts {
        release: "6.12.1".to_owned(),
        machine: "x86_64".to_owned(),
        missing: Vec::new(),
        refusal: None,
        types: Types::Own,
        tracefs: Tracefs::At("/sys/kernel/tracing".into()),
        kprobes: true,
        lockdown: Some("none".to_owned()),
        unprivileged_bpf_disabled: Some(2),
        perf_event_paranoid: Some(2),
        ftrace_enabled: Some(1),
        bpf_jit_enable: Some(1),
        cgroups: true,
        seccomp: true,
    }
}

/// The checks that found fault.
fn faults(facts: &Facts) -> Vec<Check> {
    let mut all = checks(facts);
    all.retain(|check| check.state != State::Ok);
    all
}

/// The one fault: its name, how bad it is, and what helps.
fn fault(facts: &Facts) -> (&'static str, State, String) {
    let mut faults = faults(facts);
    let fault = faults.pop().expect("a fault");
    assert!(faults.is_empty(), "{faults:?}");
    (fault.name, fault.state, fault.remedy.expect("a remedy"))
}

#[test]
fn an_ordinary_machine_has_no_fault() {
    assert_eq!(faults(&ordinary()), []);
    let bare = Facts {
        lockdown: None,
        unprivileged_bpf_disabled: None,
        perf_event_paranoid: None,
        ftrace_enabled: None,
        bpf_jit_enable: None,
        ..ordinary()
    };
    assert_eq!(faults(&bare), []);
    assert!(checks(&bare).len() < checks(&ordinary()).len());
}

#[test]
fn what_blocks_all_says_how_to_get_it() {
    let user = Facts {
        missing: vec!["CAP_BPF", "CAP_PERFMON"],
        ..ordinary()
    };
    let (name, state, remedy) = fault(&user);
    assert_eq!((name, state), ("capabilities", State::Blocks));
    assert!(remedy.contains("setcap cap_bpf,cap_perfmon=ep"), "{remedy}");

    let rootless = Facts {
        refusal: Some(Refusal::UserNamespace),
        ..ordinary()
    };
    assert_eq!(fault(&rootless).1, State::Blocks);

    let untyped = Facts {
        types: Types::None,
        ..ordinary()
    };
    let (name, state, remedy) = fault(&untyped);
    assert_eq!((name, state), ("types", State::Blocks));
    assert!(remedy.contains("CONFIG_DEBUG_INFO_BTF") && remedy.contains("--btf"));

    let locked = Facts {
        lockdown: Some("confidentiality".to_owned()),
        ..ordinary()
    };
    let (name, state, remedy) = fault(&locked);
    assert_eq!((name, state), ("lockdown", State::Blocks));
    assert!(remedy.contains("lockdown=integrity"));
}

#[test]
fn what_limits_says_how_to_get_it() {
    let machines = [
        (
            "types",
            "CONFIG_DEBUG_INFO_BTF",
            Facts {
                types: Types::File("/run/btf".into()),
                ..ordinary()
            },
        ),
        (
            "tracefs",
            "mount -t tracefs",
            Facts {
                tracefs: Tracefs::Absent,
                ..ordinary()
            },
        ),
        (
            "tracefs",
            "CAP_DAC_READ_SEARCH",
            Facts {
                tracefs: Tracefs::Unreadable,
                ..ordinary()
            },
        ),
        (
            "kprobes",
            "CONFIG_KPROBES",
            Facts {
                kprobes: false,
                ..ordinary()
            },
        ),
        (
            "kernel.ftrace_enabled",
            "kernel.ftrace_enabled=1",
            Facts {
                ftrace_enabled: Some(0),
                ..ordinary()
            },
        ),
        (
            "kernel.perf_event_paranoid",
            "kernel.perf_event_paranoid=2",
            Facts {
                perf_event_paranoid: Some(3),
                ..ordinary()
            },
        ),
        (
            "net.core.bpf_jit_enable",
            "bpf_jit_enable=1",
            Facts {
                bpf_jit_enable: Some(0),
                ..ordinary()
            },
        ),
        (
            "cgroups",
            "mount -t cgroup2",
            Facts {
                cgroups: false,
                ..ordinary()
            },
        ),
        (
            "seccomp",
            "CONFIG_SECCOMP_FILTER",
            Facts {
                seccomp: false,
                ..ordinary()
            },
        ),
    ];
    for (name, helps, facts) in machines {
        let (found, state, remedy) = fault(&facts);
        assert_eq!((found, state), (name, State::Limits));
        assert!(remedy.contains(helps), "{name}: {remedy}");
    }
}

#[test]
fn each_fault_of_many_is_told() {
    let poor = Facts {
        kprobes: false,
        tracefs: Tracefs::Absent,
        missing: vec!["CAP_PERFMON"],
        ..ordinary()
    };
    let names: Vec<_> = faults(&poor).iter().map(|fault| fault.name).collect();
    assert_eq!(names, ["capabilities", "tracefs", "kprobes"]);
}
