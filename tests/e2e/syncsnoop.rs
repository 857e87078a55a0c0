// SPDX-License-Identifier: MIT OR Apache-2.0
//! syncsnoop tells of each request to write back once, and gets all of it right.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::process;
use std::thread;
use std::time::Instant;

use nix::errno::Errno;
use nix::libc::{self, MS_ASYNC, MS_INVALIDATE, MS_SYNC};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::{gettid, getuid};
use serde_json::{Value, json};
use tracewell_tests::{Actor, Tool, actor, own_tid};

use crate::opens::told;
use crate::schema::check_all;
use crate::storms::scaled;
use crate::sys;

const WAIT_BEFORE: u32 = libc::SYNC_FILE_RANGE_WAIT_BEFORE;
const WRITE: u32 = libc::SYNC_FILE_RANGE_WRITE;
const WAIT_AFTER: u32 = libc::SYNC_FILE_RANGE_WAIT_AFTER;

/// There is no such descriptor.
const NO_FD: i32 = 9999;

/// Where nothing is mapped: low addresses may not be.
const UNMAPPED: usize = 0x1000;

fn on_self() -> Tool {
    Tool::new("syncsnoop").json().args(["--tid", &own_tid()])
}

/// A file of so many bytes, in memory: there is nothing to be written back, and no disk to wait for.
fn file_of(bytes: u64) -> File {
    let file = File::from(memfd_create(c"sync", MFdFlags::MFD_CLOEXEC).unwrap());
    file.set_len(bytes).unwrap();
    file
}

/// The event of a call by this thread that takes a descriptor or nothing, with what differs.
fn expected(call: &str, fd: Option<i32>, differs: &Value) -> Value {
    let mut event = json!({
        "event": "sync",
        "pid": process::id(),
        "tid": gettid().as_raw(),
        "uid": getuid().as_raw(),
        "comm": sys::own_comm(),
        "call": call,
        "fd": fd,
        "ret": 0,
        "errno": null,
        "error": null,
        "flags": null,
        "offset": null,
        "address": null,
        "bytes": null,
        "compat": false,
        "duration_ns": null,
    });
    for (name, value) in differs.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

#[test]
fn every_call_of_the_family_is_told_once() {
    let file = file_of(8192);
    let fd = file.as_raw_fd();
    // SAFETY: it is new memory, which nobody looks at.
    let memory = unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let memory = libc::mmap(std::ptr::null_mut(), 8192, access, libc::MAP_SHARED, fd, 0);
        assert_ne!(memory, libc::MAP_FAILED);
        memory.addr()
    };
    let none = json!({});
    let tool = on_self().start();
    sys::sync();
    sys::syncfs(fd).unwrap();
    sys::fsync(fd).unwrap();
    sys::fdatasync(fd).unwrap();
    sys::msync(memory, 8192, MS_SYNC | MS_INVALIDATE).unwrap();
    sys::msync(memory + 4096, 1, MS_ASYNC).unwrap();
    sys::sync_file_range(fd, 4096, 100, WAIT_BEFORE | WRITE | WAIT_AFTER).unwrap();
    sys::sync_file_range(fd, 1 << 40, 1 << 33, 0).unwrap();
    let finished = tool.finish().success();

    check_all(&finished);
    let all = [
        expected("sync", None, &none),
        expected("syncfs", Some(fd), &none),
        expected("fsync", Some(fd), &none),
        expected("fdatasync", Some(fd), &none),
        expected(
            "msync",
            None,
            &json!({"address": memory, "bytes": 8192, "flags": ["MS_INVALIDATE", "MS_SYNC"]}),
        ),
        expected(
            "msync",
            None,
            &json!({"address": memory + 4096, "bytes": 1, "flags": ["MS_ASYNC"]}),
        ),
        expected(
            "sync_file_range",
            Some(fd),
            &json!({"offset": 4096, "bytes": 100, "flags": [
                "SYNC_FILE_RANGE_WAIT_BEFORE", "SYNC_FILE_RANGE_WRITE", "SYNC_FILE_RANGE_WAIT_AFTER",
            ]}),
        ),
        expected(
            "sync_file_range",
            Some(fd),
            &json!({"offset": 1_u64 << 40, "bytes": 1_u64 << 33, "flags": []}),
        ),
    ];
    let events: Vec<_> = finished.events("sync").iter().map(told).collect();
    assert_eq!(events.len(), all.len(), "{events:#?}");
    for (event, expected) in events.iter().zip(&all) {
        assert_eq!(event, expected);
    }
}

#[test]
fn what_fails_says_why() {
    let file = file_of(4096);
    let fd = file.as_raw_fd();
    let device = File::open("/dev/null").unwrap();
    let (pipe, _writer) = std::io::pipe().unwrap();
    let (pipe, device) = (pipe.as_raw_fd(), device.as_raw_fd());

    let tool = on_self().arg("-x").start();
    let results = [
        ("fsync", sys::fsync(NO_FD), "EBADF"),
        ("fdatasync", sys::fdatasync(-1), "EBADF"),
        ("syncfs", sys::syncfs(i32::MIN), "EBADF"),
        ("fsync", sys::fsync(device), "EINVAL"),
        // Not only files that can be read and written come to a call.
        (
            "sync_file_range",
            sys::sync_file_range(pipe, 0, 0, 0),
            "ESPIPE",
        ),
        (
            "sync_file_range",
            sys::sync_file_range(fd, -1, 1, 0),
            "EINVAL",
        ),
        (
            "sync_file_range",
            sys::sync_file_range(fd, 0, -2, 0),
            "EINVAL",
        ),
        // Bits without a name.
        (
            "sync_file_range",
            sys::sync_file_range(fd, 0, 0, 0x8000_0002),
            "EINVAL",
        ),
        ("msync", sys::msync(UNMAPPED, 1, MS_ASYNC), "ENOMEM"),
        ("msync", sys::msync(UNMAPPED + 1, 1, MS_SYNC), "EINVAL"),
        ("msync", sys::msync(usize::MAX, usize::MAX, -1), "EINVAL"),
    ];
    // What succeeds is not told.
    sys::fsync(fd).unwrap();
    let finished = tool.finish().success();

    check_all(&finished);
    let events = finished.events("sync");
    assert_eq!(events.len(), results.len(), "{events:#?}");
    for (event, (call, result, name)) in events.iter().zip(results) {
        let errno = result.unwrap_err();
        assert_eq!(format!("{errno:?}"), name, "{call}");
        assert_eq!(
            (&event["call"], &event["error"]),
            (&json!(call), &json!(name))
        );
        assert_eq!(event["errno"], errno as i32);
        assert_eq!(event["ret"], -(errno as i32));
    }
    let of = |field: &str| {
        events
            .iter()
            .map(|event| event[field].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("fd")[..3], [json!(NO_FD), json!(-1), json!(i32::MIN)]);
    assert_eq!(of("offset")[5], -1);
    assert_eq!(of("bytes")[6], u64::MAX - 1);
    assert_eq!(of("flags")[7], json!(["SYNC_FILE_RANGE_WRITE"]));
    assert_eq!(
        of("address")[8..],
        [json!(UNMAPPED), json!(UNMAPPED + 1), json!(usize::MAX)]
    );
    let all = json!(["MS_ASYNC", "MS_INVALIDATE", "MS_SYNC"]);
    assert_eq!(
        (&of("bytes")[10], &of("flags")[10]),
        (&json!(usize::MAX), &all)
    );
}

/// The rows of the table, without what is in front of them.
fn rows(args: &[&str]) -> (String, Vec<Vec<String>>) {
    let tool = Tool::new("syncsnoop").args(["-t", &own_tid()]).args(args);
    let tool = tool.start();
    sys::set_comm(b"two words");
    sys::msync(UNMAPPED, 1, MS_ASYNC).unwrap_err();
    sys::sync_file_range(NO_FD, 5, 6, WRITE).unwrap_err();
    let finished = tool.finish().success();
    // Before it may stand that a rung's account is not known.
    let summary = finished.stderr.lines().last();
    assert_eq!(summary, Some("syncsnoop: 2 events, 0 lost"));
    let lines = finished.lines();
    let words = |line: &&str| line.split_whitespace().map(str::to_owned).collect();
    (lines[0].to_owned(), lines[1..].iter().map(words).collect())
}

#[test]
fn the_table_has_the_columns_that_were_asked_for() {
    let tid = own_tid();
    let uid = getuid().to_string();
    let (header, table) = rows(&[]);
    assert_eq!(header, "TID     COMM             CALL             FD ERR");
    assert_eq!(table[0], [&tid, "two\\x20words", "msync", "-", "ENOMEM"]);
    assert_eq!(
        table[1],
        [&tid, "two\\x20words", "sync_file_range", "9999", "EBADF"]
    );
    let (header, table) = rows(&["-T", "-U"]);
    assert_eq!(
        header,
        "TIME            UID     TID     COMM             CALL             FD ERR"
    );
    assert_eq!(table[0][1..3], [uid, tid]);
    let (_, table) = rows(&["--columns", "call,flags,offset,address,bytes"]);
    assert_eq!(table[0], ["msync", "MS_ASYNC", "-", "4096", "1"]);
    assert_eq!(
        table[1],
        ["sync_file_range", "SYNC_FILE_RANGE_WRITE", "5", "-", "6"]
    );
}

#[test]
fn a_call_takes_no_longer_than_who_makes_it_waits() {
    const EACH: usize = 100;
    let file = file_of(4096);
    let start = |args: &[&str]| on_self().args(args).start();
    let options: [&[&str]; 4] = [
        &["-L"],
        &["--min-duration", "1ns"],
        &["--min-duration", "1h"],
        &["-x", "--where", "duration_ns > 0"],
    ];
    let tools = options.map(start);
    let waited: Vec<_> = (0..EACH)
        .map(|_| {
            let began = Instant::now();
            sys::fdatasync(file.as_raw_fd()).unwrap();
            let succeeded = began.elapsed();
            sys::fdatasync(NO_FD).unwrap_err();
            [succeeded, began.elapsed() - succeeded]
        })
        .collect();
    let [all, some, none, failed] = tools.map(|tool| tool.finish().success());

    for (finished, seen) in [
        (&all, 2 * EACH),
        (&some, 2 * EACH),
        (&none, 0),
        (&failed, EACH),
    ] {
        check_all(finished);
        assert_eq!(finished.summary()["lost"], 0, "{}", finished.summary());
        assert_eq!(finished.events("sync").len(), seen);
    }
    let waited = waited.concat();
    for finished in [&all, &some] {
        for (event, waited) in finished.events("sync").iter().zip(&waited) {
            let took = event["duration_ns"].as_u64().unwrap();
            assert!(took > 0, "{event}");
            assert!(u128::from(took) < waited.as_nanos(), "{event} {waited:?}");
        }
    }
}

#[test]
fn durations_are_a_column_on_request() {
    let (header, table) = rows(&["-L"]);
    assert_eq!(
        header,
        "TID     COMM             CALL             FD   LAT(ms) ERR"
    );
    let millis: f64 = table[0][4].parse().unwrap();
    assert!(millis >= 0.0, "{table:?}");
    assert_eq!(table[0][4].split('.').nth(1).unwrap().len(), 3);
    let (_, table) = rows(&["--columns", "call,lat(ms),errno"]);
    assert_eq!((table[0].len(), table[1].len()), (3, 3), "{table:?}");
}

#[test]
fn conditions_know_calls_and_flags_by_their_names() {
    for (condition, seen) in [
        ("call == \"msync\"", 1),
        ("call in (\"fsync\", \"sync_file_range\") && fd > 9998", 2),
        ("flags has SYNC_FILE_RANGE_WRITE && bytes >= 4k", 1),
        ("flags == null", 1),
    ] {
        let tool = on_self().args(["--where", condition]).start();
        sys::fsync(NO_FD).unwrap_err();
        sys::msync(UNMAPPED, 1, MS_ASYNC).unwrap_err();
        sys::sync_file_range(NO_FD, 0, 4096, WRITE).unwrap_err();
        let finished = tool.finish().success();
        assert_eq!(finished.events("sync").len(), seen, "{condition}");
    }
    for (condition, said) in [
        ("call == \"fsnyc\"", "fsnyc"),
        ("flags has O_SYNC", "O_SYNC"),
    ] {
        let finished = Tool::new("syncsnoop").args(["--where", condition]).run();
        let finished = finished.ended_with(2);
        assert!(finished.stderr.contains(said), "{}", finished.stderr);
    }
}

const THREADS: usize = 8;
const EACH: u64 = 500;

actor!(syncs_from_many_threads, |stage| {
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            thread::spawn(move || {
                for n in 0..scaled(EACH) {
                    let fd = number(thread, n);
                    assert_eq!(sys::fdatasync(fd), Err(Errno::EBADF));
                }
                gettid().to_string()
            })
        })
        .collect();
    for thread in threads {
        stage.say(thread.join().unwrap());
    }
});

/// A descriptor that nobody has, and that says whose call it is.
fn number(thread: usize, n: u64) -> i32 {
    1_000_000 * (thread as i32 + 1) + n as i32
}

#[test]
fn concurrent_syncs_are_each_told_once() {
    let actor = Actor::new("syncs_from_many_threads").start();
    let pid = actor.pid();
    let tool =
        Tool::new("syncsnoop")
            .json()
            .args(["--pid", &pid.to_string(), "--buffer-size", "4m"]);
    let tool = tool.start();
    actor.go();
    let said = actor.finish();
    let finished = tool.finish().success();

    let tids: Vec<u32> = said.lines().map(|tid| tid.parse().unwrap()).collect();
    let mut seen: HashMap<i64, u32> = HashMap::new();
    for event in finished.events("sync") {
        let fd = event["fd"].as_i64().unwrap();
        assert_eq!(event["tid"], tids[(fd / 1_000_000) as usize - 1], "{fd}");
        assert_eq!(event["error"], "EBADF");
        *seen.entry(fd).or_default() += 1;
    }
    assert!(seen.values().all(|times| *times == 1), "some came twice");
    finished.accounts_for(seen.len(), THREADS * scaled(EACH) as usize);
}
