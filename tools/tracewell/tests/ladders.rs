// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every tool's ladder against kernels that are only described, from 5.10 to 7.3, and its object without privilege.
//! `ladders.list` has what each would try there; with `TRACEWELL_BLESS` set, it is written.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::thread;

use tracewell_shared::confine::privilege;
use tracewell_shared::kernel::probe::Need;
use tracewell_shared::kernel::{Kernel, Place};
use tracewell_shared::tool::Tool;

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
    /// Many set at once.
    uprobes_together: bool,
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
            Need::Uprobes => true,
            Need::UprobesTogether => self.uprobes_together,
        };
        (!holds).then(|| format!("no {need:?}"))
    }

    fn preempts(&self, place: Place) -> Option<String> {
        let preempts = self.preempts.contains(&place);
        preempts.then(|| "it says so".into())
    }
}

/// An ordinary one.
const OLD: Described = Described {
    name: "5.10 to 6.18",
    functions: "do_",
    btf: true,
    fentry: true,
    kprobes: true,
    tracefs: true,
    uprobes_together: false,
    preempts: &[],
};

const NEW: Described = Described {
    name: "7.0",
    functions: "filename_",
    uprobes_together: true,
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

/// Up to 6.19 it is a question of preempt=, and of functions alone.
const PREEMPT_FULL: Described = Described {
    name: "5.10 to 6.18, preempt=full",
    preempts: &[Place::Functions],
    ..OLD
};

/// The same in a file, as with --btf; the kernel itself knows none.
const NO_BTF: Described = Described {
    name: "no BTF",
    btf: false,
    ..OLD
};

const KERNELS: [&Described; 6] = [&OLD, &PREEMPT_FULL, &NEW, &NEWEST, &LOCKED_DOWN, &NO_BTF];

/// The labels of the rungs in the order in which they are tried.
fn tried(tool: &Tool, kernel: &Described, label: Option<&str>) -> Vec<&'static str> {
    (tool.trace.as_ref().unwrap().order)(kernel, label)
}

fn tool(name: &str) -> &'static Tool {
    let tool = tracewell::TOOLS.iter().find(|tool| tool.name == name);
    tool.unwrap()
}

#[test]
fn each_kernel_offers_what_the_list_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ladders.list");
    let mut list = "\
        # SPDX-License-Identifier: MIT OR Apache-2.0\n\
        #\n\
        # The rungs that each tool would try on kernels that are only described (ladders.rs), in their order. It is written by\n\
        #   TRACEWELL_BLESS=1 cargo test -p tracewell --test ladders\n"
        .to_owned();
    for kernel in KERNELS {
        list.push_str(&format!("\n{}\n", kernel.name));
        for tool in tracewell::TOOLS {
            let labels = tried(tool, kernel, None).join(" ");
            list.push_str(&format!("    {:<15} {labels}\n", tool.name));
        }
    }
    if std::env::var_os("TRACEWELL_BLESS").is_some() {
        fs::write(path, list).unwrap();
        return;
    }
    let found = fs::read_to_string(path).unwrap();
    assert_eq!(
        found, list,
        "tests/ladders.list: TRACEWELL_BLESS=1 cargo test -p tracewell --test ladders writes the right one; look at what \
         it changes"
    );
}

#[test]
fn without_tracefs_there_is_nothing_better() {
    for kernel in [NEWEST, LOCKED_DOWN] {
        let bare = Described {
            tracefs: false,
            functions: "none",
            ..kernel
        };
        for tool in tracewell::TOOLS {
            let labels = tried(tool, &bare, None);
            let expected: &[_] = match tool.trace.as_ref().unwrap().ladder.rungs[0].label {
                "uprobe_multi" if kernel.uprobes_together => &["uprobe_multi", "uprobe"],
                "uprobe_multi" | "uprobe" => &["uprobe"],
                _ => &["tp_btf", "raw_tp"],
            };
            assert_eq!(labels, expected, "{}", tool.name);
        }
    }
}

/// However little it is fit for this kernel.
#[test]
fn a_rung_that_is_asked_for_is_the_only_one() {
    let offers_all = Described {
        uprobes_together: true,
        ..OLD
    };
    for tool in tracewell::TOOLS {
        let ladder = tool.trace.as_ref().unwrap().ladder;
        for label in ladder.labels() {
            assert_eq!(
                tried(tool, &offers_all, Some(label)),
                [label],
                "{}",
                tool.name
            );
        }
        let labels = ladder.labels();
        let first = if labels.contains(&"tp_btf") {
            "tp_btf"
        } else {
            labels[0]
        };
        assert_eq!(tried(tool, &NEWEST, Some(first)), [first]);
    }
    let unlinks = tool("unlinksnoop");
    assert!(tried(unlinks, &LOCKED_DOWN, Some("fentry")).is_empty());
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
            for rung in tool.trace.as_ref().unwrap().ladder.rungs {
                for program in rung.programs {
                    let section = object.section(program);
                    assert!(section.is_some(), "{}: no program {program}", tool.name);
                }
            }
            for program in opened.progs() {
                let section = object.section(program.name().to_str().unwrap());
                assert_eq!(section, program.section().to_str(), "{}", tool.name);
            }
        }
    });
    opened.join().unwrap();
}
