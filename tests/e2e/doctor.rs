// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracewell doctor`: says what the tools then do.

use std::fs;

use serde_json::Value;
use tracewell_tests::{Finished, Tool, forced};

use crate::kernel::with_own_mounts;
use crate::privilege::{NOBODY, limit};
use crate::validate::{check, validator_of};

/// The objects of a run, each as the schema of answers says.
pub(crate) fn answers(finished: &Finished) -> Vec<Value> {
    let schema = include_str!("../../docs/answers.schema.json");
    let validator = validator_of(&serde_json::from_str(schema).expect("the schema is JSON"));
    let objects = finished.objects();
    objects.iter().for_each(|object| check(&validator, object));
    // The kind comes first, as in what the tools write.
    for line in finished.lines() {
        assert!(line.starts_with(r#"{"event":""#), "{line}");
    }
    objects
}

fn doctor() -> Tool {
    let tool = Tool::new("tracewell").unforced().arg("doctor").json();
    match forced("--btf") {
        Some(file) => tool.args(["--btf", &file]),
        None => tool,
    }
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let objects = objects.iter();
    objects.filter(|object| object["event"] == kind).collect()
}

fn named<'a>(objects: &'a [Value], field: &str, name: &str) -> &'a Value {
    let found = objects.iter().find(|object| object[field] == name);
    found.unwrap_or_else(|| panic!("nothing of {name}: {objects:#?}"))
}

#[test]
fn what_it_says_is_what_the_tools_do() {
    let objects = answers(&doctor().run().success());
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(objects[0]["release"], release.trim());
    let prospects = of_kind(&objects, "prospect");
    assert!(prospects.len() >= 4, "{objects:#?}");
    for prospect in prospects {
        assert_eq!(
            (&prospect["works"], &prospect["tried"]),
            (&true.into(), &true.into())
        );
        let mut tool = Tool::new(prospect["tool"].as_str().unwrap())
            .unforced()
            .json()
            .arg("-v");
        if let Some(file) = forced("--btf") {
            tool = tool.args(["--btf", &file]);
        }
        let finished = tool.args(["--duration", "0.01"]).run().success();
        assert_eq!(finished.rung(), prospect["rung"], "{prospect}");
        // The kernel is asked by its types here, by a link there.
        let ranks = ["exact", "at_most", "unknown"];
        let rank = |account: &Value| {
            ranks
                .iter()
                .position(|rank| account == rank)
                .expect("a rank")
        };
        let accounts = prospect["accounts"].as_array().unwrap();
        let worst = rank(&named(accounts, "rung", &finished.rung())["account"]);
        let account = rank(&finished.summary()["account"]);
        assert!(account <= worst, "{prospect}: {}", finished.summary());
        assert_eq!(
            account == 2,
            worst == 2,
            "{prospect}: {}",
            finished.summary()
        );
        for passed in prospect["passed"].as_array().unwrap() {
            let reason = passed["reason"].as_str().unwrap().lines().next().unwrap();
            let said = format!("not {}: {reason}", passed["rung"].as_str().unwrap());
            assert!(
                finished.stderr.contains(&said),
                "{said}: {}",
                finished.stderr
            );
        }
    }
}

#[test]
fn without_privilege_it_infers_and_names_what_is_missing() {
    let mut tool = doctor();
    limit(tool.command(), NOBODY, &[]);
    let objects = answers(&tool.run().ended_with(1));
    let check = named(&objects, "name", "capabilities");
    assert_eq!(check["state"], "blocks");
    assert!(
        check["remedy"]
            .as_str()
            .unwrap()
            .contains("setcap cap_bpf,cap_perfmon=ep")
    );
    for prospect in of_kind(&objects, "prospect") {
        assert_eq!(
            (&prospect["works"], &prospect["tried"]),
            (&false.into(), &false.into())
        );
        assert!(prospect["rung"].is_string(), "{prospect}");
    }
}

#[test]
fn one_tool_can_be_asked_for() {
    let objects = answers(&doctor().arg("opensnoop").run().success());
    let prospects = of_kind(&objects, "prospect");
    assert_eq!(prospects.len(), 1);
    assert_eq!(prospects[0]["tool"], "opensnoop");
    let said = doctor().arg("nosnoop").run().ended_with(2).stderr;
    assert!(
        said.contains("nosnoop") && said.contains("unlinksnoop"),
        "{said}"
    );
}

#[test]
fn a_file_that_is_no_btf_is_told() {
    let tool = Tool::new("tracewell")
        .unforced()
        .args(["doctor", "--btf", "/proc/self/exe"])
        .json();
    let objects = answers(&tool.run().ended_with(1));
    for prospect in of_kind(&objects, "prospect") {
        assert!(
            prospect["failure"].as_str().unwrap().contains("not BTF"),
            "{prospect}"
        );
    }
}

#[test]
fn what_is_not_mounted_is_missed() {
    with_own_mounts(|| {
        crate::kernel::without_tracefs();
        let objects = answers(&doctor().run().success());
        let check = named(&objects, "name", "tracefs");
        assert_eq!(check["state"], "limits");
        assert!(
            check["remedy"]
                .as_str()
                .unwrap()
                .starts_with("mount -t tracefs")
        );
        // For people, in the same words.
        let mut table = Tool::new("tracewell").unforced().arg("doctor");
        if let Some(file) = forced("--btf") {
            table = table.args(["--btf", &file]);
        }
        let finished = table.run().success();
        let lines = finished.lines();
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("limits  tracefs ")),
            "{lines:#?}"
        );
        assert!(
            lines
                .iter()
                .any(|line| line.contains("-> mount -t tracefs")),
            "{lines:#?}"
        );
        assert!(
            lines.iter().any(|line| line.starts_with("opensnoop  ")),
            "{lines:#?}"
        );
    });
}
