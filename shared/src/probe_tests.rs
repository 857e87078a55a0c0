// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{Need, Passed, Rung, resolve};
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
    let programs = resolve(&RUNG, &[], section, &Fake(&[])).unwrap();
    assert_eq!(programs, ["openat_exit_tp", "extra_tp", "open_exit_tp"]);
}

#[test]
fn an_absent_optional_hook_is_left_out() {
    let programs = resolve(&RUNG, &[], section, &Fake(&["sys_exit_open"])).unwrap();
    assert_eq!(programs, ["openat_exit_tp", "extra_tp"]);
}

#[test]
fn the_first_lack_is_the_reason() {
    let passed = resolve(&RUNG, &[], section, &Fake(&["extra"])).unwrap_err();
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
    let programs = resolve(&RUNG, &["extra_tp"], section, &Fake(&["extra"])).unwrap();
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
