// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--where`: which events are shown, by what their fields are.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tracewell_tests::{Actor, Finished, Playing, Running, Tool, actor, scratch};

use crate::sys::{self, AT_FDCWD, c};

// Its argument: a directory. Opens some files that are there, and some that are not.
actor!(opens_some, |stage| {
    let directory = Path::new(stage.arg(0));
    for number in 0..20 {
        let path = directory.join(format!("file {number}"));
        let flags = if number % 3 == 0 {
            nix::libc::O_RDWR
        } else {
            0
        };
        drop(sys::openat(AT_FDCWD, &c(path), flags, 0));
    }
});

fn opensnoop(pid: &str, args: &[&str]) -> Running {
    let tool = Tool::new("opensnoop").json().args(["--pid", pid]);
    tool.args(args).start()
}

/// What opensnoop shows with such options, and what it shows without, of the same opens.
fn beside_all(args: &[&str]) -> (Finished, Finished) {
    let directory = scratch();
    for number in (0..20).step_by(2) {
        fs::write(directory.path().join(format!("file {number}")), "").unwrap();
    }
    let actor = Actor::new("opens_some").arg(directory.path()).start();
    let pid = actor.pid().to_string();
    let tools = [args, &[]].map(|args| opensnoop(&pid, args));
    actor.go();
    actor.finish();
    let [asked, all] = tools.map(|tool| tool.finish().success());
    assert_eq!(all.events("open").len(), 20);
    (asked, all)
}

/// The conditions, and what a reader of JSON would ask instead.
type Case = (&'static str, fn(&Value) -> bool);

#[test]
fn conditions_leave_what_a_reader_of_json_would_leave() {
    let cases: [Case; 8] = [
        ("error == ENOENT", |open| open["error"] == "ENOENT"),
        ("error == null", |open| open["error"].is_null()),
        ("fd != null && path ~ 'file 1.$'", |open| {
            !open["fd"].is_null() && open["path"].as_str().unwrap().contains("file 1")
        }),
        ("flags has O_RDWR || !(errno == 2)", |open| {
            let flags = open["flags"].as_array().unwrap();
            flags.contains(&"O_RDWR".into()) || open["errno"] != 2
        }),
        ("path ~ '[05]$' && flags has O_RDWR", |open| {
            let flags = open["flags"].as_array().unwrap();
            let path = open["path"].as_str().unwrap();
            path.ends_with(['0', '5']) && flags.contains(&"O_RDWR".into())
        }),
        ("fd >= 0 && !compat", |open| open["fd"].as_i64().is_some()),
        ("errno in (1, 2, 3)", |open| open["errno"] == 2),
        ("comm ~ '^no such'", |_| false),
    ];
    for (condition, leaves) in cases {
        let (asked, all) = beside_all(&["--where", condition]);
        let paths = |events: Vec<Value>| -> Vec<_> {
            events.iter().map(|open| open["path"].clone()).collect()
        };
        let expected = all.events("open").into_iter().filter(leaves).collect();
        let shown = paths(asked.events("open"));
        assert_eq!(shown, paths(expected), "{condition}");
        assert_eq!(asked.summary()["events"], shown.len(), "{condition}");
    }
}

/// What opensnoop tells of this actor that has a small buffer, of everybody, while others open so much that it would be
/// full many times, unless the kernel leaves that out.
pub(crate) fn beside_others(actor: Playing, args: &[&str]) -> Finished {
    let tool = Tool::new("opensnoop").unforced().json();
    let tool = tool.args(args).args(["--buffer-size", "64k"]).start();
    // It takes nothing out meanwhile.
    tool.stop();
    for _ in 0..20_000 {
        drop(fs::File::open("/proc/self/status"));
    }
    actor.go();
    actor.finish();
    tool.signal(nix::sys::signal::Signal::SIGCONT);
    tool.finish().success()
}

#[test]
fn what_the_kernel_can_decide_does_not_come_to_the_tool() {
    let directory = scratch();
    let path = directory.path().display();
    for of_kernel in ["pid == PID", "error == ENOENT", "errno != null"] {
        let actor = Actor::new("opens_some").arg(directory.path()).start();
        let pid = actor.pid().to_string();
        let of_kernel = of_kernel.replace("PID", &pid);
        let condition = format!("{of_kernel} && path ~ '^{path}/'");
        let mut args = vec!["--where", &condition];
        // Who else fails to open something, and how often, is not known here.
        let pids = format!("{pid},{}", std::process::id());
        if !of_kernel.starts_with("pid") {
            args.extend(["--pid", &pids]);
        }
        let finished = beside_others(actor, &args);
        assert_eq!(finished.events("open").len(), 20, "{condition}");
        assert_eq!(finished.summary()["lost"], 0, "{condition}");
    }
}

#[test]
fn what_the_kernel_decides_is_said() {
    let says = |tool: &str, condition: &str| {
        let tool = Tool::new(tool).json().args(["-v", "--where", condition]);
        tool.args(["--", "true"]).run().success().stderr
    };
    let in_kernel =
        |fields: &str| format!("--where: what it asks of {fields} is asked in the kernel");
    for (tool, condition, fields) in [
        (
            "opensnoop",
            "comm == 'a' && uid in (0, 1) && fd == 3",
            "uid, comm",
        ),
        ("unlinksnoop", "errno == null", "errno"),
        ("syncsnoop", "error == EIO && ppid == 1", "ppid, errno"),
        ("gethostlatency", "duration_ns > 1s", "duration_ns"),
        (
            "biosnoop",
            "duration_ns > 1s && errno == 5",
            "errno, duration_ns",
        ),
        (
            "exitsnoop",
            "age_ns > 1s && exit_code == 0",
            "age_ns, exit_code",
        ),
        ("exitsnoop", "signal == 9", "how it ended"),
    ] {
        let stderr = says(tool, condition);
        assert!(stderr.contains(&in_kernel(fields)), "{condition}: {stderr}");
    }
    for condition in [
        "comm == 'a' || uid == 1",
        "comm == 'longer than any name'",
        "fd == 3",
    ] {
        let stderr = says("opensnoop", condition);
        assert!(
            !stderr.contains("asked in the kernel"),
            "{condition}: {stderr}"
        );
    }
}

#[test]
fn a_condition_is_no_filter_that_has_to_be_there() {
    // No process has this number: to come is what it may.
    let tool = Tool::new("opensnoop")
        .json()
        .args(["--where", "pid == 4194303"]);
    let finished = tool.args(["--duration", "0.1"]).run().success();
    assert_eq!(finished.summary()["events"], 0);
}

#[test]
fn a_field_that_has_to_be_asked_for_is_asked_for() {
    let directory = scratch();
    let path = directory.path().canonicalize().unwrap();
    let condition = format!("full_path ~ '^{}/file 3$'", path.display());
    let actor = Actor::new("opens_some").arg(directory.path()).start();
    let pid = actor.pid().to_string();
    let tool = opensnoop(&pid, &["--where", &condition]);
    actor.go();
    actor.finish();
    let finished = tool.finish().success();
    assert_eq!(finished.events("open").len(), 1);
}

#[test]
fn that_nothing_passed_is_said() {
    let directory = scratch();
    let actor = Actor::new("opens_some").arg(directory.path()).start();
    let pid = actor.pid().to_string();
    let tool = Tool::new("opensnoop").args(["--pid", &pid, "--where", "compat"]);
    let tool = tool.start();
    actor.go();
    actor.finish();
    let finished = tool.finish().success();
    let said = &finished.stderr;
    assert!(said.contains("--where let none of 20 pass"), "{said}");
    let calls = Tool::new("syscount").args(["--where", "took_ns > 1h"]);
    let said = calls.args(["--", "true"]).run().success().stderr;
    assert!(
        said.ends_with("pass; took_ns is null without -L\n"),
        "{said}"
    );
}

#[test]
fn rows_and_histograms_are_asked_too() {
    let calls = Tool::new("syscount").json();
    let calls = calls.args([
        "--where",
        "errors > 0 && syscall != openat",
        "--",
        "ls",
        "/absent",
    ]);
    // ls(1) fails, since there is no such file.
    let finished = calls.run();
    let rows = finished.events("row");
    assert!(!rows.is_empty(), "{}", finished.stderr);
    for row in rows {
        assert!(
            row["errors"].as_u64() > Some(0) && row["syscall"] != "openat",
            "{row}"
        );
    }
    let waits = Tool::new("runqlat")
        .json()
        .args(["-P", "--where", "comm == 'sh'"]);
    let waits = waits.args(["--", "sh", "-c", "/bin/true; sleep 0.01; sleep 0.01"]);
    let finished = waits.run().success();
    let histograms = finished.events("histogram");
    assert!(!histograms.is_empty(), "{}", finished.stderr);
    assert!(histograms.iter().all(|histogram| histogram["comm"] == "sh"));
    let counts = histograms
        .iter()
        .map(|histogram| histogram["count"].as_u64().unwrap());
    assert_eq!(finished.summary()["events"], counts.sum::<u64>());
}

#[test]
fn a_condition_that_means_nothing_is_told_before_anything_is_attached() {
    for tool in tracewell::TOOLS {
        for (condition, told) in [
            ("nope == 3", "no field is called 'nope'; the fields are"),
            ("time ==", "expected a value"),
            ("time", "say what time is to be"),
        ] {
            let finished = Tool::new(tool.name)
                .args(["--where", condition])
                .run()
                .ended_with(2);
            let said = &finished.stderr;
            assert!(said.contains("--where") && said.contains(told), "{said}");
            assert!(said.contains('^'), "{said}");
        }
    }
}
