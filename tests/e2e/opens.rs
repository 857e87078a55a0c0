// SPDX-License-Identifier: MIT OR Apache-2.0
//! opensnoop tells of each open once, and gets all of it right.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process;
use std::thread;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::{gettid, getuid};
use serde_json::{Value, json};
use tracewell_tests::{Actor, Tool, actor, own_tid, scratch};

use crate::storms::scaled;
use crate::sys::{self, AT_FDCWD, How, c};

fn on_self() -> Tool {
    Tool::new("opensnoop").json().args(["--tid", &own_tid()])
}

/// All of an event but its time and who is behind it, which other tests look at.
pub(crate) fn told(event: &Value) -> Value {
    let mut event = event.clone();
    let fields = event.as_object_mut().unwrap();
    assert!(fields.remove("time").is_some_and(|time| time.is_string()));
    assert!(fields.remove("ppid").is_some_and(|pid| pid.is_u64()));
    assert!(fields.remove("pcomm").is_some_and(|comm| comm.is_string()));
    assert!(fields.remove("cgroup_id").is_some_and(|id| id.is_u64()));
    for name in [
        "ancestors",
        "ancestor_pids",
        "cgroup",
        "unit",
        "container",
        "user",
        "exe",
    ] {
        assert_eq!(fields.remove(name), Some(Value::Null), "{name}");
    }
    assert_eq!(fields.remove("exe_truncated"), Some(json!(false)));
    event
}

/// The event that a successful open by this thread is to be.
struct Expected {
    comm: String,
}

impl Expected {
    fn ok(
        &self,
        file: &OwnedFd,
        dirfd: i32,
        path: &Path,
        flags: &[&str],
        mode: Option<u32>,
    ) -> Value {
        json!({
            "event": "open",
            "pid": process::id(),
            "tid": gettid().as_raw(),
            "uid": getuid().as_raw(),
            "comm": self.comm,
            "fd": file.as_raw_fd(),
            "errno": null,
            "error": null,
            "dirfd": dirfd,
            "path": path.to_str().unwrap(),
            "path_truncated": false,
            "full_path": null,
            "full_path_truncated": false,
            "flags": flags,
            "mode": mode,
            "compat": false,
            "callers": null,
            "callers_truncated": false,
        })
    }
}

#[test]
fn every_call_of_the_family_is_told_once() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    let directory: OwnedFd = File::open(scratch.path()).unwrap().into();
    let expected = Expected {
        comm: sys::own_comm(),
    };
    let tool = on_self().start();

    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_CLOEXEC;
    let openat = sys::openat(AT_FDCWD, &c(at("openat")), flags, 0o640).unwrap();
    let below = sys::openat(
        directory.as_raw_fd(),
        &c("openat"),
        libc::O_WRONLY | libc::O_APPEND,
        0o777,
    )
    .unwrap();
    let how = How {
        flags: (libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL) as u64,
        mode: 0o604,
        resolve: 0,
    };
    let openat2 = sys::openat2(directory.as_raw_fd(), &c("openat2"), how).unwrap();
    let temporary = libc::O_TMPFILE | libc::O_RDWR;
    let tmpfile = sys::openat(AT_FDCWD, &c(scratch.path()), temporary, 0o600).unwrap();
    #[cfg_attr(
        not(target_arch = "x86_64"),
        allow(unused_mut, reason = "no older calls")
    )]
    let mut all = vec![
        expected.ok(
            &openat,
            AT_FDCWD,
            &at("openat"),
            &["O_RDWR", "O_CREAT", "O_CLOEXEC"],
            Some(0o640),
        ),
        expected.ok(
            &below,
            directory.as_raw_fd(),
            Path::new("openat"),
            &["O_WRONLY", "O_APPEND"],
            None,
        ),
        expected.ok(
            &openat2,
            directory.as_raw_fd(),
            Path::new("openat2"),
            &["O_WRONLY", "O_CREAT", "O_EXCL"],
            Some(0o604),
        ),
        expected.ok(
            &tmpfile,
            AT_FDCWD,
            scratch.path(),
            &["O_RDWR", "O_TMPFILE"],
            Some(0o600),
        ),
    ];
    #[cfg(target_arch = "x86_64")]
    let _held = {
        let open = sys::open(&c(at("openat")), libc::O_NONBLOCK, 0o111).unwrap();
        let creat = sys::creat(&c(at("creat")), 0o4711).unwrap();
        let made = ["O_WRONLY", "O_CREAT", "O_TRUNC"];
        all.push(expected.ok(
            &open,
            AT_FDCWD,
            &at("openat"),
            &["O_RDONLY", "O_NONBLOCK"],
            None,
        ));
        all.push(expected.ok(&creat, AT_FDCWD, &at("creat"), &made, Some(0o4711)));
        (open, creat)
    };

    let finished = tool.finish().success();
    let events: Vec<_> = finished.events("open").iter().map(told).collect();
    assert_eq!(events.len(), all.len(), "{events:#?}");
    for (event, expected) in events.iter().zip(&all) {
        assert_eq!(event, expected);
    }
}

#[test]
fn what_fails_says_why() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    File::create(at("file")).unwrap();
    symlink("file", at("link")).unwrap();
    let long = "n".repeat(256);
    let (relative, write) = (c("relative"), libc::O_WRONLY);
    let new = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
    let bad = How {
        flags: 1 << 40,
        mode: 0,
        resolve: 0,
    };

    let tool = on_self().arg("-x").start();
    let results = [
        (at("absent"), sys::read(at("absent")), "ENOENT"),
        (at("file/x"), sys::read(at("file/x")), "ENOTDIR"),
        (
            at("file"),
            sys::openat(AT_FDCWD, &c(at("file")), new, 0o600),
            "EEXIST",
        ),
        (
            scratch.path().to_owned(),
            sys::openat(AT_FDCWD, &c(scratch.path()), write, 0),
            "EISDIR",
        ),
        (
            at("link"),
            sys::openat(AT_FDCWD, &c(at("link")), libc::O_NOFOLLOW, 0),
            "ELOOP",
        ),
        (
            "relative".into(),
            sys::openat(9999, &relative, write, 0),
            "EBADF",
        ),
        (at(&long), sys::read(at(&long)), "ENAMETOOLONG"),
        (
            "relative".into(),
            sys::openat2(AT_FDCWD, &relative, bad),
            "EINVAL",
        ),
    ];
    drop(sys::read(at("file")).unwrap());
    let finished = tool.finish().success();

    // Only those that failed.
    let events = finished.events("open");
    assert_eq!(events.len(), results.len(), "{events:#?}");
    for (event, (path, result, name)) in events.iter().zip(results) {
        let errno = result.unwrap_err();
        assert_eq!(format!("{errno:?}"), name);
        assert_eq!(event["error"], name);
        assert_eq!(event["errno"], errno as i32);
        assert_eq!(event["path"], path.to_str().unwrap());
        assert_eq!(
            (&event["fd"], &event["full_path"]),
            (&Value::Null, &Value::Null)
        );
    }
    assert_eq!(events[5]["dirfd"], 9999);
}

#[test]
fn a_path_that_cannot_be_read_is_null() {
    let tool = on_self().start();
    let unmapped = std::ptr::without_provenance(1);
    let error = sys::openat_address(AT_FDCWD, unmapped, libc::O_RDONLY, 0).unwrap_err();
    assert_eq!(error, Errno::EFAULT);
    let empty = sys::read("").unwrap_err();
    assert_eq!(empty, Errno::ENOENT);
    let finished = tool.finish().success();

    let events = finished.events("open");
    assert_eq!(events.len(), 2);
    assert_eq!(
        (&events[0]["path"], &events[0]["error"]),
        (&Value::Null, &json!("EFAULT"))
    );
    assert_eq!(events[0]["path_truncated"], false);
    assert_eq!(
        (&events[1]["path"], &events[1]["error"]),
        (&json!(""), &json!("ENOENT"))
    );
}

const THREADS: usize = 8;
const EACH: u64 = 500;

actor!(opens_from_many_threads, |stage| {
    let directory = Path::new(stage.arg(0)).to_owned();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let directory = directory.clone();
            thread::spawn(move || {
                for n in 0..scaled(EACH) {
                    drop(sys::openat(
                        AT_FDCWD,
                        &c(directory.join(format!("{thread}.{n}"))),
                        libc::O_RDONLY,
                        0,
                    ));
                }
                gettid().to_string()
            })
        })
        .collect();
    for thread in threads {
        stage.say(thread.join().unwrap());
    }
});

#[test]
fn concurrent_opens_are_each_told_once() {
    let scratch = scratch();
    let actor = Actor::new("opens_from_many_threads")
        .arg(scratch.path())
        .start();
    let pid = actor.pid();
    let tool =
        Tool::new("opensnoop")
            .json()
            .args(["--pid", &pid.to_string(), "--buffer-size", "4m"]);
    let tool = tool.start();
    actor.go();
    let said = actor.finish();
    let finished = tool.finish().success();

    let prefix = format!("{}/", scratch.path().display());
    let mut seen: HashMap<String, u32> = HashMap::new();
    let tids: Vec<u32> = said.lines().map(|tid| tid.parse().unwrap()).collect();
    for event in finished.events("open") {
        assert_eq!(event["pid"], pid);
        // A thread of the C library opens things of its own, such as /sys/devices/system/cpu.
        let Some(name) = event["path"]
            .as_str()
            .and_then(|path| path.strip_prefix(&prefix))
        else {
            continue;
        };
        let thread: usize = name.split('.').next().unwrap().parse().unwrap();
        assert_eq!(event["tid"], tids[thread], "{name}");
        assert_eq!(event["error"], "ENOENT");
        *seen.entry(name.to_owned()).or_default() += 1;
    }
    assert!(seen.values().all(|times| *times == 1), "some came twice");
    finished.accounts_for(seen.len(), THREADS * scaled(EACH) as usize);
}
