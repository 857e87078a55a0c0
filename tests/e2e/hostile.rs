// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processes that are over before they can be looked up, change what they are called, or have the number of another:
//! each event is of who made it.

use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::spawn;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork, gettid};
use serde_json::Value;
use tracewell_tests::environment::{self, program};
use tracewell_tests::{Actor, Finished, Running, Stage, Tool, actor, patience, scratch, until};

use crate::storms::{scaled, turn, unique_uid};
use crate::sys::{self, AT_FDCWD, c};

/// A name that nobody else looks for, with a number in it.
fn absent(number: usize) -> CString {
    c(format!("/nonexistent/hostile/{number}"))
}

/// Fails to open the name with this number, without a library in between.
fn open(number: usize) {
    sys::openat(AT_FDCWD, &absent(number), libc::O_RDONLY, 0).unwrap_err();
}

/// The event of each number; none comes twice.
fn numbered(finished: &Finished) -> HashMap<usize, Value> {
    let mut events = HashMap::new();
    for event in finished.events("open") {
        let path = event["path"].as_str().unwrap_or_default();
        if let Some(number) = path.strip_prefix("/nonexistent/hostile/") {
            let twice = events.insert(number.parse().unwrap(), event);
            assert!(twice.is_none(), "{twice:?} came twice");
        }
    }
    events
}

actor!(renames_itself, |stage| {
    let times = stage.text(0).parse().unwrap();
    for number in 0..times {
        sys::set_comm(format!("name {number}\n").as_bytes());
        open(number);
    }
});

#[test]
fn a_process_is_called_as_it_was_then() {
    let times = 300;
    let actor = Actor::new("renames_itself").arg(times.to_string()).start();
    let pid = actor.pid();
    let tool = Tool::new("opensnoop")
        .json()
        .args(["--pid", &pid.to_string()])
        .start();
    // When it is looked at, it has long had its last name, and is gone.
    tool.stop();
    actor.go();
    actor.finish();
    tool.signal(Signal::SIGCONT);
    let events = numbered(&tool.finish().success());
    assert_eq!(events.len(), times);
    for (number, event) in events {
        assert_eq!(event["comm"], format!("name {number}\n"));
        assert_eq!(event["pid"], pid);
    }
}

// Its arguments: a user, and how many children, each of which is gone at once.
actor!(has_short_lived_children, |stage| {
    sys::become_user(stage.text(0).parse().unwrap());
    let mut pids = Vec::new();
    for number in 0..stage.text(1).parse().unwrap() {
        let path = absent(number);
        // SAFETY: there is one thread only, and the child makes two system calls.
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                drop(sys::openat(AT_FDCWD, &path, libc::O_RDONLY, 0));
                // SAFETY: nothing of the parent's is to be cleaned up here.
                unsafe { libc::_exit(0) };
            }
            ForkResult::Parent { child } => {
                waitpid(child, None).unwrap();
                pids.push(child.to_string());
            }
        }
    }
    stage.say(pids.join(" "));
});

#[test]
fn processes_that_are_gone_are_told_of() {
    let _turn = turn();
    let (uid, children) = (unique_uid().to_string(), scaled(3_000) as usize);
    let mut actor = Actor::new("has_short_lived_children")
        .arg(&uid)
        .arg(children.to_string())
        .start();
    let tool = Tool::new("opensnoop").json().args(["--uid", &uid]).start();
    tool.stop();
    actor.go();
    let pids = actor.hear();
    actor.finish();
    tool.signal(Signal::SIGCONT);
    let finished = tool.finish().success();
    let events = numbered(&finished);
    finished.accounts_for(events.len(), children);
    for (number, pid) in pids.split(' ').enumerate() {
        if let Some(event) = events.get(&number) {
            assert_eq!(event["pid"].to_string(), pid, "{event}");
            assert_eq!(event["tid"], event["pid"]);
        }
    }
}

/// Threads that live for one open, some at a time; says the number of each.
fn short_lived_threads(stage: &mut Stage) {
    let count: usize = stage.text(0).parse().unwrap();
    let mut tids = Vec::new();
    for first in (0..count).step_by(8) {
        let threads: Vec<_> = (first..count.min(first + 8))
            .map(|number| {
                spawn(move || {
                    open(number);
                    gettid().to_string()
                })
            })
            .collect();
        tids.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
    }
    stage.say(tids.join(" "));
    // The tool ends with this process.
    stage.wait();
}

actor!(has_short_lived_threads, short_lived_threads);

/// Own memory of a tool, in KiB.
pub(crate) fn own_kib(tool: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", tool.pid())).unwrap();
    let anon = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let anon = anon.and_then(|rest| rest.split_whitespace().next());
    anon.unwrap().parse().unwrap()
}

/// So many threads, under a tool with these options: each is told of, as itself, and the tool does not grow.
pub(crate) fn many_threads(count: usize, options: &[&str]) {
    let mut actor = Actor::new("has_short_lived_threads")
        .arg(count.to_string())
        .start();
    let pid = actor.pid();
    let tool = Tool::new("opensnoop")
        .json()
        .args(["--pid", &pid.to_string()])
        .args(options)
        .start();
    // Its buffers have their size after a full one.
    let before = own_kib(&tool);
    actor.go();
    let tids = actor.hear();
    let after = own_kib(&tool);
    actor.go();
    actor.finish();
    let finished = tool.finish().success();
    assert!(
        after < before + 4096,
        "{options:?}: from {before} KiB to {after}"
    );
    let events = numbered(&finished);
    let summary = finished.summary();
    let lost = |what: &Value| what.as_u64().unwrap_or(0) as usize;
    let refused = lost(&summary["lost_at_most"]);
    let told = events.len() + lost(&summary["lost"]);
    // Of what is lost, some may be what the C library opens.
    let library = finished.events("open").len() - events.len();
    assert!(told + refused >= count, "{summary}");
    assert!(
        told <= count || library > 0 || lost(&summary["lost"]) > 0,
        "{summary}"
    );
    for (number, tid) in tids.split(' ').enumerate() {
        if let Some(event) = events.get(&number) {
            assert_eq!(event["tid"].to_string(), tid, "{event}");
            assert_eq!(event["pid"], pid);
        }
    }
}

#[test]
fn threads_that_are_gone_are_told_of() {
    let _turn = turn();
    for options in [&[][..], &["-F"], &["-c"]] {
        many_threads(scaled(4_000) as usize, options);
    }
}

// Its argument: a directory. It is root of nothing but its own namespaces, and its child is the first process there.
actor!(opens_in_a_container, |stage| {
    let directory = Path::new(stage.arg(0)).to_owned();
    let namespaces = libc::CLONE_NEWUSER | libc::CLONE_NEWPID | libc::CLONE_NEWNS;
    // SAFETY: no pointer is passed.
    let result = unsafe { libc::unshare(namespaces) };
    if result != 0 {
        stage.say("refused");
        return;
    }
    let map = |file: &str, text: &str| fs::write(format!("/proc/self/{file}"), text).unwrap();
    map("setgroups", "deny");
    map("uid_map", "0 0 1");
    let path = c(directory.join("inside"));
    // SAFETY: there is one thread only, and the child makes three system calls.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            // SAFETY: no pointer is passed.
            let first = unsafe { libc::getpid() } == 1;
            drop(sys::openat(AT_FDCWD, &path, libc::O_RDONLY, 0));
            _ = sys::unlinkat(AT_FDCWD, &path, 0);
            sys::execve(&path, std::slice::from_ref(&path));
            // SAFETY: nothing of the parent's is to be cleaned up here.
            unsafe { libc::_exit(i32::from(!first)) };
        }
        ForkResult::Parent { child } => {
            waitpid(child, None).unwrap();
            stage.say(child.to_string());
        }
    }
});

/// Numbers are those of the initial namespaces, whatever a process takes itself for.
#[test]
fn a_container_has_the_numbers_of_the_host() {
    for (tool, option) in [
        ("opensnoop", "-x"),
        ("unlinksnoop", "-x"),
        ("execsnoop", "-x"),
    ] {
        let scratch = scratch();
        let path = scratch.path().join("inside");
        let mut actor = Actor::new("opens_in_a_container")
            .arg(scratch.path())
            .start();
        let tool = Tool::new(tool).json().arg(option).start();
        actor.go();
        let said = actor.hear();
        actor.finish();
        let finished = tool.finish().success();
        if said == "refused" {
            tracewell_tests::note("this kernel gives no user namespaces");
            return;
        }
        let inside = |event: &&Value| {
            let name = event["path"].as_str().or(event["filename"].as_str());
            name == path.to_str()
        };
        let objects = finished.objects();
        let events: Vec<_> = objects.iter().filter(inside).collect();
        let lost = finished.summary()["lost"].as_u64().unwrap();
        assert!(events.len() == 1 || lost > 0, "{objects:#?}");
        for event in events {
            assert_eq!(event["pid"].to_string(), said, "{event}");
            assert_eq!(event["uid"], 0, "{event}");
        }
    }
}

/// The process number that the kernel gives next is the one after this.
fn set_last_pid(pid: u32) {
    fs::write("/proc/sys/kernel/ns_last_pid", pid.to_string()).unwrap();
}

/// Starts an actor that has this process number.
fn actor_with_pid(pid: u32, name: &str) -> tracewell_tests::Playing {
    let until = Instant::now() + patience();
    loop {
        set_last_pid(pid - 1);
        let actor = Actor::new(name).arg("1").start();
        if actor.pid() == pid {
            return actor;
        }
        // Somebody else was given it: until that one has ended.
        assert!(Instant::now() < until, "nobody lets {pid} go");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Someone who is given the number of a descendant that is gone is no descendant.
#[test]
fn who_has_a_number_that_was_followed_is_not() {
    let scratch = scratch();
    let (numbers, over) = (scratch.path().join("numbers"), scratch.path().join("over"));
    // A child ends before its number is told; the command waits on.
    let text = format!(
        "/bin/sh -c 'echo $$ > {0}.new'; mv {0}.new {0}; while ! [ -e {1} ]; do /bin/sleep 0.05; done",
        numbers.display(),
        over.display()
    );
    for tool in ["opensnoop", "execsnoop"] {
        let (mut args, kind) = (vec![], if tool == "opensnoop" { "open" } else { "exec" });
        if tool == "execsnoop" {
            args.push("-x");
        }
        let running = Tool::new(tool)
            .json()
            .args(args)
            .args(["--", "/bin/sh", "-c", &text]);
        let running = running.launch();
        until(|| numbers.exists());
        let pid: u32 = fs::read_to_string(&numbers)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let other = actor_with_pid(pid, "renames_itself");
        other.go();
        other.finish();
        // And one that is a stranger in any case.
        assert!(Command::new("/bin/true").status().unwrap().success());
        fs::write(&over, "").unwrap();
        let finished = running.wait().success();
        let strangers = finished.events(kind).into_iter().filter(|event| {
            let name = event["path"].as_str().or(event["filename"].as_str());
            event["comm"] == "name 0\n"
                || name.is_some_and(|name| name.starts_with("/nonexistent/hostile"))
        });
        assert_eq!(strangers.count(), 0, "{tool}: {pid} was given to another");
        fs::remove_file(&numbers).unwrap();
        fs::remove_file(&over).unwrap();
    }
}

// Its arguments: a tool and its options. That is the first process of a pid namespace, and its command the second.
actor!(runs_in_a_pid_namespace, |stage| {
    // SAFETY: no pointer is passed.
    Errno::result(unsafe { libc::unshare(libc::CLONE_NEWPID) }).unwrap();
    let args: Vec<_> = std::env::args_os().skip(2).collect();
    let status = Command::new(stage.arg(0)).args(args).status().unwrap();
    stage.say(
        status
            .code()
            .map_or("killed".to_owned(), |code| code.to_string()),
    );
});

/// In a pid namespace of its own, a tool still finds its command, and itself: by numbers that it is not told there.
#[test]
fn a_tool_in_a_container_follows_its_command() {
    let scratch = scratch();
    let (marker, out) = (scratch.path().join("marker"), scratch.path().join("out"));
    fs::write(&marker, "").unwrap();
    // Its own name, as other tools run at the same time.
    let name = crate::filters::unique("ns");
    let tool = scratch.path().join(&name);
    std::os::unix::fs::symlink(program("tracewell"), &tool).unwrap();
    let run = |args: &[&OsStr]| {
        let actor = Actor::new("runs_in_a_pid_namespace").arg(&tool);
        let mut actor = actor.arg("opensnoop");
        for arg in environment::extra_args() {
            actor = actor.arg(arg);
        }
        for arg in ["--format", "json", "-o"].map(OsStr::new) {
            actor = actor.arg(arg);
        }
        actor = actor.arg(&out);
        for arg in args {
            actor = actor.arg(arg);
        }
        let actor = actor.start();
        actor.go();
        assert_eq!(actor.finish(), "0\n");
        let text = fs::read_to_string(&out).unwrap();
        let objects = text.lines().map(|line| serde_json::from_str(line).unwrap());
        objects.collect::<Vec<Value>>()
    };
    let objects = run(&[OsStr::new("--"), OsStr::new("/bin/cat"), marker.as_os_str()]);
    let opened = objects
        .iter()
        .filter(|object| object["path"] == marker.to_str().unwrap());
    let opened: Vec<_> = opened.collect();
    assert_eq!(opened.len(), 1, "{objects:#?}");
    assert_eq!(opened[0]["comm"], "cat");
    // Not the number that it has in its namespace.
    assert_ne!(opened[0]["pid"], 2);
    let objects = run(&["--comm", &name, "--duration", "0.2"].map(OsStr::new));
    assert_eq!(objects.len(), 1, "a tool shows itself: {objects:#?}");
}
