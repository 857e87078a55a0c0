// SPDX-License-Identifier: MIT OR Apache-2.0
//! execsnoop tells of each exec that succeeds, once.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{self, Command};
use std::thread;

use nix::libc;
use nix::unistd::{gettid, getuid};
use serde_json::{Value, json};
use tracewell_tests::{Actor, Finished, Stage, Tool, actor, executable, scratch};

use crate::kernel::on_each_rung;
use crate::storms::scaled;
use crate::sys::{self, c};

pub(crate) const TRUE: &str = "/bin/true";

/// What the actor was told, from this argument on, as arguments of an exec.
fn args(stage: &Stage, from: usize, count: usize) -> Vec<CString> {
    (from..from + count)
        .map(|index| c(stage.arg(index)))
        .collect()
}

// Its arguments: how many of an exec follow, the file, the arguments.
actor!(execs, |stage| {
    let count = stage.text(0).parse().unwrap();
    let errno = sys::execve(&c(stage.arg(1)), &args(stage, 2, count));
    panic!("{errno}");
});

/// Has an actor exec this under execsnoop.
pub(crate) fn run(tool_args: &[&str], file: &str, args: &[impl AsRef<str>]) -> Finished {
    let mut actor = Actor::new("execs").arg(args.len().to_string()).arg(file);
    for arg in args {
        actor = actor.arg(arg.as_ref());
    }
    play(tool_args, actor)
}

fn play(tool_args: &[&str], actor: Actor) -> Finished {
    let actor = actor.start();
    let tool = Tool::new("execsnoop")
        .args(["--pid", &actor.pid().to_string()])
        .args(tool_args);
    let tool = tool.start();
    actor.go();
    drop(actor.end());
    tool.finish().success()
}

/// The only exec.
pub(crate) fn only(finished: &Finished) -> Value {
    let mut events = finished.events("exec");
    assert_eq!(events.len(), 1, "{:#?}", finished.lines());
    events.remove(0)
}

/// Checks how it came about.
fn check_via(finished: &Finished, call: &str, more: &[&str]) {
    let mut via: Vec<String> = serde_json::from_value(only(finished)["via"].clone()).unwrap();
    // The call is left out where the kernel cannot tell it; a wrong one is never right.
    via.retain(|name| name != call);
    assert_eq!(via, more);
}

#[test]
fn an_exec_is_told_with_all_that_belongs_to_it() {
    let comm = sys::own_comm();
    let mut actor = Actor::new("execs")
        .arg("2")
        .arg(TRUE)
        .arg("zero")
        .arg("one");
    // What the process is called and whose child it is: the thread's that made it.
    actor.command().env("UNUSED", "x");
    let playing = actor.start();
    let pid = playing.pid();
    let tool = Tool::new("execsnoop")
        .json()
        .args(["--pid", &pid.to_string()])
        .start();
    playing.go();
    // Where all programs are one, such as busybox, none is called zero.
    drop(playing.end());
    let finished = tool.finish().success();

    let mut event = only(&finished);
    let fields = event.as_object_mut().unwrap();
    assert!(fields.remove("time").is_some_and(|time| time.is_string()));
    assert!(fields.remove("cgroup_id").is_some_and(|id| id.is_u64()));
    assert!(fields.remove("cpu").is_some_and(|cpu| cpu.is_u64()));
    fields.remove("via").unwrap();
    assert_eq!(
        event,
        json!({
            "event": "exec",
            "pid": pid,
            "tid": pid,
            "ppid": process::id(),
            "uid": getuid().as_raw(),
            "comm": "true",
            "pcomm": comm,
            "ret": 0,
            "errno": null,
            "error": null,
            "filename": TRUE,
            "filename_truncated": false,
            "args": ["zero", "one"],
            "args_truncated": false,
            "ancestors": null,
            "ancestor_pids": null,
            "cgroup": null,
            "unit": null,
            "container": null,
            "user": null,
            "exe": null,
            "exe_truncated": false,
        })
    );
    check_via(&finished, "execve", &[]);
}

actor!(execs_by_execveat, |stage| {
    let args = [c("true"), c("a b")];
    let directory = File::open("/bin").unwrap();
    match stage.text(0) {
        "fd" => {
            let file = File::open(TRUE).unwrap();
            sys::execveat(file.as_raw_fd(), &c(""), &args, libc::AT_EMPTY_PATH);
        }
        "dirfd" => drop(sys::execveat(directory.as_raw_fd(), &c("true"), &args, 0)),
        "cwd" => {
            std::env::set_current_dir("/").unwrap();
            sys::execveat(libc::AT_FDCWD, &c(&TRUE[1..]), &args, 0);
        }
        _ => drop(sys::execveat(directory.as_raw_fd(), &c(TRUE), &args, 0)),
    }
    panic!("it failed");
});

#[test]
fn execveat_is_told_too() {
    on_each_rung("execsnoop", &[], |rung| {
        for how in ["fd", "dirfd", "cwd", "absolute"] {
            let finished = play(
                &["--format", "json", "--probe", rung],
                Actor::new("execs_by_execveat").arg(how),
            );
            let event = only(&finished);
            assert_eq!(event["args"], json!(["true", "a b"]), "{how}");
            assert_eq!(event["ret"], 0);
            let name = event["filename"].as_str().unwrap();
            if ["cwd", "absolute"].contains(&how) {
                // As given, as of execve(2).
                assert_eq!(
                    (name, &event["via"]),
                    (&TRUE["/".len() * usize::from(how == "cwd")..], &json!([])),
                    "{rung}"
                );
                continue;
            }
            // The kernel's own name for it.
            assert!(name.starts_with("/dev/fd/"), "{name}");
            assert_eq!(name.ends_with("/true"), how == "dirfd", "{name}");
            assert_eq!(event["via"], json!(["execveat"]), "{rung}");
        }
    });
}

#[test]
fn a_script_shows_its_interpreter() {
    let scratch = scratch();
    // A name as long as that of the interpreter, and one that is longer.
    let short = Path::new("/tmp/sh1");
    let long = scratch.path().join("script");
    on_each_rung("execsnoop", &[], |rung| {
        for path in [short, &long] {
            executable(path, "#!/bin/sh -e\n:\n");
            let script = path.to_str().unwrap();
            let finished = run(
                &["--format", "json", "--probe", rung],
                script,
                &["zero", "a b"],
            );
            let table = run(&["--probe", rung], script, &["zero", "a b"]);
            fs::remove_file(path).unwrap();
            let event = only(&finished);
            assert_eq!(event["filename"], script);
            assert_eq!(event["args"], json!(["/bin/sh", "-e", script, "a b"]));
            assert_eq!(event["comm"], path.file_name().unwrap().to_str().unwrap());
            assert_eq!(event["via"], json!(["script"]), "{rung}");
            let line = table.lines()[1];
            assert!(
                line.ends_with(&format!(" 0       /bin/sh -e {script} \"a b\"")),
                "{rung}: {line}"
            );
        }
    });
}

// Its argument: a script.
actor!(execs_a_script_by_descriptor, |stage| {
    let script = File::open(stage.arg(0)).unwrap();
    // The interpreter opens /dev/fd/N.
    nix::fcntl::fcntl(
        &script,
        nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
    )
    .unwrap();
    sys::execveat(
        script.as_raw_fd(),
        &c(""),
        &[c("zero")],
        libc::AT_EMPTY_PATH,
    );
    panic!("it failed");
});

#[test]
fn a_program_after_a_script_is_none() {
    let scratch = scratch();
    let script = scratch.path().join("script");
    executable(
        &script,
        "#!/bin/sh\nexec /bin/sh -c \"exec /bin/true /bin/true\"\n",
    );
    on_each_rung("execsnoop", &[], |rung| {
        let actor = Actor::new("execs_a_script_by_descriptor").arg(&script);
        let events = play(&["--format", "json", "--probe", rung], actor).events("exec");
        let via: Vec<_> = events.iter().map(|event| &event["via"]).collect();
        assert_eq!(
            via,
            [&json!(["execveat", "script"]), &json!([]), &json!([])],
            "{rung}"
        );
    });
}

actor!(execs_from_a_thread, |_| {
    let thread = thread::spawn(|| {
        sys::set_comm(gettid().to_string().as_bytes());
        // The number is the argument: the exec takes the thread's own away.
        sys::execve(&c(TRUE), &[c("true"), c(gettid().to_string())])
    });
    panic!("{:?}", thread.join());
});

#[test]
fn an_exec_by_another_thread_is_the_process_s() {
    let actor = Actor::new("execs_from_a_thread").start();
    let pid = actor.pid();
    let tool = Tool::new("execsnoop")
        .json()
        .args(["--pid", &pid.to_string()])
        .start();
    actor.go();
    actor.finish();
    let finished = tool.finish().success();
    let event = only(&finished);
    assert_eq!(event["pid"], pid);
    assert_ne!(event["tid"], pid);
    assert_eq!(event["args"], json!(["true", event["tid"].to_string()]));
    check_via(&finished, "execve", &["thread"]);
}

// A thread that is not the first says its number, waits, and execs.
actor!(execs_from_a_known_thread, |stage| {
    thread::scope(|scope| {
        scope.spawn(|| {
            stage.say(gettid().to_string());
            stage.wait();
            sys::execve(&c(TRUE), &[c("true")])
        });
    });
});

/// The exec takes the thread's number away: it is asked for by the one that it had, as that is the one that is shown.
#[test]
fn a_thread_is_found_by_the_number_that_it_had() {
    for own in [true, false] {
        let mut actor = Actor::new("execs_from_a_known_thread").start();
        actor.go();
        let tid = actor.hear();
        let wanted = if own {
            tid.clone()
        } else {
            actor.pid().to_string()
        };
        let tool = Tool::new("execsnoop")
            .json()
            .args(["--tid", &wanted])
            .start();
        actor.go();
        actor.finish();
        let events = tool.finish().success().events("exec");
        assert_eq!(events.len(), usize::from(own), "{events:?}");
        let tid: u32 = tid.parse().expect("a thread's id");
        assert!(events.iter().all(|event| event["tid"] == tid));
    }
}

const THREADS: usize = 4;
const EACH: u64 = 250;

actor!(execs_many, |stage| {
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            thread::spawn(move || {
                for n in 0..scaled(EACH) {
                    let mut command = Command::new(TRUE);
                    assert!(
                        command
                            .arg(format!("{thread}.{n}"))
                            .status()
                            .unwrap()
                            .success()
                    );
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    stage.say("done");
});

#[test]
fn concurrent_execs_are_each_told_once() {
    let actor = Actor::new("execs_many").start();
    let ppid = actor.pid();
    let tool = Tool::new("execsnoop")
        .json()
        .args(["-P", &ppid.to_string()])
        .start();
    actor.go();
    assert_eq!(actor.finish(), "done\n");
    let finished = tool.finish().success();
    let mut seen: HashMap<String, u32> = HashMap::new();
    for event in finished.events("exec") {
        assert_eq!(event["ppid"], ppid);
        assert_eq!(event["args"].as_array().unwrap().len(), 2);
        *seen
            .entry(event["args"][1].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    assert!(seen.values().all(|times| *times == 1), "some came twice");
    finished.accounts_for(seen.len(), THREADS * scaled(EACH) as usize);
}
