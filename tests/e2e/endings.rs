// SPDX-License-Identifier: MIT OR Apache-2.0
//! However a run ends: nothing is cut, nothing unsaid, nothing left behind in the kernel.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use nix::libc;
use nix::sys::signal::Signal;
use tracewell_tests::{Finished, Running, Tool, own_tid, scratch};

use crate::kernel::{tmpfs, with_own_mounts};
use crate::leftovers::{gone, held};
use crate::storms;

/// Opens what does not exist, so many times.
fn open(times: usize) {
    for _ in 0..times {
        File::open("/nonexistent/endings").unwrap_err();
    }
}

/// An opensnoop for the opens of this thread.
fn own() -> Tool {
    Tool::new("opensnoop").args(["--tid", &own_tid()])
}

/// All that was made before the end is shown, and the account says so.
fn shows(finished: Finished, made: usize) {
    let finished = finished.success();
    assert_eq!(finished.events("open").len(), made);
    let summary = finished.summary();
    assert_eq!(
        (&summary["events"], &summary["lost"]),
        (&made.into(), &0.into()),
        "{summary}"
    );
}

#[test]
fn signals() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        for made in [0, 1, 3_000] {
            let tool = own().json().start();
            open(made);
            // At once: what the buffer holds by now is still shown.
            tool.signal(signal);
            shows(tool.wait(), made);
        }
    }
}

#[test]
fn a_signal_ends_a_table() {
    let tool = own().start();
    open(1_000);
    let finished = tool.finish().success();
    assert_eq!(finished.lines().len(), 1_001);
    assert_eq!(finished.stderr, "opensnoop: 1000 events, 0 lost\n");
}

/// nohup(1) has SIGHUP ignored; then it ends nothing.
#[test]
fn an_ignored_hangup_stays_ignored() {
    let mut tool = own().json();
    let ignore = || {
        // SAFETY: no handler is installed.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
        Ok(())
    };
    // SAFETY: the closure makes one system call.
    unsafe { tool.command().pre_exec(ignore) };
    let tool = tool.start();
    tool.signal(Signal::SIGHUP);
    open(1);
    tool.object(|object| object["event"] == "open");
    shows(tool.finish(), 1);
}

#[test]
fn a_duration() {
    let tool = own().json().args(["--duration", "500ms"]).start();
    open(10);
    shows(tool.wait(), 10);
}

#[test]
fn so_many_events() {
    for most in [1, 7, 5_000] {
        let tool = own()
            .json()
            .args(["--max-events", &most.to_string()])
            .start();
        open(6_000);
        shows(tool.wait(), most);
        let tool = own().args(["--max-events", &most.to_string()]).start();
        open(6_000);
        let finished = tool.wait().success();
        assert_eq!(finished.lines().len(), 1 + most);
        assert_eq!(storms::told(&finished).0, most as u64);
    }
}

/// A tool that nothing happens to, and the other end of its output.
fn idle(format: &str) -> (Running, PipeReader) {
    let (reader, writer) = pipe().unwrap();
    let tool = storms::traced("opensnoop", storms::unique_uid()).args(["--format", format]);
    (tool.stdout(writer).start(), reader)
}

#[test]
fn a_reader_that_goes_while_nothing_happens() {
    for format in ["table", "json", "csv"] {
        let (tool, reader) = idle(format);
        drop(reader);
        drop(tool.wait().success());
    }
}

#[test]
fn a_reader_that_goes_under_load() {
    for format in ["table", "json", "csv"] {
        let (reader, writer) = pipe().unwrap();
        let over = AtomicBool::new(false);
        scope(|scope| {
            let (tell, told) = std::sync::mpsc::channel();
            let over = &over;
            scope.spawn(move || {
                tell.send(own_tid()).unwrap();
                while !over.load(Ordering::Relaxed) {
                    open(100);
                }
            });
            let tid = told.recv().unwrap();
            let tool = Tool::new("opensnoop").args(["--tid", &tid, "--format", format]);
            let tool = tool.stdout(writer).start();
            let mut reader = BufReader::new(reader);
            let mut line = String::new();
            assert!(reader.read_line(&mut line).unwrap() > 1);
            drop(reader);
            let finished = tool.wait();
            over.store(true, Ordering::Relaxed);
            drop(finished.success());
        });
    }
}

#[test]
fn a_device_that_is_full() {
    for format in ["table", "json", "csv"] {
        let tool = own().args(["--format", format, "--duration", "1"]);
        let running = tool.output(Path::new("/dev/full")).launch();
        let finished = running.wait().ended_with(1);
        assert!(finished.stderr.contains("/dev/full"), "{}", finished.stderr);
        assert!(
            finished.stderr.contains("No space left"),
            "{}",
            finished.stderr
        );
    }
}

#[test]
fn a_file_system_that_fills() {
    for format in ["table", "json", "csv"] {
        with_own_mounts(|| {
            let directory = scratch();
            let mounted = tmpfs(directory.path(), c"size=64k");
            let path = directory.path().join("events");
            let tool = own().args(["--format", format]).output(&path).start();
            open(20_000);
            let finished = tool.wait().ended_with(1);
            assert!(finished.stderr.contains("/events"), "{}", finished.stderr);
            let written = fs::read(&path).unwrap();
            assert!(!written.is_empty());
            let tail = String::from_utf8_lossy(&written[written.len().saturating_sub(80)..]);
            assert!(written.ends_with(b"\n"), "{format}: half a line: {tail:?}");
            drop(mounted);
        });
    }
}

#[test]
fn standard_output_that_is_closed() {
    let directory = scratch();
    let path = directory.path().join("events");
    let close = || {
        // SAFETY: nothing in the new process uses it before the exec.
        unsafe { libc::close(1) };
        Ok(())
    };
    let mut tool = own().output(&path);
    // SAFETY: the closure makes one system call.
    unsafe { tool.command().pre_exec(close) };
    let tool = tool.start();
    open(10);
    drop(tool.finish().success());
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 11);

    let mut tool = own();
    // SAFETY: as above.
    unsafe { tool.command().pre_exec(close) };
    let tool = tool.start();
    open(10);
    assert_eq!(storms::told(&tool.finish().success()), (10, 0));
}

#[test]
fn a_stop_under_load() {
    let _turn = storms::turn();
    let uid = storms::unique_uid();
    let tool = storms::traced("opensnoop", uid).start();
    let mut made = storms::storm(uid, 1, 1_000, &["open"]);
    tool.stop();
    made += storms::storm(uid, 2, storms::scaled(1_000_000), &["open"]);
    tool.signal(Signal::SIGCONT);
    made += storms::storm(uid, 1, 1_000, &["open"]);
    let finished = tool.finish().success();
    let lines = finished.lines();
    let rows = lines
        .iter()
        .filter(|line| !line.starts_with("(lost "))
        .count() as u64
        - 1;
    let (events, lost) = storms::told(&finished);
    assert_eq!((rows, events + lost), (events, made), "{}", finished.stderr);
    assert!(lost > 0, "the buffer holds it all: {}", finished.stderr);
}

#[test]
fn thirty_runs_leave_nothing_behind() {
    let mut objects = Vec::new();
    for _ in 0..30 {
        let tool = storms::traced("opensnoop", storms::unique_uid())
            .json()
            .start();
        objects.extend(held(tool.pid()));
        shows(tool.finish(), 0);
    }
    gone(&objects);
}
