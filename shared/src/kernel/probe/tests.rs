// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{Ladder, Need, Passed, Rung, Wishes, plan, resolve};
use crate::kernel::{Kernel, Place};

/// A kernel that lacks what it is told to lack, and may preempt tasks at the tracepoints of system calls.
struct Fake(&'static [&'static str], bool);

impl Kernel for Fake {
    fn lacks(&self, need: &Need) -> Option<String> {
        let (Need::BtfTracepoint(name)
        | Need::BtfFunction(name)
        | Need::Kprobe(name)
        | Need::Tracepoint { name, .. }) = need
        else {
            return None;
        };
        self.0
            .contains(&name.as_str())
            .then(|| format!("no {name}"))
    }

    fn preempts(&self, place: Place) -> Option<String> {
        (self.1 && place == Place::SystemCalls).then(|| "it says so".into())
    }
}

const RUNG: Rung = Rung {
    label: "tracepoint",
    programs: &["openat_exit_tp", "extra_tp"],
    optional: &["open_exit_tp"],
    where_preempted: &["sweep_raw"],
    requires: &["tp/syscalls/sys_exit_close"],
    unseen: &["things by io_uring"],
    ..Rung::EMPTY
};

fn section(program: &str) -> Option<String> {
    Some(match program {
        "openat_exit_tp" => "tp/syscalls/sys_exit_openat".into(),
        "open_exit_tp" => "tp/syscalls/sys_exit_open".into(),
        "extra_tp" => "tp/sched/extra".into(),
        "exit_btf" => "tp_btf/sys_exit".into(),
        _ => return None,
    })
}

#[test]
fn all_programs_of_a_rung_that_holds() {
    let programs = resolve(&RUNG, |_| true, section, &Fake(&[], false)).unwrap();
    assert_eq!(programs, ["openat_exit_tp", "extra_tp", "open_exit_tp"]);
}

#[test]
fn an_absent_optional_hook_is_left_out() {
    let programs = resolve(&RUNG, |_| true, section, &Fake(&["sys_exit_open"], false)).unwrap();
    assert_eq!(programs, ["openat_exit_tp", "extra_tp"]);
}

#[test]
fn a_hook_that_only_the_label_is_about_is_required() {
    let passed = resolve(&RUNG, |_| true, section, &Fake(&["sys_exit_close"], false)).unwrap_err();
    assert_eq!(passed.reason, "no sys_exit_close");
}

#[test]
fn the_first_lack_is_the_reason() {
    let passed = resolve(&RUNG, |_| true, section, &Fake(&["extra"], false)).unwrap_err();
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
        &Fake(&["extra"], false),
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
    for section in ["uprobe/getaddrinfo", "uretprobe/getaddrinfo"] {
        assert_eq!(Need::of_section(section), Some(Need::Uprobes));
    }
    for section in ["uprobe.multi/one,two", "uretprobe.multi/one,two"] {
        assert_eq!(Need::of_section(section), Some(Need::UprobesTogether));
    }
    assert_eq!(Need::of_section("raw_tp/sys_exit"), None);
}

static LADDER: Ladder = Ladder {
    subject: "things",
    rungs: &[
        Rung {
            label: "tp_btf",
            programs: &["exit_btf"],
            ..Rung::EMPTY
        },
        RUNG,
    ],
};

/// The labels that are tried, in their order, and those that are passed over.
fn planned(
    label: Option<&str>,
    preemptible: &[&'static str],
    kernel: &Fake,
) -> (Vec<&'static str>, Vec<&'static str>) {
    let wishes = Wishes {
        label,
        wants: &|_| true,
        unfit: &|_| None,
        preemptible,
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
    let all = (vec!["tp_btf", "tracepoint"], vec![]);
    assert_eq!(planned(None, &[], &Fake(&[], false)), all);
    assert_eq!(planned(None, &["tp_btf"], &Fake(&[], false)), all);
    assert_eq!(planned(None, &[], &Fake(&[], true)), all);
}

#[test]
fn what_is_preempted_is_tried_last() {
    let both = ["tp_btf", "tracepoint"];
    for (preemptible, lacking, tried, passed) in [
        (
            &both[..1],
            &[][..],
            vec!["tracepoint", "tp_btf"],
            vec!["tp_btf"],
        ),
        (
            &both[..1],
            &["extra"],
            vec!["tp_btf"],
            vec!["tp_btf", "tracepoint"],
        ),
        (&both[..], &[], both.to_vec(), both.to_vec()),
    ] {
        let kernel = Fake(lacking, true);
        assert_eq!(planned(None, preemptible, &kernel), (tried, passed));
    }
    let wishes = planned(Some("tp_btf"), &both, &Fake(&[], true));
    assert_eq!(wishes, (vec!["tp_btf"], vec![]), "who asks for it gets it");
}

#[test]
fn guards_are_loaded_where_the_kernel_preempts() {
    let programs = |preempts| resolve(&RUNG, |_| true, section, &Fake(&[], preempts)).unwrap();
    assert!(!programs(false).contains(&"sweep_raw"));
    assert!(programs(true).contains(&"sweep_raw"));
    let unwanted = resolve(
        &RUNG,
        |program| program == "extra_tp",
        section,
        &Fake(&[], true),
    );
    assert_eq!(unwanted.unwrap(), ["extra_tp"]);
}
