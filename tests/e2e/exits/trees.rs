// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parents, children and namespaces: whose end it is, and that none is missing.

use std::collections::HashSet;
use std::fs;
use std::process;
use std::thread::scope;

use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getppid, pause};
use serde_json::json;
use tracewell_tests::{Actor, Tool, actor};

use super::{child, end, number, only};
use crate::storms::{scaled, turn};

#[test]
fn a_command_and_what_it_starts_are_told_to_their_end() {
    let line = "(exit 3); /bin/sh -c 'kill -9 $$'; exit 4";
    let finished = Tool::new("exitsnoop")
        .json()
        .args(["--", "/bin/sh", "-c", line])
        .run()
        .ended_with(4);
    let events = finished.events("exit");
    let endings: Vec<_> = events
        .iter()
        .map(|event| (event["exit_code"].clone(), event["signal"].clone()))
        .collect();
    let code = |code: u8| (json!(code), json!(null));
    assert_eq!(endings, [code(3), (json!(null), json!(9)), code(4)]);
    // The last one's exec was seen, and so was that of the one before; the first made none.
    assert!(events[0]["exec_age_ns"].is_null());
    for event in &events[1..] {
        assert!(
            number(event, "exec_age_ns") <= number(event, "age_ns"),
            "{event}"
        );
    }
}

#[test]
fn all_that_a_command_leaves_behind_can_be_waited_for() {
    let finished = Tool::new("exitsnoop")
        .json()
        .args([
            "--wait-all",
            "--",
            "/bin/sh",
            "-c",
            "(sleep 0.2; exit 9) & exit 2",
        ])
        .run()
        .ended_with(2);
    let events = finished.events("exit");
    let codes: Vec<_> = events
        .iter()
        .map(|event| event["exit_code"].clone())
        .collect();
    assert_eq!(codes, [json!(2), json!(0), json!(9)]);
}

actor!(leaves_an_orphan, |stage| {
    let parent = process::id();
    let orphan = child(|| {
        while getppid().as_raw() == parent.cast_signed() {
            std::thread::yield_now();
        }
    });
    stage.say(orphan.to_string());
    end(0);
});

#[test]
fn an_orphan_is_whose_it_has_become() {
    let mut actor = Actor::new("leaves_an_orphan").start();
    let parent = actor.pid();
    let tool = Tool::new("exitsnoop").json().start();
    actor.go();
    let orphan: u32 = actor.hear().parse().unwrap();
    drop(actor.end());
    let event = tool.object(|object| object["event"] == "exit" && object["pid"] == orphan);
    assert_ne!(event["ppid"], parent);
    // Whoever takes orphans in here.
    let adopter = fs::read_to_string(format!("/proc/{}/comm", number(&event, "ppid"))).unwrap();
    assert_eq!(event["pcomm"], adopter.trim_end());
    drop(tool.finish());
}

actor!(has_a_child_that_is_traced, |stage| {
    let child = child(|| {
        pause();
    });
    stage.say(child.to_string());
    waitpid(child, None).unwrap();
});

#[test]
fn a_tracer_is_no_parent() {
    let mut actor = Actor::new("has_a_child_that_is_traced").start();
    actor.go();
    let child: i32 = actor.hear().parse().unwrap();
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: it is told a number, and reads no memory.
    let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, child, none, none) };
    assert_eq!(seized, 0);
    let tool = Tool::new("exitsnoop")
        .json()
        .args(["--pid", &child.to_string()])
        .start();
    nix::sys::signal::kill(Pid::from_raw(child), nix::sys::signal::SIGKILL).unwrap();
    // Before its parent hears of it, who traces it has to.
    waitpid(Pid::from_raw(child), None).unwrap();
    assert_eq!(actor.pid(), {
        let event = only(&tool.finish().success());
        assert_eq!(event["signal"], 9);
        number(&event, "ppid") as u32
    });
    assert_eq!(actor.finish(), "");
}

actor!(makes_a_namespace, |stage| {
    unshare(CloneFlags::CLONE_NEWPID).unwrap();
    // The namespace's first process, whose end is everybody's there.
    let first = child(|| {
        for _ in 0..3 {
            child(|| {
                loop {
                    pause();
                }
            });
        }
        end(7)
    });
    waitpid(first, None).unwrap();
    stage.say(first.to_string());
});

#[test]
fn numbers_are_those_of_the_initial_namespace() {
    let actor = Actor::new("makes_a_namespace").start();
    let parent = actor.pid();
    let tool = Tool::new("exitsnoop").json().start();
    actor.go();
    let first: u32 = actor.finish().trim_end().parse().unwrap();
    let events = tool.finish().success().events("exit");
    let of = |event: &&serde_json::Value| event["ppid"] == first;
    let killed: Vec<_> = events.iter().filter(of).collect();
    assert_eq!(killed.len(), 3, "{events:#?}");
    assert!(
        killed.iter().all(|event| event["signal"] == 9),
        "{killed:#?}"
    );
    let pids: HashSet<_> = killed.iter().map(|event| number(event, "pid")).collect();
    assert_eq!(pids.len(), 3);
    let of_first = events.iter().find(|event| event["pid"] == first).unwrap();
    assert_eq!(
        (&of_first["ppid"], &of_first["exit_code"]),
        (&json!(parent), &json!(7))
    );
}

/// How many processes are made, by how many threads.
const MADE: u64 = 100_000;
const MAKERS: u64 = 8;

actor!(makes_many, |stage| {
    scope(|scope| {
        for _ in 0..MAKERS {
            scope.spawn(|| {
                for _ in 0..scaled(MADE) / MAKERS {
                    waitpid(child(|| {}), None).unwrap();
                }
            });
        }
    });
    stage.say("done");
});

#[test]
fn of_a_hundred_thousand_none_is_missing() {
    let _turn = turn();
    let actor = Actor::new("makes_many").start();
    let ppid = actor.pid().to_string();
    let tool = Tool::new("exitsnoop").json().args(["-P", &ppid]).start();
    actor.go();
    assert_eq!(actor.finish(), "done\n");
    let finished = tool.finish().success();
    let events = finished.events("exit").len();
    finished.adds_up(events as u64, scaled(MADE));
}
