// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--pid PID --children`: processes that run, with all that descend from them, and nothing else.

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use tracewell_tests::{Finished, Tool, scratch};

use crate::event_tools;

/// A shell that waits for lines, with a child that does the same below it; each line makes it open this file.
struct Family {
    shell: Child,
    lines: Option<ChildStdin>,
}

/// The child's child opens the file for each line, in a process of its own; the shell itself, for the last one.
fn family(file: &Path) -> Family {
    let script = format!(
        "sh -c 'echo up; while read line; do (cat <{0}); done'; cat <{0}; exit 0",
        file.display()
    );
    let mut shell = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The inner shell is there.
    let mut up = [0; 3];
    std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut up).unwrap();
    let lines = shell.stdin.take();
    Family { shell, lines }
}

impl Family {
    fn id(&self) -> String {
        self.shell.id().to_string()
    }

    /// Has it work, and end.
    fn end(&mut self, lines: usize) {
        let mut stdin = self.lines.take().unwrap();
        stdin.write_all(&b"\n".repeat(lines)).unwrap();
        drop(stdin);
    }
}

fn opens_of(finished: &Finished, path: &Path) -> usize {
    let opens = finished.events("open");
    let is = |open: &&serde_json::Value| open["path"] == path.to_str().unwrap();
    opens.iter().filter(is).count()
}

#[test]
fn who_runs_already_and_who_comes_are_traced() {
    let directory = scratch();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut family = family(&file);
    let mut other = self::family(&file);
    let tool = Tool::new("opensnoop").json();
    let run = tool.args(["-p", &family.id(), "--children"]).start();
    other.end(3);
    other.shell.wait().unwrap();
    family.end(20);
    let finished = run.wait().success();
    family.shell.wait().unwrap();
    assert_eq!(opens_of(&finished, &file), 21);
    assert!(
        finished
            .stderr
            .contains(&format!("process {} (--pid) has ended", family.id()))
    );
    assert!(!finished.stderr.contains("still"), "{}", finished.stderr);
    assert_eq!(finished.summary()["account"], "exact");
}

#[test]
fn every_tool_of_events_takes_it() {
    let directory = scratch();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for tool in event_tools() {
        let mut family = family(&file);
        let run = Tool::new(tool)
            .json()
            .args(["--pid", &family.id(), "--children"])
            .start();
        family.end(2);
        let finished = run.wait().success();
        family.shell.wait().unwrap();
        let ids: std::collections::BTreeSet<_> = finished
            .objects()
            .iter()
            .filter_map(|object| object["pid"].as_u64())
            .collect();
        // Two subshells that cat(1) replaces, or runs below; the inner shell; the shell; whatever the tool tells of.
        match tool {
            "execsnoop" => assert!(ids.len() >= 3, "{ids:?}"),
            "exitsnoop" => assert!(ids.len() >= 5, "{ids:?}"),
            "opensnoop" => assert!(ids.len() >= 3, "{ids:?}"),
            // Nothing of theirs happened.
            "unlinksnoop" | "syncsnoop" | "gethostlatency" | "bashreadline" | "tcpconnlat"
            | "tcplife" | "tcpretrans" => {
                assert!(ids.is_empty(), "{ids:?}")
            }
            // What they read is in memory, unless that was short of it.
            "biosnoop" => {}
            other => panic!("say what {other} tells of"),
        }
    }
}

#[test]
fn its_descendants_may_be_waited_for() {
    let directory = scratch();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for (options, opens) in [(&[][..], 0), (&["--wait-all"], 1)] {
        let script = format!("sh -c 'read line; cat <{}' <&3 & read line", file.display());
        let (reader, mut late) = std::io::pipe().unwrap();
        let mut shell = Command::new("sh");
        // Its child reads from another pipe than it does.
        shell.args(["-c", &format!("exec 3<&1; {script}")]);
        let shell = shell.stdin(Stdio::piped()).stdout(reader).spawn();
        let mut shell = shell.unwrap();
        while child_of(shell.id()).is_none() {}
        let child = child_of(shell.id()).unwrap();
        let tool = Tool::new("opensnoop").json().args(options);
        let run = tool
            .args(["--pid", &shell.id().to_string(), "--children"])
            .start();
        drop(shell.stdin.take());
        shell.wait().unwrap();
        let finished = if options.is_empty() {
            let finished = run.wait().success();
            let says =
                "what --pid names has ended, and 1 of its descendants still runs; --wait-all";
            assert!(finished.stderr.contains(says), "{}", finished.stderr);
            late.write_all(b"\n").unwrap();
            finished
        } else {
            late.write_all(b"\n").unwrap();
            let finished = run.wait().success();
            assert!(
                !finished.stderr.contains("descendants"),
                "{}",
                finished.stderr
            );
            finished
        };
        assert_eq!(opens_of(&finished, &file), opens, "of {child}");
    }
}

/// A child of a process.
fn child_of(pid: u32) -> Option<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(path).unwrap();
    children.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_tree_begins_with_who_was_there() {
    let directory = scratch();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut family = family(&file);
    let tool = Tool::new("execsnoop").json().args(["--tree", "--children"]);
    let run = tool.args(["-p", &family.id()]).start();
    family.end(1);
    let finished = run.wait().success();
    family.shell.wait().unwrap();
    let programs = finished.events("program");
    let shape = |row: &serde_json::Value| {
        (
            row["depth"].as_u64().unwrap(),
            row["began"].as_str().unwrap().to_owned(),
        )
    };
    let shapes: Vec<_> = programs.iter().map(shape).collect();
    let before = shapes.iter().filter(|(_, began)| began == "before");
    assert_eq!(before.count(), 2, "the two shells: {programs:?}");
    assert_eq!(shapes[0], (0, "before".into()));
    assert_eq!(shapes[1], (1, "before".into()));
    assert!(shapes[2..].iter().any(|(_, began)| began == "fork"));
    assert!(programs.iter().all(|row| row["ended"] != "unknown"));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (args, says) in [
        (&["--children"][..], "--pid <PID>"),
        (
            &["--children", "--pid", "!1"],
            "name the processes to trace",
        ),
    ] {
        let finished = Tool::new("opensnoop").args(args).run().ended_with(2);
        assert!(finished.stderr.contains(says), "{}", finished.stderr);
    }
}
