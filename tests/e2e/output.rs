// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the outputs look like, and when they come.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use nix::libc;
use nix::sys::stat::{Mode, umask};
use nix::unistd::getpid;
use serde_json::{Value, json};
use tracewell_tests::{Actor, Finished, Tool, actor, forced, own_tid, rung, scratch};

use crate::sys::{self, AT_FDCWD, c};

/// A file that nobody has.
pub(crate) const ABSENT: &str = "/absent/file";

pub(crate) fn columns(finished: &Finished, line: usize) -> Vec<String> {
    finished.lines()[line]
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// Runs opensnoop on two opens of this thread.
pub(crate) fn opens(args: &[&str]) -> Finished {
    let scratch = scratch();
    let file = scratch.path().join("file");
    let tool = Tool::new("opensnoop")
        .args(["--tid", &own_tid()])
        .args(args)
        .start();
    drop(sys::openat(AT_FDCWD, &c(&file), libc::O_WRONLY | libc::O_CREAT, 0o640).unwrap());
    drop(sys::read(ABSENT));
    tool.finish().success()
}

actor!(fails_and_succeeds_to_exec, |_| {
    sys::execve(&c(ABSENT), &[c("zero")]);
    sys::execve(&c("/bin/true"), &[c("true"), c("a b")]);
});

/// Runs execsnoop on an exec that fails and one that does not.
fn execs(args: &[&str]) -> (Finished, String) {
    let actor = Actor::new("fails_and_succeeds_to_exec").start();
    let pid = actor.pid().to_string();
    let tool = Tool::new("execsnoop")
        .args(["-x", "--pid", &pid])
        .args(args)
        .start();
    actor.go();
    actor.finish();
    // It ends with the process that it names.
    (tool.wait().success(), pid)
}

/// What is said of that.
fn ended(pid: &str) -> String {
    format!("execsnoop: process {pid} (--pid) has ended\n")
}

#[test]
fn opensnoop_has_the_columns_that_its_users_know() {
    let tid = own_tid();
    let cases: [(&[&str], &str, usize); 6] = [
        (&[], "TID COMM FD ERR PATH", 0),
        (&["-T"], "TIME TID COMM FD ERR PATH", 1),
        (&["-U"], "UID TID COMM FD ERR PATH", 1),
        (&["-e"], "TID COMM FD ERR FLAGS MODE PATH", 0),
        (&["-F"], "TID COMM FD ERR PATH", 0),
        (&["-TUeF"], "TIME UID TID COMM FD ERR FLAGS MODE PATH", 2),
    ];
    for (args, header, id) in cases {
        let finished = opens(args);
        let names = columns(&finished, 0);
        assert_eq!(names.join(" "), header, "{args:?}");
        assert_eq!(finished.lines().len(), 3, "{args:?}");
        let (made, failed) = (columns(&finished, 1), columns(&finished, 2));
        assert_eq!(
            (made.len(), failed.len()),
            (names.len(), names.len()),
            "{args:?}"
        );
        let cell = |row: &[String], name: &str| {
            let column = names.iter().position(|header| header == name).expect(name);
            row[column].clone()
        };
        assert_eq!((&made[id], &failed[id]), (&tid, &tid), "{args:?}");
        assert!(cell(&made, "FD").parse::<u32>().is_ok());
        assert_eq!(
            (cell(&made, "ERR"), cell(&failed, "ERR")),
            ("0".into(), "ENOENT".into())
        );
        assert_eq!(
            (cell(&failed, "FD"), cell(&failed, "PATH")),
            ("-1".into(), ABSENT.into())
        );
        if header.contains("FLAGS") {
            assert_eq!(
                (cell(&made, "FLAGS"), cell(&made, "MODE")),
                ("O_WRONLY|O_CREAT".into(), "0640".into())
            );
            assert_eq!(
                (cell(&failed, "FLAGS"), cell(&failed, "MODE")),
                ("O_RDONLY".into(), "-".into())
            );
        }
        if header.contains("UID") {
            assert_eq!(cell(&made, "UID"), nix::unistd::getuid().to_string());
        }
        assert_eq!(finished.stderr, "opensnoop: 2 events, 0 lost\n");
    }
}

#[test]
fn a_process_is_shown_by_its_number_where_no_thread_is_asked_for() {
    let actor = Actor::new("fails_and_succeeds_to_exec").start();
    let tool = Tool::new("opensnoop")
        .args(["-p", &actor.pid().to_string()])
        .start();
    assert_eq!(
        tool.stdout_until(|out| out.ends_with(b"\n")),
        b"PID     COMM              FD ERR     PATH\n"
    );
    actor.go();
    drop(actor.end());
    drop(tool.finish().success());
}

#[test]
fn execsnoop_has_the_columns_that_its_users_know() {
    let cases: [(&[&str], &str); 7] = [
        (&[], "PCOMM PID PPID RET ARGS"),
        (&["-T"], "TIME PCOMM PID PPID RET ARGS"),
        (&["-t"], "TIME(s) PCOMM PID PPID RET ARGS"),
        (&["-U"], "UID PCOMM PID PPID RET ARGS"),
        (&["-C"], "PCOMM PID PPID CPU RET ARGS"),
        (&["-M"], "COMM PID PCOMM PPID RET ARGS"),
        (
            &["-TtUMC"],
            "TIME TIME(s) UID COMM PID PCOMM PPID CPU RET ARGS",
        ),
    ];
    for (args, header) in cases {
        let (finished, pid) = execs(args);
        let names = columns(&finished, 0);
        assert_eq!(names.join(" "), header, "{args:?}");
        assert_eq!(finished.lines().len(), 3, "{args:?}");
        let row = columns(&finished, 2);
        let cell = |name: &str| {
            let column = names.iter().position(|header| header == name).expect(name);
            row[column].clone()
        };
        assert_eq!(
            (cell("PID"), cell("PPID")),
            (pid.clone(), getpid().to_string()),
            "{args:?}"
        );
        assert_eq!(
            cell(if args.is_empty() || !header.contains(" PCOMM PPID") {
                "PCOMM"
            } else {
                "COMM"
            }),
            "true"
        );
        assert_eq!(cell("RET"), "0");
        assert!(
            finished.lines()[2].ends_with(" /bin/true \"a b\""),
            "{:?}",
            finished.lines()
        );
        assert!(
            finished.lines()[1].ends_with(&format!(" -ENOENT {ABSENT}")),
            "{:?}",
            finished.lines()
        );
        let said = ended(&pid) + "execsnoop: 2 events, 0 lost\n";
        assert_eq!(finished.stderr, said);
    }
    let (finished, _) = execs(&["-q"]);
    assert!(
        finished.lines()[2].ends_with(r#" "/bin/true" "a b""#),
        "{:?}",
        finished.lines()
    );
}

#[test]
fn the_header_comes_before_any_event() {
    for tool in ["opensnoop", "execsnoop"] {
        // A user that nobody is: nothing happens.
        let tool = Tool::new(tool).args(["--uid", "4294967294"]).start();
        let header = tool.stdout_until(|out| out.ends_with(b"\n"));
        assert!(header.ends_with(b"PATH\n") || header.ends_with(b"ARGS\n"));
        assert_eq!(tool.finish().success().lines().len(), 1);
    }
}

#[test]
fn a_reader_of_a_pipe_sees_an_event_while_the_tool_idles() {
    for format in ["json", "table", "csv"] {
        let tool = Tool::new("opensnoop")
            .args(["--format", format, "--tid", &own_tid()])
            .start();
        for name in ["/absent/first", "/absent/second"] {
            drop(sys::read(name));
            tool.stdout_until(|out| {
                out.ends_with(b"\n") && out.windows(name.len()).any(|part| part == name.as_bytes())
            });
        }
        drop(tool.finish().success());
    }
}

#[test]
fn a_file_is_made_with_the_callers_umask_or_emptied() {
    let scratch = scratch();
    let file = scratch.path().join("out");
    for mask in [0o027, 0o077] {
        drop(fs::remove_file(&file));
        for run in 0..2 {
            let mut tool = Tool::new("opensnoop")
                .json()
                .args(["--tid", &own_tid()])
                .output(&file);
            let set = move || {
                umask(Mode::from_bits_truncate(mask));
                Ok(())
            };
            // SAFETY: it makes one system call.
            unsafe { tool.command().pre_exec(set) };
            let running = tool.start();
            drop(sys::read(ABSENT));
            let finished = running.finish().success();
            assert!(finished.stdout.is_empty() && finished.stderr.is_empty());
            let mut written = finished.clone();
            written.stdout = fs::read(&file).unwrap();
            // Emptied, not appended to, the second time.
            assert_eq!(written.objects().len(), 2, "run {run}");
            assert_eq!(written.summary()["events"], 1);
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o666 & !mask);
        }
    }
}

#[test]
fn a_summary_agrees_with_what_it_sums_up() {
    let (execs, pid) = execs(&["--format", "json"]);
    // JSON says the rest on its own stream.
    for (finished, said) in [
        (opens(&["--format", "json"]), String::new()),
        (execs, ended(&pid)),
    ] {
        let summary = finished.summary();
        let names: Vec<_> = summary
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut expected = [
            "event",
            "tool",
            "events",
            "lost",
            "lost_by",
            "lost_at_most",
            "lost_at_most_by",
            "account",
            "duration_ms",
            "rung",
            "buffer",
        ];
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!(summary["tool"], finished.name);
        assert_eq!(summary["events"], finished.objects().len() - 1);
        assert_eq!(summary["events"], 2);
        assert_eq!(summary["lost"], 0);
        let lost_by = summary["lost_by"].as_object().unwrap();
        assert_eq!(lost_by.values().filter_map(Value::as_u64).sum::<u64>(), 0);
        assert!(summary["duration_ms"].is_u64());
        let rungs = rung().map_or_else(
            || json!(["tp_btf", "raw_tp", "raw_syscalls", "tracepoint"]),
            |rung| json!([rung]),
        );
        assert!(
            rungs.as_array().unwrap().contains(&summary["rung"]),
            "{summary}"
        );
        let buffers =
            forced("--buffer").map_or_else(|| json!(["ring", "perf"]), |buffer| json!([buffer]));
        assert!(
            buffers.as_array().unwrap().contains(&summary["buffer"]),
            "{summary}"
        );
        assert_eq!(finished.stderr, said);
    }
}
