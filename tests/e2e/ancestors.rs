// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who is behind an event: the parent, the cgroup and on request all ancestors of its task.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::{Value, json};
use tracewell_tests::environment::program;
use tracewell_tests::{Finished, Tool, scratch};

use crate::bashreadline;
use crate::disk::Disk;
use crate::event_tools;
use crate::schema::check_all;

/// The processes above one, from its parent up to init: numbers and names, as /proc has them.
fn above(pid: u32) -> Vec<(u32, String)> {
    let parent = |pid: u32| -> u32 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let (_, behind) = stat.rsplit_once(')').unwrap();
        behind.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let mut all = Vec::new();
    let mut next = parent(pid);
    while next != 0 {
        let name = fs::read_to_string(format!("/proc/{next}/comm")).unwrap();
        all.push((next, name.trim_end_matches('\n').to_owned()));
        next = parent(next);
    }
    all
}

/// The ancestors that an event tells.
fn told(event: &Value) -> Vec<(u32, String)> {
    let names = event["ancestors"].as_array().unwrap();
    let pids = event["ancestor_pids"].as_array().unwrap();
    assert_eq!(names.len(), pids.len(), "{event}");
    let pairs = pids.iter().zip(names);
    let pair = |(pid, name): (&Value, &Value)| {
        let pid = u32::try_from(pid.as_u64().unwrap()).unwrap();
        (pid, name.as_str().unwrap().to_owned())
    };
    pairs.map(pair).collect()
}

/// Two shells, one below the other, which do something that each tool tells of, and whose processes are cat(1), rm(1), sync(1)
/// and the storm. Their arguments are the storm, and a library for it.
const SHELLS: &str = "sh -c 'exec >/dev/null 2>&1; cat /etc/hostname; : >/tmp/gone-$$; rm /tmp/gone-$$; sync /etc/hostname; \
                      \"$0\" lookup --ops 1; \"$0\" send-again --ops 1; \"$0\" readline --ops 1 --path \"$1\"; \
                      [ -z \"$2\" ] || \"$0\" read --ops 1 --path \"$2\"; true' \"$0\" \"$1\" \"$2\"; true";

/// What a tool tells of these.
fn shells(tool: &str, args: &[&str]) -> Finished {
    let folder = scratch();
    let library = bashreadline::library(folder.path());
    let mut run = Tool::new(tool).json().args(args);
    if tool == "bashreadline" {
        run = run.arg("-s").arg(&library);
    }
    let run = run.args(["--", "sh", "-c", SHELLS]);
    let disk = (tool == "biosnoop").then(Disk::new);
    let device = disk.as_ref().map(Disk::device).unwrap_or_default();
    let run = run.arg(program("storm")).arg(library).arg(device);
    run.run().success()
}

/// The events of the process that the inner shell started.
fn of_last(tool: &str, finished: &Finished) -> Vec<Value> {
    let kinds = [
        ("opensnoop", "open"),
        ("unlinksnoop", "unlink"),
        ("syncsnoop", "sync"),
        ("execsnoop", "exec"),
        ("exitsnoop", "exit"),
        ("gethostlatency", "lookup"),
        ("bashreadline", "line"),
        ("biosnoop", "request"),
        ("tcpconnlat", "connect"),
        ("tcplife", "connection"),
        ("tcpretrans", "retransmit"),
    ];
    let kind = kinds.iter().find(|(name, _)| *name == tool);
    let (_, kind) = kind.unwrap_or_else(|| panic!("say what {tool} tells of"));
    let events = finished.events(kind);
    let last =
        |event: &Value| ["cat", "rm", "sync", "storm"].contains(&event["comm"].as_str().unwrap());
    events.into_iter().filter(last).collect()
}

#[test]
fn every_ancestor_up_to_init_is_told() {
    let own = above(std::process::id());
    for tool in event_tools() {
        let finished = shells(tool, &["--ancestors"]);
        check_all(&finished);
        let events = of_last(tool, &finished);
        assert!(!events.is_empty(), "{tool}");
        for event in events {
            let told = told(&event);
            // Two shells, the tool, and this process with all that is above it.
            let [inner, outer, the_tool, rest @ ..] = &told[..] else {
                panic!("{told:?}");
            };
            assert_eq!(
                (inner.1.as_str(), outer.1.as_str()),
                ("sh", "sh"),
                "{told:?}"
            );
            assert_eq!(the_tool.1, tool);
            assert_eq!(rest[0].0, std::process::id(), "{told:?}");
            // Whoever is above may have been given another name meanwhile.
            let pids = |all: &[(u32, String)]| all.iter().map(|(pid, _)| *pid).collect::<Vec<_>>();
            assert_eq!(pids(&rest[1..]), pids(&own), "{told:?}");
            assert_eq!(
                (&event["ppid"], &event["pcomm"]),
                (&json!(inner.0), &json!("sh"))
            );
        }
    }
}

#[test]
fn the_parent_and_the_cgroup_are_told_without_them() {
    let below = fs::read_to_string("/proc/self/cgroup").unwrap();
    let below = below
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .map(str::to_owned);
    for tool in event_tools() {
        for buffer in ["ring", "perf"] {
            let finished = shells(tool, &["--buffer", buffer]);
            for event in of_last(tool, &finished) {
                assert_eq!(event["pcomm"], "sh", "{event}");
                assert!(event["ppid"].as_u64() > Some(1), "{event}");
                assert_eq!(
                    (&event["ancestors"], &event["ancestor_pids"]),
                    (&Value::Null, &Value::Null)
                );
                let id = event["cgroup_id"].as_u64().unwrap();
                if let Some(below) = &below
                    && let Ok(directory) =
                        fs::metadata(crate::cgroups::mount().join(below.trim_start_matches('/')))
                {
                    assert_eq!(id, directory.ino(), "{event}");
                }
            }
        }
    }
}

#[test]
fn a_name_in_another_option_asks_for_them() {
    let finished = shells(
        "opensnoop",
        &[
            "--where",
            "ancestors has 'sh' && path == '/etc/hostname' && comm == 'cat'",
        ],
    );
    assert_eq!(finished.events("open").len(), 1);
    let pid = std::process::id().to_string();
    let below = format!("ancestor_pids has {pid} && pcomm == 'sh'");
    let finished = shells("execsnoop", &["--where", &below]);
    let execs = finished.events("exec");
    assert!(
        !execs.is_empty() && execs.iter().all(|exec| exec["pcomm"] == "sh"),
        "{execs:?}"
    );
    let finished = shells("opensnoop", &["--where", "ancestor_pids has 4194303"]);
    assert_eq!(finished.events("open").len(), 0);
    let counted = shells(
        "opensnoop",
        &["--count-by", "pcomm,cgroup_id", "--path", "/etc/hostname"],
    );
    let rows = counted.events("count");
    assert_eq!((rows.len(), &rows[0]["by"]["pcomm"]), (1, &json!("sh")));
}

#[test]
fn an_orphan_has_who_took_it_in() {
    // The inner shell ends at once; its child waits until that has happened.
    let inner = "parent=$$; (while kill -0 $parent 2>/dev/null; do sleep 0.01; done; cat /etc/hostname >/dev/null) &";
    let tool = Tool::new("opensnoop").json();
    let tool = tool.args(["--ancestors", "--wait-all", "--path", "/etc/hostname"]);
    let finished = tool.args(["--", "sh", "-c", inner]).run().success();
    let events = finished.events("open");
    assert_eq!(events.len(), 1, "{}", finished.stderr);
    let told = told(&events[0]);
    assert_eq!(events[0]["ppid"], json!(told[0].0));
    // Of its family only the shell between is left: whoever took that in comes above it, and not the tool.
    assert!(
        !told.iter().any(|(_, name)| name == "opensnoop"),
        "{told:?}"
    );
    assert_eq!(told.last().unwrap().0, 1, "{told:?}");
}

#[test]
fn a_table_shows_them_behind_all_others() {
    let tool = Tool::new("opensnoop").args(["--ancestors", "--path", "/etc/hostname"]);
    let finished = tool.args(["--", "sh", "-c", SHELLS]).run().success();
    let lines = finished.lines();
    assert!(lines[0].ends_with(" ANCESTORS"), "{lines:?}");
    let (_, shown) = lines[1].rsplit_once(' ').unwrap();
    let parts: Vec<_> = shown.split('<').collect();
    assert!(
        parts[0].starts_with("sh:") && parts[1].starts_with("sh:"),
        "{lines:?}"
    );
    assert!(parts[2].starts_with("opensnoop:") && parts.last().unwrap().ends_with(":1"));
}

#[test]
fn more_than_there_is_room_for_are_the_nearest() {
    let mut script = "cat /etc/hostname >/dev/null; true".to_owned();
    let place = tracewell_tests::scratch();
    for depth in 0..40 {
        let file = place.path().join(format!("{depth}.sh"));
        fs::write(&file, &script).unwrap();
        script = format!("sh {}; true", file.display());
    }
    let tool = Tool::new("opensnoop")
        .json()
        .args(["--ancestors", "--path", "/etc/hostname"]);
    let finished = tool.args(["--", "sh", "-c", &script]).run().success();
    let events = finished.events("open");
    let told = told(&events[0]);
    assert_eq!(told.len(), 32);
    assert!(told.iter().all(|(_, name)| name == "sh"), "{told:?}");
}
