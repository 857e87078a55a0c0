// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracewell selftest`: every tool tells all of a load, and a failure to is one.

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use tracewell_tests::{Running, Tool, forced, note, scratch, until};

use crate::busy::Busy;
use crate::doctor::answers;
use crate::kernel::{tmpfs, with_own_mounts};
use crate::privilege::{NOBODY, limit};
use crate::storms::{scaled, turn};

fn selftest() -> Tool {
    let tool = Tool::new("tracewell").unforced().arg("selftest").json();
    match forced("--btf") {
        Some(file) => tool.args(["--btf", &file]),
        None => tool,
    }
}

#[test]
fn every_tool_tells_all() {
    let made = scaled(200);
    let answers = answers(&selftest().args(["-n", &made.to_string()]).run().success());
    assert!(answers.len() >= 4, "{answers:#?}");
    for answer in answers {
        if answer["not_tested"].is_string() {
            // Some kernels have no loop devices.
            assert!(env::var_os("TRACEWELL_GUEST").is_some(), "{answer}");
            assert_eq!(answer["tool"], "biolatency");
            note(&format!("{answer}"));
            continue;
        }
        assert_eq!(answer["made"], made, "{answer}");
        if answer["tool"] == "runqlat" {
            // Whether the account holds, the exit status says. What it may lack, see below.
            assert_ne!(answer["account"], "unknown", "{answer}");
        } else {
            assert_eq!(answer["seen"], made, "{answer}");
            assert_eq!(answer["recall"], 1.0, "{answer}");
        }
    }
}

#[test]
fn waits_on_a_busy_machine_are_told_or_lost() {
    // Some kernels exempt certain tasks from tracing: who gets the CPU after one of these does so untold.
    let _turn = turn();
    let _busy = Busy::with(3, ":");
    let made = scaled(5000);
    let tool = selftest().args(["runqlat", "-n", &made.to_string()]);
    for answer in answers(&tool.run().success()) {
        assert_eq!(answer["made"], made, "{answer}");
        assert_ne!(answer["account"], "unknown", "{answer}");
    }
}

/// How many files there are below a directory.
fn files(directory: &Path) -> usize {
    let below = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => 1 + files(&entry.path()),
        _ => 1,
    };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(below).sum()
}

/// A selftest of opensnoop that does not end by itself, with its files below this directory.
fn endless(directory: &Path) -> Running {
    let tool = selftest().args(["opensnoop", "-n", "1000000000"]);
    let running = tool.env("TMPDIR", directory.to_str().unwrap()).launch();
    until(|| files(directory) >= 20);
    running
}

#[test]
fn nothing_is_left_of_one_that_is_interrupted() {
    // As long as it runs, its load is a storm.
    let _turn = turn();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let scratch = scratch();
        let running = endless(scratch.path());
        running.signal(signal);
        let finished = running.wait();
        assert_eq!(finished.status.signal(), Some(signal as i32));
        assert_eq!(files(scratch.path()), 0, "{signal}");
    }
}

#[test]
fn what_a_killed_one_leaves_the_next_removes() {
    // As long as it runs, its load is a storm.
    let _turn = turn();
    let scratch = scratch();
    let running = endless(scratch.path());
    running.signal(Signal::SIGKILL);
    drop(running.wait());
    assert!(files(scratch.path()) > 0);
    // One that still runs keeps its own.
    let other = endless(scratch.path());
    let next = selftest().args(["opensnoop", "-n", "3"]);
    let next = next.env("TMPDIR", scratch.path().to_str().unwrap());
    drop(next.run().success());
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1);
    other.signal(Signal::SIGTERM);
    drop(other.wait());
    assert_eq!(files(scratch.path()), 0);
}

#[test]
fn a_tool_that_fails_is_a_failure() {
    let tool = selftest().args(["opensnoop", "--probe", "no_such_rung"]);
    let answers = answers(&tool.run().ended_with(1));
    assert_eq!(answers.len(), 1);
    let failure = answers[0]["failure"].as_str().unwrap();
    assert!(failure.contains("no_such_rung"), "{failure}");
    assert!(answers[0]["recall"].is_null());
}

#[test]
fn a_load_that_cannot_be_had_is_told() {
    with_own_mounts(|| {
        // Without /dev/loop-control; /dev/null is for the tools' own use.
        let _hidden = tmpfs(Path::new("/dev"), c"");
        let null = makedev(1, 3);
        mknod(
            "/dev/null",
            SFlag::S_IFCHR,
            Mode::from_bits_truncate(0o666),
            null,
        )
        .unwrap();
        let tool = selftest().args(["-n", "20", "biolatency", "execsnoop"]);
        let answers = answers(&tool.run().success());
        let why = answers[0]["not_tested"].as_str().unwrap();
        assert!(why.starts_with("no loop device can be had: "), "{why}");
        assert_eq!(answers[1]["seen"], 20);
    });
}

#[test]
fn it_takes_privilege() {
    let mut tool = selftest();
    limit(tool.command(), NOBODY, &[]);
    let said = tool.run().ended_with(1).stderr;
    assert!(
        said.contains("CAP_BPF") && said.contains("setcap"),
        "{said}"
    );
}

#[test]
fn the_table_has_a_row_for_each_tool() {
    let mut tool = Tool::new("tracewell").unforced();
    tool = tool.args(["selftest", "unlinksnoop", "-n", "30"]);
    if let Some(file) = forced("--btf") {
        tool = tool.args(["--btf", &file]);
    }
    let finished = tool.run().success();
    let rows: Vec<Vec<_>> = finished
        .lines()
        .iter()
        .map(|row| row.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0],
        ["TOOL", "MADE", "SEEN", "LOST", "RECALL", "ACCOUNT", "RUNG"]
    );
    assert_eq!(
        rows[1][..6],
        ["unlinksnoop", "30", "30", "0", "100.00", "%"]
    );
    assert_eq!(rows.len(), 2);
}
