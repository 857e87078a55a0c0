// SPDX-License-Identifier: MIT OR Apache-2.0
//! unlinksnoop tells of each removal once, and gets all of it right.

use std::env;
use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, chroot};
use std::path::Path;
use std::process;
use std::ptr;
use std::thread;

use nix::errno::Errno;
use nix::libc::AT_REMOVEDIR;
use nix::unistd::{gettid, getuid};
use serde_json::{Value, json};
use tracewell_tests::{Actor, Finished, Tool, actor, own_tid, scratch};

pub(crate) use crate::opens::told;
use crate::storms::scaled;
use crate::sys::{self, AT_FDCWD, c, find};

pub(crate) fn on_self() -> Tool {
    Tool::new("unlinksnoop").json().args(["--tid", &own_tid()])
}

/// Whether the run's rung sees the file, not the system call only.
pub(crate) fn sees_files(finished: &Finished) -> bool {
    ["fentry", "kprobe"].contains(&finished.rung().as_str())
}

/// A file that is to be removed, and how many names and readers it will have then.
pub(crate) struct Doomed {
    inode: u64,
    size: u64,
    links: u64,
    open: Option<bool>,
}

impl Doomed {
    pub(crate) fn file(path: &Path, bytes: &[u8]) -> Self {
        fs::write(path, bytes).unwrap();
        Self::of(path, 0, false)
    }

    pub(crate) fn of(path: &Path, links: u64, open: bool) -> Self {
        Self::known(path, links, Some(open))
    }

    /// One of which it may not be known whether it is open.
    pub(crate) fn known(path: &Path, links: u64, open: Option<bool>) -> Self {
        let metadata = fs::symlink_metadata(path).unwrap();
        Self {
            inode: metadata.ino(),
            size: metadata.len(),
            links,
            open,
        }
    }

    /// The event of its removal by this thread.
    pub(crate) fn event(
        &self,
        finished: &Finished,
        op: &str,
        dirfd: i32,
        path: impl AsRef<Path>,
    ) -> Value {
        let file = |value: Value| {
            if sees_files(finished) {
                value
            } else {
                Value::Null
            }
        };
        json!({
            "event": "unlink",
            "pid": process::id(),
            "tid": gettid().as_raw(),
            "uid": getuid().as_raw(),
            "comm": sys::own_comm(),
            "op": op,
            "dirfd": dirfd,
            "path": path.as_ref().to_str().unwrap(),
            "path_truncated": false,
            "full_path": null,
            "full_path_truncated": false,
            "ret": 0,
            "errno": null,
            "error": null,
            "inode": file(json!(self.inode)),
            "size_bytes": file(json!(self.size)),
            "links": file(json!(self.links)),
            "still_open": file(json!(self.open)),
            "probe": finished.rung(),
        })
    }
}

#[test]
fn every_call_is_told_once() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    let directory: OwnedFd = File::open(scratch.path()).unwrap().into();
    let file = Doomed::file(&at("file"), b"hello");
    let below = Doomed::file(&at("below"), b"");
    fs::create_dir(at("directory")).unwrap();
    let removed = Doomed::of(&at("directory"), 0, false);
    #[cfg(target_arch = "x86_64")]
    let (old, old_directory) = {
        fs::create_dir(at("old-directory")).unwrap();
        (
            Doomed::file(&at("old"), &[7; 70_000]),
            Doomed::of(&at("old-directory"), 0, false),
        )
    };

    let tool = on_self().start();
    let below_fd = directory.as_raw_fd();
    sys::unlinkat(AT_FDCWD, &c(at("file")), 0).unwrap();
    sys::unlinkat(below_fd, c"below", 0).unwrap();
    sys::unlinkat(below_fd, c"directory", AT_REMOVEDIR).unwrap();
    #[cfg(target_arch = "x86_64")]
    {
        sys::unlink(&c(at("old"))).unwrap();
        sys::rmdir(&c(at("old-directory"))).unwrap();
    }
    let finished = tool.finish().success();

    #[cfg_attr(
        not(target_arch = "x86_64"),
        allow(unused_mut, reason = "no older calls")
    )]
    let mut expected = vec![
        file.event(&finished, "unlink", AT_FDCWD, at("file")),
        below.event(&finished, "unlink", below_fd, "below"),
        removed.event(&finished, "rmdir", below_fd, "directory"),
    ];
    #[cfg(target_arch = "x86_64")]
    expected.extend([
        old.event(&finished, "unlink", AT_FDCWD, at("old")),
        old_directory.event(&finished, "rmdir", AT_FDCWD, at("old-directory")),
    ]);
    let events: Vec<_> = finished.events("unlink").iter().map(told).collect();
    assert_eq!(events, expected);
}

#[test]
fn what_fails_says_why() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    fs::write(at("file"), "").unwrap();
    fs::create_dir_all(at("full/inner")).unwrap();
    let long = "n".repeat(256);
    let here = |name: &str, flags| sys::unlinkat(AT_FDCWD, &c(at(name)), flags);

    let tool = on_self().arg("-x").start();
    let results = [
        (at("absent"), "unlink", here("absent", 0), "ENOENT"),
        (at("file/x"), "unlink", here("file/x", 0), "ENOTDIR"),
        (at("full"), "unlink", here("full", 0), "EISDIR"),
        (at("full"), "rmdir", here("full", AT_REMOVEDIR), "ENOTEMPTY"),
        (at("file"), "rmdir", here("file", AT_REMOVEDIR), "ENOTDIR"),
        (at(&long), "unlink", here(&long, 0), "ENAMETOOLONG"),
        (
            "relative".into(),
            "unlink",
            sys::unlinkat(9999, c"relative", 0),
            "EBADF",
        ),
        (
            "".into(),
            "unlink",
            sys::unlinkat(AT_FDCWD, c"", 0),
            "ENOENT",
        ),
    ];
    here("file", 0).unwrap();
    let finished = tool.finish().success();

    // Only those that failed.
    let events = finished.events("unlink");
    assert_eq!(events.len(), results.len(), "{events:#?}");
    for (event, (path, op, result, name)) in events.iter().zip(results) {
        let errno = result.unwrap_err();
        assert_eq!(format!("{errno:?}"), name);
        assert_eq!(event["error"], name);
        assert_eq!(event["errno"], errno as i32);
        assert_eq!(event["ret"], -(errno as i32));
        assert_eq!(event["path"], path.to_str().unwrap());
        assert_eq!(event["op"], op);
        for field in ["inode", "size_bytes", "links", "still_open"] {
            assert_eq!(event[field], Value::Null, "{field}");
        }
    }
    assert_eq!(events[6]["dirfd"], 9999);
}

#[test]
fn a_path_that_cannot_be_read_is_null() {
    let tool = on_self().start();
    let unmapped = ptr::without_provenance(1);
    let error = sys::unlinkat_address(AT_FDCWD, unmapped, 0).unwrap_err();
    assert_eq!(error, Errno::EFAULT);
    let too_long = "x/".repeat(2048);
    let error = sys::unlinkat(AT_FDCWD, &c(&too_long), 0).unwrap_err();
    assert_eq!(error, Errno::ENAMETOOLONG);
    let finished = tool.finish().success();

    let events = finished.events("unlink");
    assert_eq!(events.len(), 2, "{events:#?}");
    assert_eq!(
        (&events[0]["path"], &events[0]["error"]),
        (&Value::Null, &json!("EFAULT"))
    );
    assert_eq!(events[0]["path_truncated"], false);
    assert_eq!(events[1]["path_truncated"], true);
    // The kernel makes no copy of what it refuses.
    let shown = (!sees_files(&finished)).then(|| &too_long[..4095]);
    assert_eq!(events[1]["path"], json!(shown));
}

/// Names on both sides of the lengths at which the kernel, or the tool, keeps them elsewhere.
#[test]
fn paths_of_every_length_are_whole() {
    let scratch = scratch();
    let base = format!("{}/", scratch.path().display());
    let names: Vec<CString> = [254, 255, 256, 257, 300, 4000, 4094, 4095]
        .into_iter()
        .map(|length: usize| {
            let slashes = "/".repeat(length - base.len() - 1);
            c(format!("{base}{slashes}x"))
        })
        .collect();
    let tool = on_self().start();
    for name in &names {
        fs::write(scratch.path().join("x"), "").unwrap();
        sys::unlinkat(AT_FDCWD, name, 0).unwrap();
    }
    let finished = tool.finish().success();
    let events = finished.events("unlink");
    let told: Vec<_> = events.iter().map(|event| &event["path"]).collect();
    let made: Vec<_> = names
        .iter()
        .map(|name| json!(name.to_str().unwrap()))
        .collect();
    assert_eq!(told, made.iter().collect::<Vec<_>>());
    assert!(events.iter().all(|event| event["path_truncated"] == false));
}

actor!(unlinks_by_relative_paths, |stage| {
    env::set_current_dir(stage.arg(0)).unwrap();
    let sub: OwnedFd = File::open("sub").unwrap().into();
    // Whether it succeeds is for the test to say.
    let remove = |dirfd: i32, path: &str| _ = sys::unlinkat(dirfd, &c(path), 0);
    remove(AT_FDCWD, "here");
    remove(AT_FDCWD, "sub/./one");
    remove(sub.as_raw_fd(), "two");
    remove(sub.as_raw_fd(), "../sub/absent");
    remove(9999, "nowhere");
    chroot("sub").unwrap();
    remove(AT_FDCWD, "/three");
});

#[test]
fn full_paths_start_where_the_kernel_did() {
    let scratch = scratch();
    let root = scratch.path();
    fs::create_dir(root.join("sub")).unwrap();
    for name in ["here", "sub/one", "sub/two", "sub/three"] {
        fs::write(root.join(name), "").unwrap();
    }
    let actor = Actor::new("unlinks_by_relative_paths").arg(root).start();
    let tool = Tool::new("unlinksnoop")
        .json()
        .args(["-F", "--pid", &actor.pid().to_string()])
        .start();
    actor.go();
    actor.finish();
    let events = tool.finish().success().events("unlink");
    for (given, below) in [
        ("here", "/here"),
        ("sub/./one", "/sub/./one"),
        ("two", "/sub/two"),
        ("../sub/absent", "/sub/../sub/absent"),
        ("/three", "/sub/three"),
    ] {
        let event = find(&events, "path", given);
        assert_eq!(event["full_path"], format!("{}{below}", root.display()));
        assert_eq!(event["full_path_truncated"], false);
    }
    let nowhere = find(&events, "path", "nowhere");
    assert_eq!(nowhere["full_path"], Value::Null);
}

const THREADS: usize = 8;
const EACH: u64 = 300;

actor!(unlinks_from_many_threads, |stage| {
    let directory = Path::new(stage.arg(0)).to_owned();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let directory = directory.clone();
            thread::spawn(move || {
                for n in 0..scaled(EACH) {
                    let path = directory.join(format!("{thread}.{n}"));
                    fs::write(&path, vec![0; n as usize]).unwrap();
                    sys::unlinkat(AT_FDCWD, &c(path), 0).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
});

/// In one directory, whose lock they wait for in turn: that is where returns could be missed.
#[test]
fn concurrent_unlinks_are_each_told_once_or_counted() {
    let scratch = scratch();
    let actor = Actor::new("unlinks_from_many_threads")
        .arg(scratch.path())
        .start();
    let tool = Tool::new("unlinksnoop")
        .json()
        .args(["--pid", &actor.pid().to_string(), "--buffer-size", "4m"])
        .start();
    actor.go();
    actor.finish();
    let finished = tool.finish().success();
    let events = finished.events("unlink");
    let mut seen: Vec<_> = events.iter().map(|event| event["path"].clone()).collect();
    seen.sort_by_key(Value::to_string);
    seen.dedup();
    assert_eq!(seen.len(), events.len(), "some came twice");
    let summary = finished.summary();
    let causes = &summary["lost_by"];
    let lost = |cause: &str| causes.get(cause).map_or(0, |count| count.as_u64().unwrap());
    finished.adds_up(seen.len() as u64, THREADS as u64 * scaled(EACH));
    if finished.rung() != "kprobe" {
        assert_eq!(lost("kprobe_missed"), 0, "{summary}");
    }
    if finished.rung() != "fentry" {
        assert_eq!(lost("fexit_missed"), 0, "{summary}");
    }
    // A program for a file that the kernel refused leaves its event without it.
    if sees_files(&finished) && summary["lost_at_most"] == 0 {
        for event in &events {
            let path = event["path"].as_str().unwrap();
            let (_, n) = path.rsplit_once('.').unwrap();
            assert_eq!(event["size_bytes"], json!(n.parse::<u64>().unwrap()));
        }
    }
}

#[test]
fn a_table_has_the_columns_of_the_page() {
    let scratch = scratch();
    fs::write(scratch.path().join("a\nb"), "").unwrap();
    let tool = Tool::new("unlinksnoop")
        .args(["-T", "-U", "--tid", &own_tid()])
        .start();
    sys::unlinkat(AT_FDCWD, &c(scratch.path().join("a\nb")), 0).unwrap();
    sys::unlinkat(AT_FDCWD, c"/nonexistent", AT_REMOVEDIR).unwrap_err();
    let finished = tool.finish().success();
    let lines = finished.lines();
    let words = |line: &str| -> Vec<String> {
        line.split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(
        words(lines[0]),
        ["TIME", "UID", "TID", "COMM", "OP", "ERR", "PATH"]
    );
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let escaped = format!(r"{}/a\nb", scratch.path().display());
    assert_eq!(words(lines[1])[4..], ["unlink", "0", &escaped]);
    assert_eq!(words(lines[2])[4..], ["rmdir", "ENOENT", "/nonexistent"]);
    let who = [getuid().to_string(), own_tid(), sys::own_comm()];
    assert_eq!(words(lines[1])[1..4], who);
}

#[test]
fn processes_are_chosen_by_a_part_of_their_name() {
    for (name, count) in [(sys::own_comm(), 1), ("another".to_owned(), 0)] {
        let tool = on_self().args(["-n", &name]).start();
        sys::unlinkat(AT_FDCWD, c"/nonexistent", 0).unwrap_err();
        let finished = tool.finish().success();
        assert_eq!(finished.events("unlink").len(), count, "{name}");
    }
}
