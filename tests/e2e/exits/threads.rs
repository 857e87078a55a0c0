// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processes of several threads end with the last one of them, and are told of once.

use std::collections::HashMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::sync::{Arc, Barrier};
use std::thread;

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};
use serde_json::{Value, json};
use tracewell_tests::{Actor, Tool, actor};

use super::{end, number, only};
use crate::execs::TRUE;
use crate::kernel::on_each_rung;
use crate::storms::scaled;
use crate::sys::{self, c};

/// Ends this thread alone, as far as the kernel is concerned.
fn end_thread(code: i32) {
    // SAFETY: it takes a number. What the thread has is not used any more: the process ends soon, or goes on without.
    unsafe { libc::syscall(libc::SYS_exit, code) };
}

/// Waits until another thread has ended: it is a zombie as long as there are others, if it was the first.
fn until_zombie(thread: Pid) {
    let state = || fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
    while !state().contains(") Z ") {
        thread::yield_now();
    }
}

// Its argument: who ends the process. The first thread has ended before, with a code of its own.
actor!(ends_after_its_first_thread, |stage| {
    let how = stage.text(0).to_owned();
    let first = Pid::this();
    sys::set_comm(b"first");
    thread::spawn(move || {
        sys::set_comm(b"second");
        until_zombie(first);
        match &how[..] {
            "exit_group" => end(5),
            "kill" => kill(first, Signal::SIGTERM).unwrap(),
            _ => end_thread(6),
        }
        loop {
            thread::park();
        }
    });
    end_thread(4);
});

#[test]
fn a_process_ends_with_its_last_thread() {
    on_each_rung("exitsnoop", &[], |rung| {
        for how in ["exit_group", "kill", "alone"] {
            let actor = Actor::new("ends_after_its_first_thread").arg(how).start();
            let pid = actor.pid();
            let tool = Tool::new("exitsnoop")
                .json()
                .args(["--probe", rung, "--pid", &pid.to_string()])
                .start();
            actor.go();
            let (status, _) = actor.end();
            let event = only(&tool.finish().success());
            // As its parent hears of it: whose code counts of threads that end alone differs between kernels.
            assert_eq!(event["signal"], json!(status.signal()), "{rung} {how}");
            assert_eq!(event["exit_code"], json!(status.code()), "{rung} {how}");
            assert_eq!(
                (&event["tid"], &event["comm"]),
                (&json!(pid), &json!("first"))
            );
            assert!(number(&event, "peak_rss_bytes") > 100_000, "{event}");
        }
    });
}

const THREADS: usize = 6;

actor!(ends_with_threads, |_| {
    let all = Arc::new(Barrier::new(THREADS + 1));
    for number in 0..THREADS {
        let all = Arc::clone(&all);
        thread::spawn(move || {
            sys::set_comm(format!("thread-{number}").as_bytes());
            all.wait();
            end_thread(i32::try_from(number).unwrap());
        });
    }
    all.wait();
    // Who ends all at once ends them before they have said their codes. Not by the directory of threads: a listing of it stops
    // at one that ends meanwhile.
    let alone = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        status.lines().any(|line| line == "Threads:\t1")
    };
    while !alone() {
        thread::yield_now();
    }
    end(0);
});

/// Checks that each of the threads was told of once, and the process's first one.
fn check_threads(events: &[Value], pid: u32) {
    for number in 0..THREADS {
        let name = format!("thread-{number}");
        let named: Vec<_> = events
            .iter()
            .filter(|event| event["comm"] == *name)
            .collect();
        assert_eq!(named.len(), 1, "{events:#?}");
        let event = named[0];
        assert_eq!(
            (&event["pid"], &event["thread"], &event["exit_code"]),
            (&json!(pid), &json!(true), &json!(number))
        );
        assert!(event["peak_rss_bytes"].is_null());
        assert!(event["user_ns"].is_u64());
        assert_ne!(event["tid"], pid);
    }
    let of_first = events.iter().filter(|event| event["tid"] == pid).count();
    assert_eq!(of_first, 1, "{events:#?}");
    assert_eq!(events.len(), THREADS + 1, "{events:#?}");
}

#[test]
fn every_thread_is_told_where_these_are_asked_for() {
    for option in ["-T", "--threaded", "--per-thread"] {
        let actor = Actor::new("ends_with_threads").start();
        let pid = actor.pid();
        let tool = Tool::new("exitsnoop")
            .json()
            .args(["--pid", &pid.to_string(), option])
            .start();
        actor.go();
        drop(actor.end());
        check_threads(&tool.finish().success().events("exit"), pid);
    }
}

#[test]
fn a_thread_that_is_asked_for_is_told() {
    let actor = Actor::new("ends_with_threads").start();
    let tid = actor.pid().to_string();
    let tool = Tool::new("exitsnoop").json().args(["--tid", &tid]).start();
    actor.go();
    drop(actor.end());
    let event = only(&tool.finish().success());
    assert_eq!(
        (&event["thread"], event["tid"].to_string()),
        (&json!(true), tid)
    );
}

/// Threads that are on their way to the end at the same time, again and again.
const TIMES: u64 = 300;

// Its argument: how the threads end.
actor!(ends_all_at_once, |stage| {
    let together = stage.text(0) == "exit_group";
    for _ in 0..scaled(TIMES) {
        // SAFETY: the child makes threads that end, and nothing else.
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                let all = Arc::new(Barrier::new(THREADS));
                let last = move |all: &Barrier| {
                    all.wait();
                    if together {
                        end(3);
                    }
                    end_thread(0);
                };
                for _ in 1..THREADS {
                    let all = Arc::clone(&all);
                    thread::spawn(move || last(&all));
                }
                last(&all);
            }
            ForkResult::Parent { child } => {
                waitpid(child, None).unwrap();
            }
        }
    }
});

#[test]
fn threads_that_end_at_once_are_one_end_of_their_process() {
    on_each_rung("exitsnoop", &[], |rung| {
        for (how, code) in [("exit_group", 3), ("alone", 0)] {
            let actor = Actor::new("ends_all_at_once").arg(how).start();
            let ppid = actor.pid().to_string();
            let tool = Tool::new("exitsnoop")
                .json()
                .args(["--probe", rung, "-P", &ppid])
                .start();
            actor.go();
            assert_eq!(actor.finish(), "");
            let finished = tool.finish().success();
            let mut seen: HashMap<u64, u32> = HashMap::new();
            for event in finished.events("exit") {
                *seen.entry(number(&event, "pid")).or_default() += 1;
                assert_eq!(event["exit_code"], code, "{event}");
                assert!(number(&event, "peak_rss_bytes") > 100_000, "{event}");
            }
            assert!(
                seen.values().all(|times| *times == 1),
                "{rung} {how}: some came twice: {seen:?}"
            );
            finished.adds_up(seen.len() as u64, scaled(TIMES));
        }
    });
}

#[test]
fn threads_of_a_command_are_told_whichever_is_the_last() {
    let line = format!(
        "TRACEWELL_ACTOR=ends_all_at_once /proc/{}/exe $0 </dev/stdin",
        std::process::id()
    );
    for how in ["exit_group", "alone"] {
        let mut tool = Tool::new("exitsnoop")
            .json()
            .args(["-T", "--", "/bin/sh", "-c", &line, how]);
        // What has the actor go.
        let (read, write) = std::io::pipe().unwrap();
        tool.command().stdin(read);
        let running = tool.launch();
        std::io::Write::write_all(&mut &write, b"\n").unwrap();
        let finished = running.wait().success();
        let of_children = |event: &&Value| event["pcomm"] != "sh" && event["pcomm"] != "tracewell";
        let events = finished.events("exit");
        let threads = events.iter().filter(of_children);
        let mut seen: HashMap<(u64, u64), u32> = HashMap::new();
        for event in threads {
            let of = (number(event, "pid"), number(event, "tid"));
            *seen.entry(of).or_default() += 1;
        }
        assert!(seen.values().all(|times| *times == 1), "{how}: {seen:?}");
        let made = scaled(TIMES) as usize * THREADS;
        assert!(seen.len() >= made, "{how}: {} of {made}", seen.len());
    }
}

actor!(execs_by_another_thread, |_| {
    let first = Pid::this();
    sys::set_comm(b"first");
    thread::spawn(|| {
        loop {
            thread::park();
        }
    });
    thread::spawn(move || {
        until_zombie(first);
        panic!("{}", sys::execve(&c(TRUE), &[c("true")]));
    });
    end_thread(4);
});

#[test]
fn an_exec_by_another_thread_ends_no_process() {
    let run = |args: &[&str]| {
        let actor = Actor::new("execs_by_another_thread").start();
        let pid = actor.pid();
        let tool = Tool::new("exitsnoop")
            .json()
            .args(["--pid", &pid.to_string()])
            .args(args)
            .start();
        actor.go();
        drop(actor.end());
        (pid, tool.finish().success())
    };
    let (pid, finished) = run(&[]);
    let event = only(&finished);
    assert_eq!(event["tid"], pid);
    assert_ne!(event["comm"], "first");
    assert_eq!(event["exit_code"], 0);
    assert!(
        number(&event, "exec_age_ns") < number(&event, "age_ns"),
        "{event}"
    );

    let (pid, finished) = run(&["-T"]);
    let events = finished.events("exit");
    // The first one and the idle one; that which made the exec has the first one's number by then.
    assert_eq!(events.len(), 3, "{events:#?}");
    let first = events
        .iter()
        .find(|event| event["comm"] == "first")
        .unwrap();
    assert_eq!(
        (&first["tid"], &first["exit_code"]),
        (&json!(pid), &json!(4))
    );
    assert_eq!(events[2]["tid"], pid);
}
