// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel offers, or does not: every way in gives the same events, and where there is none a tool says
//! what is missing.

use std::ffi::CStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::ptr;
use std::thread::scope;

use nix::errno::Errno;
use nix::libc;
use serde_json::Value;
use tracewell_tests::{Actor, Finished, Tool, ladder, note, rungs, scratch};

use crate::sys;

const BTF: &str = "/sys/kernel/btf/vmlinux";
const TRACEFS: &CStr = c"/sys/kernel/tracing";
const DEBUGFS: &CStr = c"/sys/kernel/debug";

/// Runs `test` on a thread with mounts of its own; programs that it starts have the same.
pub(crate) fn with_own_mounts(test: impl FnOnce() + Send) {
    let thread = || {
        sys::own_mounts();
        test();
    };
    let result = scope(|scope| scope.spawn(thread).join());
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// Runs this with each rung that the tool has here with these arguments, where tracefs is mounted.
pub(crate) fn on_each_rung(tool: &str, args: &[&str], test: impl Fn(&str) + Send + Sync) {
    with_own_mounts(|| {
        with_tracefs();
        rungs(tool, args).iter().for_each(|rung| test(rung));
    });
}

/// A file system in memory; taken away when dropped.
pub(crate) struct Tmpfs(PathBuf);

pub(crate) fn tmpfs(directory: &Path, options: &CStr) -> Tmpfs {
    mount(c"tmpfs", &sys::c(directory), options).expect("a tmpfs can be mounted");
    Tmpfs(directory.to_owned())
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        unmount(&sys::c(&self.0));
    }
}

fn mount(kind: &CStr, on: &CStr, options: &CStr) -> nix::Result<()> {
    let (kind, on) = (kind.as_ptr(), on.as_ptr());
    // SAFETY: all are strings.
    let result = unsafe { libc::mount(kind, on, kind, 0, options.as_ptr().cast()) };
    Errno::result(result).map(drop)
}

/// Takes away all that is mounted there.
fn unmount(on: &CStr) {
    // SAFETY: it is a string.
    while unsafe { libc::umount2(on.as_ptr(), libc::MNT_DETACH) } == 0 {}
}

pub(crate) fn without_tracefs() {
    unmount(TRACEFS);
    unmount(DEBUGFS);
}

pub(crate) fn with_tracefs() {
    without_tracefs();
    mount(c"tracefs", TRACEFS, c"").expect("the kernel has tracefs");
}

/// Whether there is a BTF to hide: some tested kernels show none.
fn has_btf() -> bool {
    let has = Path::new(BTF).exists();
    if !has {
        note("skipped what needs the kernel's BTF: it is hidden");
    }
    has
}

fn hide_btf() -> Tmpfs {
    tmpfs(Path::new("/sys/kernel/btf"), c"")
}

tracewell_tests::actor!(opens_several, |stage| {
    let directory = stage.arg(0).to_owned();
    std::env::set_current_dir(directory).unwrap();
    let here = sys::openat(sys::AT_FDCWD, c".", libc::O_DIRECTORY, 0).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&here);
    for _ in 0..3 {
        drop(sys::openat(
            number,
            c"made",
            libc::O_CREAT | libc::O_RDWR,
            0o640,
        ));
        drop(sys::openat(
            sys::AT_FDCWD,
            c"made",
            libc::O_EXCL | libc::O_CREAT,
            0o600,
        ));
        drop(sys::openat(
            number,
            c"absent",
            libc::O_RDONLY | libc::O_CLOEXEC,
            0,
        ));
        drop(sys::openat(
            sys::AT_FDCWD,
            c"/dev/null",
            libc::O_WRONLY | libc::O_APPEND,
            0,
        ));
        drop(sys::openat_address(
            sys::AT_FDCWD,
            ptr::null(),
            libc::O_RDONLY,
            0,
        ));
        drop(sys::openat(-1, c"relative", libc::O_RDONLY, 0));
    }
    std::fs::remove_file("made").unwrap();
});

/// What does not differ from run to run.
fn essence(events: Vec<Value>) -> Vec<Value> {
    let changes = ["time", "pid", "tid", "ppid", "cpu", "cgroup_id", "pcomm"];
    let strip = |mut event: Value| {
        let object = event.as_object_mut().expect("an object");
        for field in changes {
            object.remove(field);
        }
        event
    };
    events.into_iter().map(strip).collect()
}

fn opens(args: &[&str]) -> Finished {
    let directory = scratch();
    let actor = Actor::new("opens_several").arg(directory.path()).start();
    let pid = actor.pid().to_string();
    let tool = Tool::new("opensnoop")
        .unforced()
        .json()
        .args(["--pid", &pid, "-v"])
        .args(args)
        .start();
    actor.go();
    actor.finish();
    tool.finish().success()
}

fn execs(args: &[&str]) -> Finished {
    let script = "/bin/true; /bin/true 'one two' ''; /nonexistent/program; exec /bin/true last";
    let tool = Tool::new("execsnoop")
        .unforced()
        .json()
        .args(["-x", "-v"])
        .args(args);
    tool.args(["--", "/bin/sh", "-c", script]).run().success()
}

/// The rung that is taken here where none is forced.
fn auto() -> String {
    let tool = Tool::new("opensnoop").unforced().json();
    tool.args(["--", "/bin/true"]).run().success().rung()
}

/// The run, once more where the kernel refused a program since another task was preempted inside it: some kernels do on
/// some rungs, which `auto` avoids where it can.
fn undisturbed(run: impl Fn() -> Finished) -> Finished {
    for _ in 0..20 {
        let finished = run();
        let summary = finished.summary();
        if summary["lost"] != 0 || summary["lost_at_most"] == 0 {
            return finished;
        }
        note(&format!("once more: {}", summary["lost_at_most_by"]));
    }
    run()
}

/// What both tools show when run with these arguments, of a behaviour that is always the same.
fn shown(args: &[&str], rung: &str, buffer: &str) -> (Vec<Value>, Vec<Value>) {
    let opened = undisturbed(|| opens(args));
    let executed = undisturbed(|| execs(args));
    for run in [&opened, &executed] {
        assert_eq!(
            (run.rung().as_str(), &run.summary()["buffer"]),
            (rung, &buffer.into()),
            "{args:?}"
        );
        let said = format!("probe {rung}, {buffer} buffer");
        assert!(run.stderr.contains(&said), "{args:?}: {}", run.stderr);
        assert_eq!(run.summary()["lost"], 0, "{args:?}");
    }
    // What the runtime opens before the actor acts depends on nothing but the machine.
    (
        essence(opened.events("open")),
        essence(executed.events("exec")),
    )
}

#[test]
fn all_ways_in_show_the_same() {
    if !has_btf() {
        return;
    }
    with_own_mounts(|| {
        with_tracefs();
        let auto = auto();
        let (opened, executed) = shown(&["--probe", "tp_btf"], "tp_btf", "ring");
        assert!(
            opened.len() >= 18 && opened.iter().any(|open| open["path"].is_null()),
            "{opened:#?}"
        );
        assert!(
            executed.len() >= 4 && executed.iter().any(|exec| exec["errno"] == 2),
            "{executed:#?}"
        );
        for (args, rung, buffer) in [
            (&["--probe", "raw_tp"][..], "raw_tp", "ring"),
            (&["--probe", "raw_syscalls"], "raw_syscalls", "ring"),
            (&["--probe", "tracepoint"], "tracepoint", "ring"),
            (&["--buffer", "perf"], &auto, "perf"),
            (&["--probe", "raw_tp", "--buffer", "perf"], "raw_tp", "perf"),
            (
                &["--probe", "tracepoint", "--buffer", "perf"],
                "tracepoint",
                "perf",
            ),
            (&["--buffer", "ring", "--latency", "0"], &auto, "ring"),
        ] {
            let (others, other_execs) = shown(args, rung, buffer);
            assert_eq!(others, opened, "{args:?}");
            assert_eq!(other_execs, executed, "{args:?}");
        }
    });
}

#[test]
fn no_btf_says_what_to_do() {
    if !has_btf() {
        return;
    }
    with_own_mounts(|| {
        let _hidden = hide_btf();
        for name in crate::all_tools() {
            let said = Tool::new(name).unforced().run().ended_with(77).stderr;
            assert!(
                said.contains("CONFIG_DEBUG_INFO_BTF") && said.contains("--btf"),
                "{said}"
            );
        }
    });
}

#[test]
fn a_btf_file_does() {
    if !has_btf() {
        return;
    }
    let directory = scratch();
    let copy = directory.path().join("btf");
    fs::copy(BTF, &copy).unwrap();
    let args = ["--btf", copy.to_str().unwrap()];
    let (opened, mut executed) = shown(&[], &auto(), "ring");
    // By which call an exec succeeded is told only where the kernel's own BTF is.
    for exec in executed.iter_mut().filter(|exec| exec["errno"].is_null()) {
        exec["via"] = Value::Array(Vec::new());
    }
    with_own_mounts(|| {
        let _hidden = hide_btf();
        let (others, other_execs) = shown(&args, "raw_tp", "ring");
        assert_eq!(others, opened);
        assert_eq!(other_execs, executed);
        for run in [opens(&args), execs(&args)] {
            let passed = format!("{}: not tp_btf: ", run.name);
            let why = run.stderr.lines().find(|line| line.starts_with(&passed));
            assert!(why.is_some_and(|why| why.contains("BTF")), "{}", run.stderr);
        }
    });
}

#[test]
fn a_btf_file_that_is_absent_is_named() {
    let tool = Tool::new("opensnoop")
        .unforced()
        .args(["--btf", "/nonexistent/btf"]);
    let said = tool.run().ended_with(1).stderr;
    assert!(said.contains("/nonexistent/btf: No such file"), "{said}");
}

#[test]
fn tracefs_is_needed_only_where_asked_for() {
    if !has_btf() {
        return;
    }
    let before = shown(&["--probe", "tp_btf"], "tp_btf", "ring");
    with_own_mounts(|| {
        without_tracefs();
        // Also where another rung would be better that needs it.
        assert_eq!(shown(&[], "tp_btf", "ring"), before);
        let has = |name: &&str| ladder(name).iter().any(|label| label == "tracepoint");
        for name in crate::all_tools().filter(has) {
            let tool = Tool::new(name).unforced().args(["--probe", "tracepoint"]);
            let said = tool.run().ended_with(77).stderr;
            assert!(said.contains("mount -t tracefs"), "{said}");
            assert!(said.contains("tracepoint: "), "{said}");
        }
    });
}

#[test]
fn a_way_in_that_does_not_exist_is_a_usage_error() {
    for name in crate::all_tools() {
        let said = Tool::new(name)
            .unforced()
            .args(["--probe", "magic"])
            .run()
            .ended_with(2)
            .stderr;
        assert!(said.contains("magic") && said.contains("auto, "), "{said}");
    }
}
