// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which rung is chosen, on kernels that are only described.

use tracewell_shared::kernel::probe::{self, Need, Wishes};
use tracewell_shared::kernel::{Kernel, Place};
use tracewell_shared::trace::tracer::Hooks;

use super::Unlinks;

/// A kernel by what it offers.
#[derive(Clone, Copy)]
struct Described {
    /// The functions that matter here, as its BTF has them.
    functions: &'static [&'static str],
    btf: bool,
    fentry: bool,
    kprobes: bool,
    tracefs: bool,
    /// arm64 has no unlink(2) and no rmdir(2).
    old_calls: bool,
    /// A task is preempted inside a program on a function.
    preempts: bool,
}

/// Up to 6.19.
const OLD: &[&str] = &[
    "do_unlinkat",
    "do_rmdir",
    "do_renameat2",
    "security_inode_unlink",
    "security_inode_rmdir",
    "security_inode_rename",
];

/// From 7.0 on.
const NEW: &[&str] = &[
    "filename_unlinkat",
    "filename_rmdir",
    "filename_renameat2",
    "security_inode_unlink",
    "security_inode_rmdir",
    "security_inode_rename",
];

const DEBIAN: Described = Described {
    functions: OLD,
    btf: true,
    fentry: true,
    kprobes: true,
    tracefs: true,
    old_calls: true,
    preempts: false,
};

const FULLY_PREEMPTIBLE: Described = Described {
    preempts: true,
    ..DEBIAN
};

/// 7.0 and later.
const NEWER: Described = Described {
    functions: NEW,
    preempts: true,
    ..DEBIAN
};

const LOCKED_DOWN: Described = Described {
    fentry: false,
    kprobes: false,
    tracefs: false,
    ..DEBIAN
};

impl Kernel for Described {
    fn lacks(&self, need: &Need) -> Option<String> {
        let holds = match need {
            Need::BtfTracepoint(_) => self.btf,
            Need::BtfFunction(name) => {
                self.btf && self.fentry && self.functions.contains(&name.as_str())
            }
            Need::Kprobe(name) => self.kprobes && self.functions.contains(&name.as_str()),
            Need::Tracepoint { name, .. } => {
                self.tracefs && (self.old_calls || name.ends_with("unlinkat"))
            }
            Need::Uprobes | Need::UprobesTogether => false,
        };
        (!holds).then(|| format!("no {need:?}"))
    }

    fn preempts(&self, place: Place) -> Option<String> {
        (self.preempts && place == Place::Functions).then(|| "it says so".into())
    }
}

/// The label and the programs of the first rung that this kernel offers.
fn chosen(
    tracer: &Unlinks,
    kernel: Described,
    label: Option<&str>,
) -> Option<(&'static str, Vec<&'static str>)> {
    let wishes = Wishes {
        label,
        wants: &|program| tracer.wants(program),
        unfit: &|label| tracer.unfit(label),
        preemptible: Unlinks::PREEMPTIBLE,
        section: &|program| {
            let section = Unlinks::OBJECT.section(program);
            assert!(section.is_some(), "the object has no program {program}");
            section.map(str::to_owned)
        },
    };
    probe::plan(Unlinks::LADDER, &wishes, &kernel)
        .find_map(Result::ok)
        .map(|(rung, programs)| (rung.label, programs))
}

fn label(kernel: Described) -> Option<&'static str> {
    chosen(&Unlinks::default(), kernel, None).map(|(label, _)| label)
}

#[test]
fn the_best_rung_that_a_kernel_offers_is_chosen() {
    let kernels = [
        ("5.10 to 6.18", DEBIAN, Some("fentry")),
        ("6.12 with preempt=full", FULLY_PREEMPTIBLE, Some("kprobe")),
        ("7.0 to 7.3", NEWER, Some("kprobe")),
        (
            "7.0 without kprobes",
            Described {
                kprobes: false,
                ..NEWER
            },
            Some("tp_btf"),
        ),
        (
            "no ftrace",
            Described {
                fentry: false,
                ..DEBIAN
            },
            Some("kprobe"),
        ),
        (
            "7.3 without ftrace",
            Described {
                fentry: false,
                ..NEWER
            },
            Some("kprobe"),
        ),
        (
            "functions of other names",
            Described {
                functions: &[],
                ..DEBIAN
            },
            Some("tp_btf"),
        ),
        (
            "lockdown, no kprobes, no tracefs",
            LOCKED_DOWN,
            Some("tp_btf"),
        ),
        (
            "no BTF of its own, no kprobes",
            Described {
                btf: false,
                ..LOCKED_DOWN
            },
            Some("raw_tp"),
        ),
    ];
    for (name, kernel, expected) in kernels {
        assert_eq!(label(kernel), expected, "{name}");
    }
}

#[test]
fn the_functions_are_those_of_the_kernel() {
    // Two functions, each with an entry and an exit, or with one program for both.
    for (kernel, prefix, count) in [(DEBIAN, "do_", 4), (NEWER, "filename_", 2)] {
        for wanted in ["fentry", "kprobe"] {
            let chosen = chosen(&Unlinks::default(), kernel, Some(wanted));
            let (label, programs) = chosen.unwrap();
            assert_eq!(label, wanted);
            let (hooks, own): (Vec<&str>, Vec<&str>) = programs
                .iter()
                .filter(|program| !program.starts_with("left_behind"))
                .partition(|program| program.contains("_object_"));
            assert_eq!((hooks.len(), own.len()), (2, count), "{programs:?}");
            assert!(own.iter().all(|program| program.starts_with(prefix)));
        }
    }
}

#[test]
fn a_kernel_without_security_hooks_tells_less() {
    let kernel = Described {
        functions: &["do_unlinkat", "do_rmdir", "do_renameat2"],
        ..DEBIAN
    };
    let (label, programs) = chosen(&Unlinks::default(), kernel, None).unwrap();
    assert_eq!((label, programs.len()), ("fentry", 4), "{programs:?}");
    let renames = Unlinks {
        renames: true,
        ..Unlinks::default()
    };
    assert_eq!(chosen(&renames, kernel, None), None);
}

#[test]
fn renames_are_for_rungs_that_see_them() {
    let renames = Unlinks {
        renames: true,
        ..Unlinks::default()
    };
    for (fentry, label) in [(true, "fentry"), (false, "kprobe")] {
        let (chosen, programs) = chosen(&renames, Described { fentry, ..DEBIAN }, None).unwrap();
        let count = if fentry { 9 } else { 10 };
        assert_eq!((chosen, programs.len()), (label, count), "{programs:?}");
    }
    assert_eq!(chosen(&renames, LOCKED_DOWN, None), None);
    for blind in ["tp_btf", "raw_tp", "tracepoint"] {
        assert_eq!(chosen(&renames, DEBIAN, Some(blind)), None);
    }
}

#[test]
fn a_full_path_takes_the_same_programs() {
    let full = Unlinks {
        full_path: true,
        ..Unlinks::default()
    };
    for wanted in ["fentry", "kprobe", "tp_btf", "raw_tp"] {
        let without = chosen(&Unlinks::default(), DEBIAN, Some(wanted));
        assert_eq!(chosen(&full, DEBIAN, Some(wanted)), without);
    }
}

/// Where an exit may be missed, what it leaves is taken away at the end of the system call, or entry and exit are one.
#[test]
fn no_exit_is_left_to_find_another_calls_entry() {
    let sweeps = |kernel, label| {
        let (_, programs) = chosen(&Unlinks::default(), kernel, Some(label)).unwrap();
        let sweep = programs.contains(&"left_behind_exit_raw");
        let sessions = programs.iter().filter(|name| name.ends_with("session"));
        (sweep, sessions.count())
    };
    assert_eq!(sweeps(DEBIAN, "fentry"), (false, 0), "never refused");
    assert_eq!(sweeps(FULLY_PREEMPTIBLE, "fentry"), (true, 0));
    for kernel in [DEBIAN, FULLY_PREEMPTIBLE] {
        assert_eq!(sweeps(kernel, "kprobe"), (true, 0));
    }
    for label in ["fentry", "kprobe"] {
        assert_eq!(sweeps(NEWER, label), (false, 2));
    }
}

#[test]
fn calls_that_an_architecture_lacks_are_left_out() {
    let kernel = Described {
        old_calls: false,
        ..DEBIAN
    };
    let (_, programs) = chosen(&Unlinks::default(), kernel, Some("tracepoint")).unwrap();
    assert_eq!(programs, ["unlinkat_exit_tp"]);
    let (_, programs) = chosen(&Unlinks::default(), DEBIAN, Some("tracepoint")).unwrap();
    assert_eq!(programs.len(), 3);
}

/// Nobody sweeps up behind `io_uring`'s workers, which make no system calls.
#[test]
fn fentry_by_pairs_tells_what_it_does_not_see_of_io_uring() {
    for rung in Unlinks::LADDER.rungs {
        let by_pairs = rung.has("do_unlinkat_exit_fexit");
        let told = rung.unseen.iter().any(|what| what.contains("fexit_missed"));
        assert_eq!(told, by_pairs, "{rung:?}");
    }
}
