// SPDX-License-Identifier: MIT OR Apache-2.0
//! Filters let through what they name, and nothing else.

use std::path::Path;
use std::sync::mpsc;
use std::thread;

use nix::libc;
use nix::unistd::{getpid, gettid};
use tracewell_tests::{Actor, Finished, Playing, Tool, actor, scratch};

use crate::sys::{self, c};

// Its arguments: a directory, a name (of files and for itself), a user.
actor!(opens_under_a_name, |stage| {
    let name = stage.text(1).to_owned();
    sys::set_comm(name.as_bytes());
    sys::become_user(stage.text(2).parse().unwrap());
    stage.say("ready");
    stage.wait();
    let path = c(Path::new(stage.arg(0)).join(&name));
    drop(sys::openat(sys::AT_FDCWD, &path, libc::O_RDONLY, 0));
    drop(sys::openat(
        sys::AT_FDCWD,
        &path,
        libc::O_WRONLY | libc::O_APPEND,
        0,
    ));
    // An exec that fails, too, so that the process goes on.
    sys::execve(&path, &[c(&name), c("some"), c("line")]);
});

/// An actor that has become what it is to be, and waits.
pub(crate) fn ready(directory: &Path, name: &str, uid: u32) -> Playing {
    let actor = Actor::new("opens_under_a_name")
        .arg(directory)
        .arg(name)
        .arg(uid.to_string());
    let mut actor = actor.start();
    actor.go();
    assert_eq!(actor.hear(), "ready");
    actor
}

/// Lets the actors go under a tool with these arguments; gives the names that were seen, each as often as it was.
pub(crate) fn seen(
    tool: &str,
    args: &[&str],
    directory: &Path,
    actors: Vec<Playing>,
) -> Vec<String> {
    let tool = Tool::new(tool).json().args(args).start();
    for actor in actors {
        actor.go();
        actor.finish();
    }
    names(&tool.finish().success(), directory)
}

pub(crate) fn names(finished: &Finished, directory: &Path) -> Vec<String> {
    let prefix = format!("{}/", directory.display());
    let mut names = Vec::new();
    for event in finished.objects() {
        let path = event["path"].as_str().or(event["filename"].as_str());
        if let Some(name) = path.and_then(|path| path.strip_prefix(&prefix)) {
            names.push(name.to_owned());
        }
    }
    names
}

/// A name that no other process of the machine has, of at most 15 bytes.
pub(crate) fn unique(end: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "tw{:x}.{:x}{end}",
        getpid().as_raw(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

#[test]
fn by_process() {
    let scratch = scratch();
    for (tool, option, times) in [
        ("opensnoop", "-p", 2),
        ("opensnoop", "--pid", 2),
        ("execsnoop", "--pid", 1),
    ] {
        let actors = ["one", "two", "three"].map(|name| ready(scratch.path(), name, 0));
        let pid = actors[1].pid().to_string();
        let more: &[&str] = if tool == "execsnoop" { &["-x"] } else { &[] };
        let names = seen(
            tool,
            &[&[option, &pid], more].concat(),
            scratch.path(),
            actors.into(),
        );
        assert_eq!(names, vec!["two"; times], "{tool}");
    }
}

#[test]
fn by_thread() {
    let scratch = scratch();
    let directory = scratch.path().to_owned();
    let (to_thread, from_test) = mpsc::channel::<()>();
    let (to_test, from_thread) = mpsc::channel();
    let thread = thread::spawn(move || {
        to_test.send(gettid().to_string()).unwrap();
        from_test.recv().unwrap();
        drop(sys::read(directory.join("thread")));
    });
    let tid = from_thread.recv().unwrap();
    let tool = Tool::new("opensnoop").json().args(["-t", &tid]).start();
    drop(sys::read(scratch.path().join("other")));
    to_thread.send(()).unwrap();
    thread.join().unwrap();
    let finished = tool.finish().success();
    assert_eq!(names(&finished, scratch.path()), ["thread"]);
    let number: u32 = tid.parse().unwrap();
    assert!(
        finished
            .events("open")
            .iter()
            .all(|event| event["tid"] == number)
    );
}

#[test]
fn by_user_and_name() {
    let scratch = scratch();
    let (root, nobody) = (unique("r"), unique("n"));
    let cases: [(&[&str], &[&str]); 5] = [
        (&["--uid", "65534"], &[&nobody, &nobody]),
        (&["-u", "nobody"], &[&nobody, &nobody]),
        // Root is a user like any other.
        (&["-u", "0"], &[&root, &root]),
        (&["--uid", "0", "--comm", &root], &[&root, &root]),
        // All must hold.
        (&["--uid", "0", "--comm", &nobody], &[]),
    ];
    for (args, expected) in cases {
        let actors = vec![
            ready(scratch.path(), &root, 0),
            ready(scratch.path(), &nobody, 65534),
        ];
        assert_eq!(
            seen("opensnoop", args, scratch.path(), actors),
            expected,
            "{args:?}"
        );
    }
    for (user, expected) in [("nobody", &nobody), ("root", &root)] {
        let actors = vec![
            ready(scratch.path(), &root, 0),
            ready(scratch.path(), &nobody, 65534),
        ];
        let names = seen(
            "execsnoop",
            &["-x", "-u", user, "-n", expected],
            scratch.path(),
            actors,
        );
        assert_eq!(names, [expected.as_str()]);
    }
}

#[test]
fn by_exact_command_name() {
    let scratch = scratch();
    let full = format!("{:x<15}", unique(""));
    assert_eq!(full.len(), 15);
    let shorter = &full[..14];
    for (comm, expected) in [(full.as_str(), &full[..]), (shorter, shorter)] {
        let actors = vec![
            ready(scratch.path(), &full, 0),
            ready(scratch.path(), shorter, 0),
        ];
        let names = seen("opensnoop", &["--comm", comm], scratch.path(), actors);
        assert_eq!(names, [expected, expected]);
        let actors = vec![
            ready(scratch.path(), &full, 0),
            ready(scratch.path(), shorter, 0),
        ];
        let names = seen("execsnoop", &["-x", "--comm", comm], scratch.path(), actors);
        assert_eq!(names, [expected]);
    }
}

#[test]
fn by_part_of_a_command_name() {
    let scratch = scratch();
    let (one, two) = (unique("one"), unique("two"));
    // More than one event that does not match, before and behind.
    let actors = [&one, &two, &one].map(|name| ready(scratch.path(), name, 0));
    let names = seen(
        "opensnoop",
        &["-n", &two[2..]],
        scratch.path(),
        actors.into(),
    );
    assert_eq!(names, [&*two, &*two]);
}

#[test]
fn by_flags() {
    let scratch = scratch();
    let cases: [(&[&str], usize); 13] = [
        (&[], 2),
        (&["-f", "O_WRONLY"], 1),
        (&["-f", "O_RDONLY"], 1),
        (&["-f", "O_RDWR"], 0),
        (&["-f", "O_WRONLY", "-f", "O_APPEND"], 1),
        // Any of them, as BCC has it; O_RDONLY is no bit.
        (&["--flag_filter", "O_WRONLY", "--flag", "O_CREAT"], 1),
        (&["-f", "O_WRONLY", "-f", "O_RDONLY"], 2),
        (&["-f", "O_WRONLY,O_RDONLY"], 2),
        (&["-f", "O_WRONLY|O_CREAT"], 0),
        (&["-f", "O_WRONLY|O_APPEND"], 1),
        (&["-f", "!O_APPEND"], 1),
        (&["-f", "!O_APPEND", "-f", "!O_RDONLY"], 0),
        (&["-x", "-f", "O_APPEND"], 1),
    ];
    for (args, expected) in cases {
        let actor = ready(scratch.path(), "one", 0);
        let pid = actor.pid().to_string();
        let args = [&["--pid", &pid], args].concat();
        assert_eq!(
            seen("opensnoop", &args, scratch.path(), vec![actor]).len(),
            expected,
            "{args:?}"
        );
    }
}

#[test]
fn by_parent_and_arguments() {
    let scratch = scratch();
    let name = unique("");
    let own = getpid().to_string();
    let cases: [(&[&str], bool); 8] = [
        (&["-P", &own], true),
        (&["-P", "1"], false),
        (&["-n", "some"], true),
        (&["-n", "someline"], false),
        (&["-l", "some line"], true),
        (&["-l", "line some"], false),
        (&["-P", &own, "-n", &name, "-l", "me li"], true),
        (&["-P", &own, "-n", "absent"], false),
    ];
    for (args, expected) in cases {
        let actor = ready(scratch.path(), &name, 0);
        let args = [&["-x"], args].concat();
        let names = seen("execsnoop", &args, scratch.path(), vec![actor]);
        assert_eq!(names.contains(&name), expected, "{args:?}");
    }
}

/// The process that is filtered by ends, and with it the run.
#[test]
fn a_run_ends_with_its_processes() {
    let scratch = scratch();
    for tool in crate::all_tools() {
        let [one, two] = ["one", "two"].map(|name| ready(scratch.path(), name, 0));
        let pids = format!("{},{}", one.pid(), two.pid());
        let run = Tool::new(tool).json().args(["--pid", &pids]).start();
        one.go();
        one.finish();
        two.go();
        two.finish();
        let finished = run.wait().success();
        assert!(
            finished.stderr.contains("all that --pid names have ended"),
            "{tool}: {}",
            finished.stderr
        );
        if tool == "opensnoop" {
            let names = names(&finished, scratch.path());
            assert_eq!(names, ["one", "one", "two", "two"]);
        }
    }
    let child = ready(scratch.path(), "child", 0);
    let pid = child.pid();
    let run = Tool::new("execsnoop")
        .args(["-P", &pid.to_string()])
        .start();
    child.go();
    child.finish();
    let finished = run.wait().success();
    let says = format!("parent {pid} (--ppid) has ended");
    assert!(finished.stderr.contains(&says), "{}", finished.stderr);
}

#[test]
fn a_run_ends_with_its_thread() {
    let (to_thread, from_test) = mpsc::channel::<()>();
    let (to_test, from_thread) = mpsc::channel();
    let thread = thread::spawn(move || {
        to_test.send(gettid().to_string()).unwrap();
        from_test.recv().unwrap();
    });
    let tid = from_thread.recv().unwrap();
    let run = Tool::new("opensnoop").json().args(["-t", &tid]).start();
    // A thread is no process.
    let refused = Tool::new("opensnoop")
        .args(["-p", &tid])
        .run()
        .ended_with(2);
    let says = format!("a thread of process {}", getpid());
    assert!(refused.stderr.contains(&says), "{}", refused.stderr);
    to_thread.send(()).unwrap();
    thread.join().unwrap();
    let finished = run.wait().success();
    let says = format!("thread {tid} (--tid) has ended");
    assert!(finished.stderr.contains(&says), "{}", finished.stderr);
}

/// A process that is only left out has no say in the end of the run.
#[test]
fn exclusions_do_not_end_a_run() {
    let scratch = scratch();
    let actor = ready(scratch.path(), "one", 0);
    let excluded = format!("!{},!4194305", actor.pid());
    let run = Tool::new("opensnoop")
        .json()
        .args(["-p", &excluded])
        .start();
    actor.go();
    actor.finish();
    drop(sys::read(scratch.path().join("after")));
    let finished = run.finish().success();
    assert_eq!(names(&finished, scratch.path()), ["after"]);
}
