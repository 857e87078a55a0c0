// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{Ladder, Need, Passed, Rung, Wishes, plan, resolve};
use crate::kernel::Kernel;

/// A kernel that lacks what it is told to lack.
struct Fake(&'static [&'static str]);

impl Kernel for Fake {
    fn lacks(&self, need: &Need) -> Option<String> {
        let (Need::BtfTracepoint(name)
        | Need::BtfFunction(name)
        | Need::Kprobe(name)
        | Need::Tracepoint { name, .. }) = need;
        self.0
            .contains(&name.as_str())
            .then(|| format!("no {name}"))
    }
}

const RUNG: Rung = Rung {
    label: "tracepoint",
    programs: &["openat_exit_tp", "extra_tp"],
    optional: &["open_exit_tp"],
};

fn section(program: &str) -> Option<String> {
    Some(match program {
        "openat_exit_tp" => "tp/syscalls/sys_exit_openat".into(),
        "open_exit_tp" => "tp/syscalls/sys_exit_open".into(),
        "extra_tp" => "tp/sched/extra".into(),
        _ => return None,
    })
}

#[test]
fn all_programs_of_a_rung_that_holds() {
    let programs = resolve(&RUNG, |_| true, section, &Fake(&[])).unwrap();
    assert_eq!(programs, ["openat_exit_tp", "extra_tp", "open_exit_tp"]);
}

#[test]
fn an_absent_optional_hook_is_left_out() {
    let programs = resolve(&RUNG, |_| true, section, &Fake(&["sys_exit_open"])).unwrap();
    assert_eq!(programs, ["openat_exit_tp", "extra_tp"]);
}

#[test]
fn the_first_lack_is_the_reason() {
    let passed = resolve(&RUNG, |_| true, section, &Fake(&["extra"])).unwrap_err();
    assert_eq!(
        passed,
        Passed {
            label: "tracepoint",
            reason: "no extra".into()
        }
    );
    assert_eq!(passed.to_string(), "tracepoint: no extra");
}

#[test]
fn what_is_unwanted_is_not_needed() {
    let programs = resolve(
        &RUNG,
        |program| program != "extra_tp",
        section,
        &Fake(&["extra"]),
    )
    .unwrap();
    assert_eq!(programs, ["openat_exit_tp", "open_exit_tp"]);
}

#[test]
fn needs_follow_from_sections() {
    assert_eq!(
        Need::of_section("tp_btf/sys_exit"),
        Some(Need::BtfTracepoint("sys_exit".into()))
    );
    assert_eq!(
        Need::of_section("fexit/do_unlinkat"),
        Some(Need::BtfFunction("do_unlinkat".into()))
    );
    assert_eq!(
        Need::of_section("kretprobe/do_unlinkat"),
        Some(Need::Kprobe("do_unlinkat".into()))
    );
    assert_eq!(
        Need::of_section("tp/sched/sched_process_exec"),
        Some(Need::Tracepoint {
            category: "sched".into(),
            name: "sched_process_exec".into()
        })
    );
    assert_eq!(Need::of_section("raw_tp/sys_exit"), None);
}

static LADDER: Ladder = Ladder {
    subject: "things",
    rungs: &[
        Rung {
            label: "tp_btf",
            programs: &["exit_btf"],
            optional: &[],
        },
        RUNG,
    ],
};

/// The labels that are tried, in their order, and those that are passed over.
fn planned(avoided: &[&'static str], kernel: &Fake) -> (Vec<&'static str>, Vec<&'static str>) {
    let wishes = Wishes {
        label: None,
        wants: &|_| true,
        unfit: &|_| None,
        avoided,
        section: &section,
    };
    let (mut tried, mut passed) = (Vec::new(), Vec::new());
    for rung in plan(&LADDER, &wishes, kernel) {
        match rung {
            Ok((rung, _)) => tried.push(rung.label),
            Err(over) => passed.push(over.label),
        }
    }
    (tried, passed)
}

#[test]
fn rungs_are_tried_in_their_order() {
    assert_eq!(
        planned(&[], &Fake(&[])),
        (vec!["tp_btf", "tracepoint"], vec![])
    );
}

#[test]
fn what_is_avoided_is_tried_last() {
    assert_eq!(
        planned(&["tp_btf"], &Fake(&[])),
        (vec!["tracepoint", "tp_btf"], vec!["tp_btf"])
    );
    assert_eq!(
        planned(&["tp_btf"], &Fake(&["extra"])),
        (vec!["tp_btf"], vec!["tp_btf", "tracepoint"])
    );
}
