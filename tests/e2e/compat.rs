// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls of 32-bit programs, whose numbers mean other calls and whose pointers are shorter.

#[cfg_attr(target_arch = "x86_64", path = "compat/x86.rs")]
#[cfg_attr(target_arch = "aarch64", path = "compat/arm.rs")]
mod machine;

use std::os::unix::process::ExitStatusExt;

use nix::libc;
use serde_json::{Value, json};
use tracewell_tests::{Actor, Finished, Stage, Tool, actor, note, rung};

use self::machine::Calls;

/// What an actor says where there are no 32-bit programs.
const NONE: &str = "none";

const AT_FDCWD: u32 = libc::AT_FDCWD as u32;
const CREATES: u32 = (libc::O_RDWR | libc::O_CREAT) as u32;
const AT_REMOVEDIR: u32 = libc::AT_REMOVEDIR as u32;

/// A 64-bit call that fails by its first argument.
fn native(number: i64) {
    // SAFETY: -1 is no descriptor and no address, so that the calls that are made here touch no memory.
    unsafe { libc::syscall(number, -1, 0, 0, 0, 0) };
}

actor!(opens_by_32_bit_calls, |stage| {
    // What is open, creat and openat to a 32-bit program is something else to this one.
    for number in [5, 8, machine::OPENAT] {
        native(number.into());
    }
    let mut calls = Calls::new();
    for (number, name) in [
        (5, "open"),
        (8, "creat"),
        (machine::OPENAT, "openat"),
        (437, "openat2"),
    ] {
        let path = calls.put_text(&format!("{}/{name}", stage.text(0)));
        let how = calls.put(
            [u64::from(CREATES), 0o604, 0]
                .map(u64::to_ne_bytes)
                .as_flattened(),
        );
        calls.call(
            number,
            &match name {
                "open" => [path, CREATES, 0o601, 0, 0],
                "creat" => [path, 0o602, 0, 0, 0],
                "openat" => [AT_FDCWD, path, CREATES, 0o603, 0],
                _ => [AT_FDCWD, path, how, 24, 0],
            },
        );
    }
    // And the other way round.
    for number in machine::NO_OPENS {
        calls.call(number, &[0; 5]);
    }
    calls.make(stage);
});

actor!(execs_by_32_bit_calls, |stage| {
    let mut calls = Calls::new();
    let path = calls.put_text(stage.text(0));
    let args = ["zero", "", "two words"].map(|arg| calls.put_text(arg));
    let list = calls.put(
        [args[0], args[1], args[2], 0]
            .map(u32::to_ne_bytes)
            .as_flattened(),
    );
    calls.call(11, &[path, list, 0, 0, 0]);
    calls.call(machine::EXECVEAT, &[AT_FDCWD, path, list, 0, 0]);
    for number in machine::NO_EXECS {
        calls.call(number, &[u32::MAX, 0, 0, 0, 0]);
    }
    calls.make(stage);
});

actor!(removes_by_32_bit_calls, |stage| {
    let mut calls = Calls::new();
    let path = calls.put_text(stage.text(0));
    calls.call(10, &[path, 0, 0, 0, 0]);
    calls.call(40, &[path, 0, 0, 0, 0]);
    calls.call(machine::UNLINKAT, &[AT_FDCWD, path, 0, 0, 0]);
    calls.call(machine::UNLINKAT, &[AT_FDCWD, path, AT_REMOVEDIR, 0, 0]);
    calls.make(stage);
});

/// The part of a file that is asked for: of each number the halves, as they lie in memory.
const PART: [[u32; 2]; 2] = [[0x89ab_cdef, 0x12], [0x1000, 0x34]];

/// There is no such descriptor.
const NO_FD: u32 = 9999;

actor!(syncs_by_32_bit_calls, |stage| {
    for number in [36, 118, 144, 148, machine::SYNCFS, machine::SYNC_FILE_RANGE] {
        native(number.into());
    }
    let mut calls = Calls::new();
    calls.call(36, &[]);
    calls.call(machine::SYNCFS, &[NO_FD]);
    calls.call(118, &[NO_FD]);
    calls.call(148, &[NO_FD]);
    // Below the least address that may be mapped.
    calls.call(144, &[0x1000, 0x2000, 3]);
    calls.call(machine::SYNC_FILE_RANGE, &machine::range(NO_FD, PART, 5));
    for number in machine::NO_SYNCS {
        calls.call(number, &[u32::MAX]);
    }
    calls.make(stage);
});

/// What an actor's calls gave, and the events that a tool shows of them; `None` where there are no 32-bit programs.
fn play(tool: &str, name: &str, arg: &str) -> Option<(Finished, Vec<i32>)> {
    let actor = Actor::new(name).arg(arg).start();
    let tool = Tool::new(tool)
        .json()
        .args(["--pid", &actor.pid().to_string()]);
    let tool = if name.starts_with("exec") {
        tool.arg("-x")
    } else {
        tool
    }
    .start();
    actor.go();
    let (status, said) = actor.end();
    let finished = tool.finish().success();
    if said.trim_end() == NONE || status.signal() == Some(libc::SIGSEGV) {
        note("skipped 32-bit calls: this kernel has none");
        return None;
    }
    assert!(status.success(), "{status}");
    let result = |line: &str| u32::from_str_radix(line, 16).unwrap().cast_signed();
    Some((finished, said.lines().map(result).collect()))
}

/// How a result is said: in digits that also a program without any library can make.
fn say(stage: &mut Stage, result: i32) {
    stage.say(format!("{result:08x}"));
}

/// Whether the tool sees no call of a 32-bit program: their system calls have no tracepoints.
fn unseen() -> bool {
    rung().as_deref() == Some("tracepoint")
}

#[test]
fn opens_of_32_bit_callers_are_told() {
    let scratch = tracewell_tests::scratch();
    let directory = scratch.path().to_str().unwrap();
    let Some((finished, fds)) = play("opensnoop", "opens_by_32_bit_calls", directory) else {
        return;
    };
    let events = finished.events("open");
    if unseen() {
        assert_eq!(events, Vec::<Value>::new());
        return;
    }
    let created = json!(["O_RDWR", "O_CREAT"]);
    let truncated = json!(["O_WRONLY", "O_CREAT", "O_TRUNC"]);
    let expected = [
        ("open", 0o601, &created),
        ("creat", 0o602, &truncated),
        ("openat", 0o603, &created),
        ("openat2", 0o604, &created),
    ];
    assert_eq!(events.len(), expected.len(), "{events:#?}");
    for ((event, fd), (name, mode, flags)) in events.iter().zip(fds).zip(expected) {
        assert!(fd >= 0);
        assert_eq!(event["fd"], fd, "{name}");
        assert_eq!(event["path"], format!("{directory}/{name}"));
        assert_eq!(
            (&event["mode"], &event["flags"]),
            (&json!(mode), flags),
            "{name}"
        );
        assert_eq!(
            (&event["dirfd"], &event["compat"]),
            (&json!(-100), &json!(true)),
            "{name}"
        );
    }
}

#[test]
fn failed_execs_of_32_bit_callers_are_told() {
    let Some((finished, results)) = play("execsnoop", "execs_by_32_bit_calls", "/absent/file")
    else {
        return;
    };
    assert_eq!(results[..2], [-libc::ENOENT; 2]);
    assert!(results.iter().all(|result| *result < 0), "{results:?}");
    let mut events = finished.events("exec");
    // Where a program is needed for it, that was executed first.
    let done = events.iter().filter(|event| event["errno"].is_null());
    assert_eq!(done.count(), usize::from(machine::BY_A_PROGRAM));
    events.retain(|event| !event["errno"].is_null());
    if unseen() {
        assert_eq!(events, Vec::<Value>::new());
        return;
    }
    assert_eq!(events.len(), 2, "{events:#?}");
    for (event, via) in events.iter().zip(["execve", "execveat"]) {
        assert_eq!(
            (&event["error"], &event["via"]),
            (&json!("ENOENT"), &json!([via]))
        );
        assert_eq!(event["filename"], "/absent/file");
        assert_eq!(event["args"], json!(["zero", "", "two words"]));
        assert_eq!(event["args_truncated"], false);
    }
}

#[test]
fn removals_by_32_bit_callers_are_told() {
    let Some((finished, results)) = play("unlinksnoop", "removes_by_32_bit_calls", "/absent/file")
    else {
        return;
    };
    assert_eq!(results, [-libc::ENOENT; 4]);
    let events = finished.events("unlink");
    if unseen() {
        assert_eq!(events, Vec::<Value>::new());
        return;
    }
    let ops: Vec<_> = events.iter().map(|event| event["op"].clone()).collect();
    assert_eq!(ops, ["unlink", "rmdir", "unlink", "rmdir"]);
    for event in &events {
        assert_eq!(
            (&event["path"], &event["error"], &event["dirfd"]),
            (&json!("/absent/file"), &json!("ENOENT"), &json!(-100))
        );
    }
}

#[test]
fn syncs_by_32_bit_callers_are_told() {
    let Some((finished, results)) = play("syncsnoop", "syncs_by_32_bit_calls", "") else {
        return;
    };
    let (bad, unmapped) = (-libc::EBADF, -libc::ENOMEM);
    assert_eq!(results[..6], [0, bad, bad, bad, unmapped, bad]);
    assert!(results[6..].iter().all(|result| *result < 0), "{results:?}");
    let events = finished.events("sync");
    if unseen() {
        assert_eq!(events, Vec::<Value>::new());
        return;
    }
    let null = Value::Null;
    let number = |[low, high]: [u32; 2]| json!(u64::from(high) << 32 | u64::from(low));
    let [offset, bytes] = PART.map(number);
    let msync = json!(["MS_ASYNC", "MS_INVALIDATE"]);
    let range = json!(["SYNC_FILE_RANGE_WAIT_BEFORE", "SYNC_FILE_RANGE_WAIT_AFTER"]);
    let fd = json!(NO_FD);
    let expected = [
        ("sync", [&null, &null, &null, &null, &null]),
        ("syncfs", [&fd, &null, &null, &null, &null]),
        ("fsync", [&fd, &null, &null, &null, &null]),
        ("fdatasync", [&fd, &null, &null, &null, &null]),
        (
            "msync",
            [&null, &msync, &null, &json!(0x1000), &json!(0x2000)],
        ),
        ("sync_file_range", [&fd, &range, &offset, &null, &bytes]),
    ];
    assert_eq!(events.len(), expected.len(), "{events:#?}");
    for ((event, result), (call, fields)) in events.iter().zip(results).zip(expected) {
        let names = ["fd", "flags", "offset", "address", "bytes"];
        assert_eq!(names.map(|name| &event[name]), fields, "{call}");
        assert_eq!(
            (&event["call"], &event["ret"], &event["compat"]),
            (&json!(call), &json!(result), &json!(true))
        );
    }
}
