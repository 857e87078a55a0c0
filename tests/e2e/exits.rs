// SPDX-License-Identifier: MIT OR Apache-2.0
//! exitsnoop tells of each process that ends, once, and how it ended.

mod threads;
mod trees;
mod used;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process;
use std::thread;
use std::time::Instant;

use nix::libc;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{ForkResult, Pid, fork, getuid};
use serde_json::{Value, json};
use tracewell_tests::{Actor, Finished, Tool, actor, note, scratch};

use crate::cgroups::Cgroup;
use crate::kernel::on_each_rung;
use crate::schema::check_all;
use crate::{sys, words};

/// Ends this process at once, without the C library's last words.
pub(crate) fn end(code: i32) -> ! {
    // SAFETY: it takes a number, and does not return.
    unsafe { libc::_exit(code) }
}

/// Makes a child that does this, and is not waited for.
pub(crate) fn child(act: impl FnOnce()) -> Pid {
    // SAFETY: what the child does needs nothing that another thread may hold.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            act();
            end(0)
        }
        ForkResult::Parent { child } => child,
    }
}

// Its argument: how.
actor!(ends, |stage| {
    match stage.text(0).split_once(' ') {
        Some(("code", code)) => end(code.parse().unwrap()),
        Some(("signal", number)) => {
            setrlimit(Resource::RLIMIT_CORE, 0, 0).unwrap();
            let number: i32 = number.parse().unwrap();
            // SAFETY: of a signal, its default action is asked for.
            unsafe {
                libc::signal(number, libc::SIG_DFL);
                libc::raise(number);
            }
        }
        _ => {}
    }
    panic!("it goes on");
});

/// Has an actor end like this under exitsnoop; gives its process, too.
fn run(tool_args: &[&str], how: &str) -> (u32, Finished) {
    play(tool_args, Actor::new("ends").arg(how))
}

fn play(tool_args: &[&str], actor: Actor) -> (u32, Finished) {
    let actor = actor.start();
    let pid = actor.pid();
    let tool = Tool::new("exitsnoop")
        .args(["--pid", &pid.to_string()])
        .args(tool_args)
        .start();
    actor.go();
    drop(actor.end());
    (pid, tool.finish().success())
}

/// The only end that was told of.
fn only(finished: &Finished) -> Value {
    let mut events = finished.events("exit");
    assert_eq!(events.len(), 1, "{:#?}", finished.lines());
    events.remove(0)
}

fn number(event: &Value, field: &str) -> u64 {
    let number = event[field].as_u64();
    number.unwrap_or_else(|| panic!("{field}: {event}"))
}

#[test]
fn every_process_is_told_with_all_that_belongs_to_it() {
    let comm = sys::own_comm();
    on_each_rung("exitsnoop", &[], |rung| {
        let began = Instant::now();
        let (pid, finished) = run(&["--format", "json", "--probe", rung], "code 7");
        let most = began.elapsed().as_nanos();
        let mut event = only(&finished);
        // It lived no longer than the test, and did not use more than it lived.
        let cpu = number(&event, "user_ns") + number(&event, "system_ns");
        assert!(u128::from(number(&event, "age_ns")) < most, "{event}");
        assert!(cpu <= number(&event, "age_ns"), "{event}");
        assert!(number(&event, "peak_rss_bytes") >= 100_000, "{event}");
        let fields = event.as_object_mut().unwrap();
        for name in ["age_ns", "user_ns", "system_ns", "peak_rss_bytes"] {
            fields.remove(name).unwrap();
        }
        assert!(fields.remove("time").is_some_and(|time| time.is_string()));
        assert!(fields.remove("cgroup_id").is_some_and(|id| id.is_u64()));
        assert!(fields.remove("comm").is_some_and(|comm| comm.is_string()));
        // The thread's that made it, or the process's: a process is the child of a process.
        assert!(fields.remove("pcomm").is_some_and(|comm| comm.is_string()));
        assert_eq!(
            event,
            json!({
                "event": "exit",
                "pid": pid,
                "tid": pid,
                "ppid": process::id(),
                "uid": getuid().as_raw(),
                "label": null,
                "thread": false,
                "exit_code": 7,
                "signal": null,
                "signal_name": null,
                "core_dumped": false,
                // Its exec was before the trace began.
                "exec_age_ns": null,
                "ancestors": null,
                "ancestor_pids": null,
                "cgroup": null,
                "unit": null,
                "container": null,
                "user": null,
                "exe": null,
                "exe_truncated": false,
            }),
            "{rung} {comm}"
        );
        check_all(&finished);
    });
}

#[test]
fn codes_and_signals_are_those_of_wait() {
    for (how, code, signal, name) in [
        ("code 0", Some(0), None, None),
        ("code 255", Some(255), None, None),
        ("code 256", Some(0), None, None),
        ("signal 9", None, Some(9), Some("SIGKILL")),
        ("signal 11", None, Some(11), Some("SIGSEGV")),
        ("signal 64", None, Some(64), None),
    ] {
        let (_, finished) = run(&["--format", "json"], how);
        let event = only(&finished);
        assert_eq!(event["exit_code"], json!(code), "{how}");
        assert_eq!(event["signal"], json!(signal), "{how}");
        assert_eq!(event["signal_name"], json!(name), "{how}");
        assert_eq!(event["core_dumped"], false, "{how}");
    }
}

#[test]
fn a_core_is_told() {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.starts_with('|') || pattern.contains('/') {
        note("skipped: cores go elsewhere here");
        return;
    }
    let directory = scratch();
    let line = "ulimit -c unlimited; kill -SEGV $$";
    let mut tool = Tool::new("exitsnoop")
        .json()
        .args(["--", "/bin/sh", "-c", line]);
    tool.command().current_dir(directory.path());
    let finished = tool.run().ended_with(128 + 11);
    let event = only(&finished);
    let cores = fs::read_dir(directory.path()).unwrap().count();
    // Where a limit cannot be lifted there is none.
    assert_eq!(
        (&event["signal"], &event["core_dumped"]),
        (&json!(11), &json!(cores == 1))
    );
}

#[test]
fn the_table_has_the_columns_that_its_users_know() {
    for (how, ending) in [
        ("code 0", "0"),
        ("code 3", "code 3"),
        ("signal 9", "signal 9 (SIGKILL)"),
        ("signal 64", "signal 64"),
    ] {
        let (pid, finished) = run(&[], how);
        let lines = finished.lines();
        let header: Vec<_> = lines[0].split_whitespace().collect();
        assert_eq!(header.join(" "), "PCOMM PID PPID TID AGE(s) EXIT_CODE");
        assert!(lines[1].ends_with(&format!(" {ending}")), "{lines:?}");
        let words: Vec<_> = lines[1].split_whitespace().collect();
        let at = words.iter().position(|word| *word == pid.to_string());
        let at = at.unwrap();
        assert_eq!(words[at + 1], process::id().to_string());
        assert_eq!(words[at + 2], pid.to_string());
        assert_eq!(words[at + 3].split_once('.').unwrap().1.len(), 6);
        assert_eq!(lines.len(), 2);
        let account = finished.stderr.lines().last();
        assert_eq!(account, Some("exitsnoop: 1 event, 0 lost"));
    }
}

#[test]
fn more_columns_stand_where_bcc_has_them() {
    const REST: &str = "PCOMM PID PPID TID AGE(s)";
    for (options, header) in [
        (&["-t"][..], format!("TIME {REST} EXIT_CODE")),
        (&["--utc"], format!("TIME-UTC {REST} EXIT_CODE")),
        (&["-t", "--utc"], format!("TIME-UTC {REST} EXIT_CODE")),
        (&["--label"], format!("LABEL {REST} EXIT_CODE")),
        (
            &["-t", "-U", "--label=a b"],
            format!("TIME LABEL UID {REST} EXIT_CODE"),
        ),
        (
            &["-r"],
            format!("{REST} EXEC(s) USER(s) SYS(s) RSS(kB) EXIT_CODE"),
        ),
    ] {
        let (_, finished) = run(options, "code 0");
        let lines = finished.lines();
        let words: Vec<_> = lines[0].split_whitespace().collect();
        assert_eq!(words.join(" "), header, "{options:?}");
        let label = match options.last() {
            Some(&"--label") => "exit ",
            Some(&"--label=a b") => "a\\x20b ",
            _ => continue,
        };
        assert!(lines[1].contains(label), "{lines:?}");
    }
    let (_, finished) = run(&["--format", "json", "--label=mine"], "code 0");
    assert_eq!(only(&finished)["label"], "mine");
}

#[test]
fn the_python_tools_json_is_json() {
    for option in ["-j", "--json"] {
        let (_, finished) = run(&[option], "code 5");
        assert_eq!(only(&finished)["exit_code"], 5);
    }
}

#[test]
fn only_failures_where_these_are_asked_for() {
    for (how, told) in [("code 0", 0), ("code 1", 1), ("signal 15", 1)] {
        let (_, finished) = run(&["-x", "--format", "json"], how);
        assert_eq!(finished.events("exit").len(), told, "{how}");
    }
}

#[test]
fn only_what_lived_long_enough() {
    for (least, told) in [("1ms", 1), ("1h", 0)] {
        let (_, finished) = run(&["--min-duration", least, "--format", "json"], "code 0");
        assert_eq!(finished.events("exit").len(), told, "{least}");
    }
    let tool = Tool::new("exitsnoop").args(["--min-duration", "0"]).run();
    assert_eq!(tool.code(), Some(2), "{}", tool.stderr);
}

#[test]
fn by_cgroup_and_those_below_it() {
    for option in ["-c", "--cgroup"] {
        let cgroup = Cgroup::new();
        let below = cgroup.below("below");
        let actors: [_; 3] = std::array::from_fn(|_| Actor::new("ends").arg("code 1").start());
        cgroup.add(&actors[0]);
        below.add(&actors[1]);
        let pids = actors.each_ref().map(|actor| actor.pid());
        let tool = Tool::new("exitsnoop")
            .json()
            .args([option, cgroup.path().to_str().unwrap()])
            .start();
        for actor in actors {
            actor.go();
            drop(actor.end());
        }
        let events = tool.finish().success().events("exit");
        let seen: Vec<_> = events.iter().map(|event| event["pid"].clone()).collect();
        assert_eq!(seen, [json!(pids[0]), json!(pids[1])], "{option}");
    }
}

// Its argument: a name for it.
actor!(ends_by_this_name, |stage| {
    // What is left behind the NUL is of this.
    sys::set_comm(b"fifteen-letters");
    sys::set_comm(stage.arg(0).as_bytes());
    stage.say("named");
    stage.wait();
    // Another thread is the last one, and has another name.
    thread::spawn(|| {
        sys::set_comm(b"other");
        end(0)
    });
    loop {
        thread::park();
    }
});

#[test]
fn a_process_has_the_name_of_its_first_thread() {
    for (comm, told) in [
        ("named-tw", 1),
        ("other", 0),
        ("!named-tw", 0),
        ("!x,!y", 1),
    ] {
        let mut actor = Actor::new("ends_by_this_name").arg("named-tw").start();
        actor.go();
        actor.hear();
        let pid = actor.pid().to_string();
        let tool = Tool::new("exitsnoop")
            .json()
            .args(["--pid", &pid, "--comm", comm])
            .start();
        actor.go();
        drop(actor.end());
        let events = tool.finish().success().events("exit");
        assert_eq!(events.len(), told, "{comm}: {events:#?}");
        if let Some(event) = events.first() {
            assert_eq!(event["comm"], "named-tw");
        }
    }
}

#[test]
fn odd_names_forge_nothing() {
    const ODD: &[u8] = b"\xfe\t\n\x1b[31m";
    let start = || {
        let mut actor = Actor::new("ends_by_this_name")
            .arg(OsStr::from_bytes(ODD))
            .start();
        actor.go();
        actor.hear();
        actor
    };
    let run = |format: &str| {
        let actor = start();
        let pid = actor.pid().to_string();
        let tool = Tool::new("exitsnoop")
            .args(["--format", format, "--pid", &pid])
            .start();
        actor.go();
        drop(actor.end());
        tool.finish().success()
    };
    let objects = check_all(&run("json"));
    assert_eq!(words::bytes(&objects[0], "comm"), ODD);
    let table = run("table");
    let lines = table.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].starts_with("\\xfe\\t\\n\\x1b[31m "), "{lines:?}");
}

#[test]
fn the_status_is_the_parents() {
    let actor = Actor::new("ends").arg("signal 6").start();
    let tool = Tool::new("exitsnoop")
        .json()
        .args(["-P", &process::id().to_string()]);
    let tool = tool.args(["--pid", &actor.pid().to_string()]).start();
    actor.go();
    let (status, _) = actor.end();
    let event = only(&tool.finish().success());
    assert_eq!(event["signal"], json!(status.signal()));
}
