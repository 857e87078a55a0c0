// SPDX-License-Identifier: MIT OR Apache-2.0
//! syscount counts every call once, in whichever interval it ended.

use std::collections::BTreeSet;

use nix::libc;
use serde_json::Value;
use tracewell_tests::{Actor, Finished, Tool, actor};

use crate::busy::Busy;
use crate::schema::check_all;
use crate::storms::guest;

// Its argument: how many calls it makes each time that it is let go; ten times fewer fail.
actor!(calls_in_bursts, |stage| {
    let calls: u32 = stage.text(0).parse().unwrap();
    loop {
        for _ in 0..calls {
            // SAFETY: asks for a number.
            unsafe { libc::syscall(libc::SYS_getppid) };
        }
        for _ in 0..calls / 10 {
            // SAFETY: there is no such descriptor.
            unsafe { libc::syscall(libc::SYS_close, -1) };
        }
        stage.say("called");
        stage.wait();
    }
});

/// The sum of a field over the rows that `wanted` picks.
fn sum(finished: &Finished, field: &str, wanted: impl Fn(&Value) -> bool) -> u64 {
    check_all(finished);
    let rows = finished.events("row");
    let values = rows.iter().filter(|row| wanted(row));
    values.map(|row| row[field].as_u64().unwrap()).sum()
}

fn called(name: &'static str) -> impl Fn(&Value) -> bool {
    move |row| row["syscall"] == name
}

/// Counts a burst of calls beside what `others` starts; gives what was told, and how many were made.
pub(crate) fn counted_of_bursts<T>(others: impl FnOnce() -> T) -> (Finished, u64) {
    const MADE: u64 = 50_000;
    let mut actor = Actor::new("calls_in_bursts").arg(MADE.to_string()).start();
    let pid = actor.pid().to_string();
    let args = ["--syscall", "getppid", "-p", &pid];
    let tool = Tool::new("syscount").json().args(args).start();
    let others = others();
    actor.go();
    actor.hear();
    drop(others);
    (tool.finish().success(), MADE)
}

#[test]
fn every_call_is_counted_once() {
    let mut actor = Actor::new("calls_in_bursts").arg("200000").start();
    let pid = actor.pid().to_string();
    let start = |args: &[&str]| {
        let tool = Tool::new("syscount").json().args(["-p", &pid]);
        tool.args(args).start()
    };
    let options: [&[&str]; 6] = [
        &[],
        &["-x"],
        &["-e", "EBADF"],
        &["-P"],
        &["-L"],
        &["--syscall", "getppid"],
    ];
    let tools = options.map(start);
    actor.go();
    actor.hear();
    let [all, failed, error, process, timed, named] = tools.map(|tool| tool.finish().success());
    for (finished, getppid, close) in [
        (&all, 200_000, 20_000),
        (&failed, 0, 20_000),
        (&error, 0, 20_000),
        (&timed, 200_000, 20_000),
        (&named, 200_000, 0),
    ] {
        let summary = finished.summary();
        assert_eq!(summary["lost"], 0, "{summary}");
        assert_eq!(sum(finished, "count", called("getppid")), getppid);
        assert_eq!(sum(finished, "count", called("close")), close);
        assert_eq!(summary["events"], sum(finished, "count", |_| true));
        let errors = sum(finished, "errors", called("close"));
        assert_eq!(
            (sum(finished, "errors", called("getppid")), errors),
            (0, close)
        );
    }
    let pid: u64 = pid.parse().unwrap();
    let counted = sum(&process, "count", |row| row["pid"] == pid);
    assert_eq!(counted, sum(&process, "count", |_| true));
    assert!(counted >= 220_000, "{counted}");
    assert!(sum(&timed, "took_ns", called("getppid")) > 200_000);
    assert!(all.events("row").iter().all(|row| row["took_ns"].is_null()));
    assert_eq!(named.events("row").len(), 1);
}

#[test]
fn intervals_add_up() {
    let mut actor = Actor::new("calls_in_bursts").arg("3000").start();
    let pid = actor.pid().to_string();
    let intervals = |printed: &[u8]| {
        let lines = printed.split(|byte| *byte == b'\n');
        let rows = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        rows.filter(|row| row["syscall"] == "getppid" || row["pid"].is_u64())
            .count()
    };
    let start = |by: &str| {
        let args = ["-i", "0.02", by, "-p", &pid];
        Tool::new("syscount").json().args(args).start()
    };
    let tools = ["-L", "-P"].map(start);
    for burst in 1..6 {
        actor.go();
        actor.hear();
        for tool in &tools {
            tool.stdout_until(|printed| intervals(printed) >= burst);
        }
    }
    actor.go();
    actor.hear();
    let [calls, process] = tools.map(|tool| tool.finish().success());
    assert_eq!(calls.summary()["lost"], 0);
    assert_eq!(sum(&calls, "count", called("getppid")), 6 * 3000);
    assert_eq!(sum(&calls, "count", called("close")), 6 * 300);
    let counted = sum(&process, "count", |_| true);
    assert_eq!(process.summary()["events"], counted);
    assert!(counted >= 6 * 3300, "{counted}");
}

#[test]
fn the_table_has_the_first_rows_only() {
    let mut actor = Actor::new("calls_in_bursts").arg("5000").start();
    let pid = actor.pid().to_string();
    let start = |args: &[&str]| {
        let tool = Tool::new("syscount").args(["-p", &pid]);
        tool.args(args).start()
    };
    let options: [&[&str]; 3] = [
        &["-L", "-T", "1"],
        &["--top", "2", "--sort", "syscall"],
        &["-T", "1"],
    ];
    let tools = options.map(start);
    actor.go();
    actor.hear();
    let [timed, sorted, counted] = tools.map(|tool| tool.finish().success());
    let rows = |finished: &Finished| -> Vec<String> {
        let lines = finished.lines().into_iter().map(str::to_owned);
        let rows = lines.skip_while(|line| !line.starts_with("SYSCALL "));
        rows.filter(|row| !row.is_empty()).collect()
    };
    let (timed, sorted, counted) = (rows(&timed), rows(&sorted), rows(&counted));
    assert!(timed[0].ends_with("COUNT        TIME (us)"), "{timed:#?}");
    assert_eq!(timed.len(), 2, "{timed:#?}");
    assert_eq!(sorted.len(), 3, "{sorted:#?}");
    assert!(sorted[1] < sorted[2], "{sorted:#?}");
    assert!(counted[1].starts_with("getppid ") && counted[1].ends_with(" 5000"));
}

#[test]
fn rates_are_those_of_one_interval() {
    let mut actor = Actor::new("calls_in_bursts").arg("50000").start();
    let pid = actor.pid().to_string();
    let args = ["-p", &pid, "--syscall", "getppid,close", "--rate", "--sort"];
    let start = |by: &str| Tool::new("syscount").args(args).arg(by).start();
    let tools = ["count_per_s", "count"].map(start);
    actor.go();
    actor.hear();
    for finished in tools.map(|tool| tool.finish().success()) {
        let lines = finished.lines().into_iter();
        let mut lines = lines.skip_while(|line| !line.starts_with("SYSCALL "));
        let header: Vec<_> = lines.next().unwrap().split_whitespace().collect();
        assert_eq!(header, ["SYSCALL", "COUNT", "COUNT/s"]);
        let rows: Vec<Vec<_>> = lines.map(|row| row.split_whitespace().collect()).collect();
        let first: Vec<_> = rows.iter().map(|row| &row[..2]).collect();
        assert_eq!(first, [["getppid", "50000"], ["close", "5000"]]);
        let tenths = |row: &[&str]| row[2].replace('.', "").parse::<u64>().unwrap();
        let [more, fewer] = [&rows[0], &rows[1]].map(|row| tenths(row));
        // Both are rounded, and ten times as many came of the first.
        assert!(fewer > 0 && more.abs_diff(10 * fewer) <= 10, "{rows:?}");
    }
}

#[test]
fn processes_come_and_go() {
    let script = "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done";
    let args = ["-P", "-i", "0.05", "-L", "--", "sh", "-c", script];
    let finished = Tool::new("syscount").json().args(args).run();
    let summary = finished.summary();
    assert_eq!(summary["lost"], 0, "{summary}");
    assert_eq!(sum(&finished, "count", |_| true), summary["events"]);
    let rows = finished.events("row");
    let pids: BTreeSet<_> = rows
        .iter()
        .map(|row| row["pid"].as_u64().unwrap())
        .collect();
    assert!(pids.len() > 100, "{}", pids.len());
}

#[test]
fn processes_without_room_are_counted_together() {
    let script = "for i in 1 2 3 4 5; do /bin/true; done";
    let args = ["-P", "--room", "1", "--", "sh", "-c", script];
    let finished = Tool::new("syscount").json().args(args).run().success();
    let summary = finished.summary();
    assert!(
        finished
            .events("row")
            .iter()
            .any(|row| row["other"] == true)
    );
    assert_eq!(sum(&finished, "count", |_| true), summary["events"]);
    assert_eq!(summary["lost"], 0, "{summary}");
}

#[test]
fn a_task_that_is_made_calls_nothing() {
    let script = "for i in 1 2 3 4 5 6 7 8 9 10; do (:); done";
    let tool = Tool::new("syscount").json();
    let finished = tool.args(["--", "sh", "-c", script]).run().success();
    let made =
        ["clone", "clone3", "fork", "vfork"].map(|name| sum(&finished, "count", called(name)));
    assert_eq!(
        made.iter().sum::<u64>(),
        10,
        "{:#?}",
        finished.events("row")
    );
}

#[test]
fn what_cannot_be_meant_is_told() {
    for (args, says) in [
        (&["-e", "ENOTHING"][..], "not an error"),
        (&["-i", "0"], "--interval"),
        (&["--max-events", "3"], "--max-events"),
        (&["--syscall", "nothing"], "no such system call"),
        (&["--sort", "size"], "the fields are"),
        (&["-m"], "--latency"),
        (&["--rate", "--format", "json"], "interval_ms"),
        (&["--rate", "--format", "csv"], "interval_ms"),
    ] {
        let tool = Tool::new("syscount").unforced().args(args);
        let finished = tool.run().ended_with(2);
        assert!(
            finished.stderr.contains(says),
            "{args:?}: {}",
            finished.stderr
        );
    }
    let listed = Tool::new("syscount").unforced().arg("-l").run().success();
    assert!(listed.lines().len() > 300);
}

#[test]
fn neither_end_of_a_run_is_taken_for_what_was_not_told() {
    // They are inside a call, or between two, when programs are attached and detached.
    let callers = Busy::with(3, "kill -0 $$");
    let pids = callers.pids();
    // An emulated machine takes seconds for each, and what is shown is none of a kernel's.
    let runs = if guest() { 2 } else { 20 };
    let summaries: Vec<_> = (0..runs)
        .map(|_| {
            let calls = Tool::new("syscount").json().args(["-L", "-p", &pids]);
            let finished = calls.args(["--duration", "0.05"]).run().success();
            finished.summary().clone()
        })
        .collect();
    for summary in summaries {
        let missed = summary["lost_at_most_by"]["entry_missed"].as_u64();
        assert_eq!(missed.unwrap_or(0), 0, "{summary}");
    }
}
