// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every tool's ladder against kernels that are only described, from 5.10 to 7.3, and its object without privilege.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::thread;

use biolatency::Latencies;
use execsnoop::Execs;
use exitsnoop::Exits;
use opensnoop::Opens;
use runqlat::Waits;
use syscount::Calls;
use tracewell_shared::confine::privilege;
use tracewell_shared::kernel::probe::{self, Need, Wishes};
use tracewell_shared::kernel::{Kernel, Place};
use tracewell_shared::trace::tracer::Hooks;
use unlinksnoop::Unlinks;

/// A kernel by what it offers.
#[derive(Clone, Copy)]
struct Described {
    name: &'static str,
    /// What the functions that remove files begin with.
    functions: &'static str,
    btf: bool,
    fentry: bool,
    kprobes: bool,
    tracefs: bool,
    /// Tasks inside programs at these places.
    preempts: &'static [Place],
}

impl Kernel for Described {
    fn lacks(&self, need: &Need) -> Option<String> {
        let known = |function: &str| {
            function.starts_with(self.functions) || function.starts_with("security_")
        };
        let holds = match need {
            Need::BtfTracepoint(_) => self.btf,
            Need::BtfFunction(name) => self.btf && self.fentry && known(name),
            Need::Kprobe(name) => self.kprobes && known(name),
            Need::Tracepoint { .. } => self.tracefs,
        };
        (!holds).then(|| format!("no {need:?}"))
    }

    fn preempts(&self, place: Place) -> Option<String> {
        let preempts = self.preempts.contains(&place);
        preempts.then(|| "it says so".into())
    }
}

const OLD: Described = Described {
    name: "5.10 to 6.18",
    functions: "do_",
    btf: true,
    fentry: true,
    kprobes: true,
    tracefs: true,
    preempts: &[],
};

const NEW: Described = Described {
    name: "7.0",
    functions: "filename_",
    preempts: &[Place::Tracepoints, Place::Functions],
    ..OLD
};

const NEWEST: Described = Described {
    name: "7.3",
    preempts: &[Place::SystemCalls, Place::Tracepoints, Place::Functions],
    ..NEW
};

const LOCKED_DOWN: Described = Described {
    name: "lockdown, no kprobes",
    fentry: false,
    kprobes: false,
    ..OLD
};

/// The labels of the rungs in the order in which they are tried.
fn tried<T: Hooks + Default>(kernel: &Described, label: Option<&str>) -> Vec<&'static str> {
    let settings = T::default();
    let wishes = Wishes {
        label,
        wants: &|program| settings.wants(program),
        unfit: &|label| settings.unfit(label),
        preemptible: T::PREEMPTIBLE,
        section: &|program| {
            let section = T::OBJECT.section(program);
            assert!(section.is_some(), "the object has no program {program}");
            section.map(str::to_owned)
        },
    };
    let mut labels: Vec<_> = probe::plan(T::LADDER, &wishes, kernel)
        .filter_map(|rung| Some(rung.ok()?.0.label))
        .collect();
    // Each once: a later way to do what a label says comes only where the first is refused.
    let mut known = HashSet::new();
    labels.retain(|label| known.insert(*label));
    labels
}

type Tried = fn(&Described, Option<&str>) -> Vec<&'static str>;

/// Every tool, in the list's order.
const TRIED: [(&str, Tried); 7] = [
    ("biolatency", tried::<Latencies>),
    ("execsnoop", tried::<Execs>),
    ("exitsnoop", tried::<Exits>),
    ("opensnoop", tried::<Opens>),
    ("runqlat", tried::<Waits>),
    ("syscount", tried::<Calls>),
    ("unlinksnoop", tried::<Unlinks>),
];

fn all(kernel: &Described) -> [Vec<&'static str>; TRIED.len()] {
    TRIED.map(|(_, tried)| tried(kernel, None))
}

#[test]
fn every_tool_is_tried() {
    let listed: Vec<_> = tracewell::TOOLS.iter().map(|tool| tool.name).collect();
    assert_eq!(TRIED.map(|(name, _)| name), *listed);
}

const POINT: &[&str] = &["tp_btf", "raw_tp", "tracepoint"];
const TASKS: &[&str] = &["tp_btf", "raw_tp"];
const ANY_CALL: &[&str] = &["tp_btf", "raw_tp", "raw_syscalls"];
const CALLS: &[&str] = &["tp_btf", "raw_tp", "raw_syscalls", "tracepoint"];
const FILES: &[&str] = &[
    "fentry",
    "kprobe",
    "tp_btf",
    "raw_tp",
    "raw_syscalls",
    "tracepoint",
];

#[test]
fn an_ordinary_kernel_offers_all() {
    assert_eq!(
        all(&OLD),
        [POINT, CALLS, POINT, CALLS, TASKS, ANY_CALL, FILES],
        "{}",
        OLD.name
    );
}

#[test]
fn what_a_kernel_preempts_comes_last() {
    let execs: &[_] = &["raw_syscalls", "tracepoint", "tp_btf", "raw_tp"];
    let exits: &[_] = &["tracepoint", "tp_btf", "raw_tp"];
    // At the tracepoints of single system calls too.
    let opens: &[_] = &["raw_syscalls", "tp_btf", "raw_tp", "tracepoint"];
    let files: &[_] = &[
        "kprobe",
        "raw_syscalls",
        "fentry",
        "tp_btf",
        "raw_tp",
        "tracepoint",
    ];
    let any_call: &[_] = &["raw_syscalls", "tp_btf", "raw_tp"];
    let expected = [POINT, execs, exits, opens, TASKS, any_call, files];
    assert_eq!(all(&NEWEST), expected, "{}", NEWEST.name);
    let mut files = FILES.to_vec();
    files.rotate_left(1);
    let expected = [POINT, execs, exits, CALLS, TASKS, ANY_CALL, &files];
    assert_eq!(all(&NEW), expected, "{}", NEW.name);
    // Up to 6.19 it is a question of preempt=, and of functions alone.
    let full = Described {
        preempts: &[Place::Functions],
        ..OLD
    };
    assert_eq!(
        all(&full),
        [POINT, CALLS, POINT, CALLS, TASKS, ANY_CALL, &files]
    );
    // Without tracefs there is nothing better.
    let bare = Described {
        tracefs: false,
        ..NEWEST
    };
    assert_eq!(tried::<Opens>(&bare, None), ["tp_btf", "raw_tp"]);
    // Who asks for a rung gets it.
    assert_eq!(tried::<Opens>(&NEWEST, Some("tp_btf")), ["tp_btf"]);
}

#[test]
fn lockdown_leaves_the_tracepoints() {
    assert_eq!(
        all(&LOCKED_DOWN),
        [POINT, CALLS, POINT, CALLS, TASKS, ANY_CALL, CALLS]
    );
    let bare = Described {
        tracefs: false,
        ..LOCKED_DOWN
    };
    for labels in all(&bare) {
        assert_eq!(labels, ["tp_btf", "raw_tp"]);
    }
}

#[test]
fn types_from_a_file_leave_what_needs_none_of_the_kernel() {
    let kernel = Described { btf: false, ..OLD };
    let calls: &[_] = &["raw_tp", "raw_syscalls", "tracepoint"];
    let files: &[_] = &["kprobe", "raw_tp", "raw_syscalls", "tracepoint"];
    let point: &[_] = &["raw_tp", "tracepoint"];
    let (tasks, any_call): (&[_], &[_]) = (&["raw_tp"], &["raw_tp", "raw_syscalls"]);
    assert_eq!(
        all(&kernel),
        [point, calls, point, calls, tasks, any_call, files]
    );
}

#[test]
fn a_rung_that_is_asked_for_is_the_only_one() {
    for label in FILES {
        assert_eq!(tried::<Unlinks>(&OLD, Some(label)), [*label]);
    }
    assert!(tried::<Unlinks>(&LOCKED_DOWN, Some("fentry")).is_empty());
}

#[test]
fn objects_open_without_privilege() {
    // Capabilities are a thread's own.
    let opened = thread::spawn(|| {
        privilege::drop_all().unwrap();
        for tool in tracewell::TOOLS {
            let object = tool.trace.as_ref().unwrap().object;
            let opened = object.open(tool.name, None).unwrap();
            assert_eq!(opened.progs().count(), object.programs.len());
            for program in opened.progs() {
                let section = object.section(program.name().to_str().unwrap());
                assert_eq!(section, program.section().to_str(), "{}", tool.name);
            }
        }
    });
    opened.join().unwrap();
}
