// SPDX-License-Identifier: MIT OR Apache-2.0
//! `execsnoop --tree`: what ran below what, when the trace ends.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};
use tracewell_tests::{Finished, Tool, executable, scratch};

use crate::schema::check_all;

fn tree() -> Tool {
    Tool::new("execsnoop").arg("--tree")
}

/// What a shell's script comes to, as JSON.
fn of_script(script: &str) -> Finished {
    let finished = tree().json().args(["--", "sh", "-c", script]).run();
    check_all(&finished);
    finished
}

/// Of each row: its depth, arguments, how it began and ended, and with what.
fn shape(finished: &Finished) -> Vec<Value> {
    let programs = finished.events("program");
    let shape = |row: &Value| {
        json!([
            row["depth"],
            row["args"],
            row["began"],
            row["ended"],
            row["exit_code"],
            row["signal"]
        ])
    };
    programs.iter().map(shape).collect()
}

#[test]
fn each_program_stands_below_who_started_it() {
    // A subshell makes no exec; env(1) runs another program in the same process; the last command is the shell's child, too.
    let script = "/bin/true; (exit 5); env A=1 sh -c 'exit 3'; /bin/true";
    let finished = of_script(script).success();
    assert_eq!(
        shape(&finished),
        [
            json!([0, ["sh", "-c", script], "exec", "exit", 0, null]),
            json!([1, ["/bin/true"], "fork", "exit", 0, null]),
            json!([1, null, "fork", "exit", 5, null]),
            json!([
                1,
                ["env", "A=1", "sh", "-c", "exit 3"],
                "fork",
                "exec",
                null,
                null
            ]),
            json!([1, ["sh", "-c", "exit 3"], "exec", "exit", 3, null]),
            json!([1, ["/bin/true"], "fork", "exit", 0, null]),
        ]
    );
    let programs = finished.events("program");
    let pid = |index: usize| &programs[index]["pid"];
    assert_eq!(pid(3), pid(4));
    assert!(programs[1..].iter().all(|row| row["ppid"] == *pid(0)));
    finished.accounts_for(6, 6);
    // The exec came after the fork, and before the end.
    let child = &programs[1];
    let ns = |name: &str| child[name].as_u64().unwrap();
    assert!(
        (1..ns("duration_ns")).contains(&ns("exec_after_ns")),
        "{child}"
    );
    assert!(ns("peak_rss_bytes") > 0);
}

#[test]
fn a_signal_and_what_runs_still_are_told() {
    let finished = of_script("kill -9 $$ & wait; wait; sleep 1000");
    let ended: Vec<_> = finished
        .events("program")
        .iter()
        .map(|row| json!([row["depth"], row["ended"], row["signal_name"]]))
        .collect();
    // The first child kills the shell, which leaves no other.
    assert!(ended.contains(&json!([0, "exit", "SIGKILL"])), "{ended:?}");

    let finished = of_script("sleep 1000 >/dev/null 2>&1 &").success();
    let programs = finished.events("program");
    let [_, sleep] = &programs[..] else {
        panic!("{programs:?}");
    };
    assert_eq!(sleep["ended"], "running");
    assert!(sleep["duration_ns"].as_u64().is_some());
    let pid = sleep["pid"].as_i64().unwrap().try_into().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL).unwrap();
}

#[test]
fn every_one_of_many_is_there_once() {
    let script = "i=0; while [ $i -lt 300 ]; do /bin/true; (:); i=$((i+1)); done";
    let finished = of_script(script).success();
    let programs = finished.events("program");
    let below = |has_args: bool| {
        let is = |row: &&Value| row["depth"] == 1 && row["args"].is_array() == has_args;
        programs.iter().filter(is).count()
    };
    assert_eq!((below(true), below(false)), (300, 300));
    assert!(programs.iter().all(|row| row["ended"] == "exit"));
    finished.accounts_for(601, 601);
}

#[test]
fn a_table_draws_the_lines() {
    let args = ["--", "sh", "-c", "sh -c '/bin/true; exit 2'; /bin/true"];
    let finished = tree().args(args).run().success();
    let lines = finished.lines();
    let [_, empty, header, rows @ ..] = &lines[..] else {
        panic!("{lines:?}");
    };
    assert_eq!(*empty, "");
    let at = header.find("PROGRAM").unwrap();
    let programs: Vec<_> = rows.iter().map(|row| &row[at..]).collect();
    assert_eq!(
        programs,
        [
            "sh -c \"sh -c '/bin/true; exit 2'; /bin/true\"",
            "├─ sh -c \"/bin/true; exit 2\"",
            "│  └─ /bin/true",
            "└─ /bin/true",
        ]
    );
    assert!(rows[1].contains("code 2"), "{rows:?}");
    assert_eq!(finished.stderr, "execsnoop: 4 events, 0 lost\n");
}

#[test]
fn rows_are_picked_by_their_fields() {
    let script = "sh -c '/bin/true; exit 2'; /bin/true";
    let pick = |condition: &str| {
        let tool = tree().json().args(["--where", condition]);
        let finished = tool.args(["--", "sh", "-c", script]).run().success();
        let rows = finished.events("program");
        rows.iter()
            .map(|row| row["depth"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(pick("depth == 2"), [0, 1, 2]);
    assert_eq!(pick("exit_code == 2"), [0, 1]);
    assert_eq!(pick("began == \"exec\""), [0]);
    assert!(pick("signal == 9").is_empty());

    let columns = tree().args(["--columns", "depth,ended,PROGRAM", "--no-header"]);
    let finished = columns.args(["--", "/bin/true"]).run().success();
    assert_eq!(
        finished.lines().last().copied(),
        Some("0       exit     /bin/true")
    );
}

#[test]
fn a_document_for_viewers_has_the_same() {
    let directory = scratch();
    let program = directory.path().join(OsStr::from_bytes(b"a\x1b\n\xff"));
    executable(&program, "#!/bin/sh\n");
    let tool = Tool::new("execsnoop").args(["--format", "trace-event", "--"]);
    let tool = tool
        .args(["sh", "-c", "\"$0\" two\\ words; (:)"])
        .arg(&program);
    let finished = tool.run().success();
    let document: Value = serde_json::from_slice(&finished.stdout).unwrap();
    assert_eq!(document["otherData"]["complete"], true);
    let events = document["traceEvents"].as_array().unwrap();
    let slices: Vec<_> = events.iter().filter(|event| event["ph"] == "X").collect();
    assert_eq!(slices.len(), 3, "{document}");
    assert_eq!(slices[1]["name"], "a\\x1b\\n\\xff");
    let args = slices[1]["args"]["args"].as_array().unwrap();
    assert_eq!(args.last().unwrap(), "two words");
    let end = |event: &Value| event["ts"].as_f64().unwrap() + event["dur"].as_f64().unwrap();
    assert!(slices[1..].iter().all(|slice| end(slice) <= end(slices[0])));
    let arrows = events.iter().filter(|event| event["ph"] == "s");
    assert!(arrows.clone().all(|arrow| arrow["pid"] == slices[0]["pid"]));
    assert_eq!(arrows.count(), 2);
    assert_eq!(finished.stderr, "execsnoop: 3 events, 0 lost\n");
}

#[test]
fn what_has_no_room_is_lost_and_no_end_is_made_up() {
    let tool = tree().json().args(["--tree-max", "2", "--fail-on-loss"]);
    let finished = tool.args(["--", "sh", "-c", "/bin/true; /bin/true"]).run();
    let finished = finished.ended_with(3);
    assert_eq!(finished.events("program").len(), 2);
    // A fork, an exec and an exit.
    assert_eq!(finished.summary()["lost_by"], json!({"tree_full": 3}));
    check_all(&finished);
}

#[test]
fn options_of_single_execs_are_refused() {
    for option in [
        &["-x"][..],
        &["--ppid", "1"],
        &["--count-by", "comm"],
        &["--max-events", "3"],
    ] {
        let finished = tree().args(option).args(["--", "/bin/true"]).run();
        let finished = finished.ended_with(2);
        assert!(finished.stderr.contains("--tree: -"), "{}", finished.stderr);
        assert!(finished.stderr.contains("--where"), "{}", finished.stderr);
    }
    let other = Tool::new("opensnoop")
        .args(["--format", "trace-event"])
        .run();
    assert!(
        other
            .ended_with(2)
            .stderr
            .contains("possible values: table, json, csv")
    );
}
