// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the start and the end of a call are joined by a map, calls that find no room in it are counted, not forgotten.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread::{scope, sleep, spawn};
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::{gettid, mkfifo};
use serde_json::json;
use tracewell_tests::{Actor, Tool, actor, patience, rungs, scratch};

use crate::accounts::{Load, THREADS, execs, failing_execs, lookups, unlinks};
use crate::biolatency;
use crate::disk::Disk;
use crate::kernel::{with_own_mounts, with_tracefs};
use crate::storms::{turn, unique_uid};
use crate::sys::{self, c};

/// How many opens wait at once.
const WAITING: usize = 5;

fn pipe_of(directory: &Path, index: usize) -> PathBuf {
    directory.join(index.to_string())
}

/// Waits until this thread sleeps in a system call of the open family.
pub(crate) fn sleeps_in_open(pid: u32, tid: &str) {
    let path = format!("/proc/{pid}/task/{tid}/syscall");
    let until = Instant::now() + patience();
    loop {
        let call = fs::read_to_string(&path).unwrap();
        if ["257 ", "56 "].iter().any(|open| call.starts_with(open)) {
            return;
        }
        assert!(
            Instant::now() < until,
            "{tid} never came to its open: {call}"
        );
        sleep(Duration::from_millis(1));
    }
}

// Its argument: a directory with pipes. One thread for each waits in its open until the other end is opened.
actor!(waits_in_opens, |stage| {
    let directory = PathBuf::from(stage.arg(0));
    // The C library opens files for new threads; that is over when they have come here.
    let ready = Arc::new(Barrier::new(WAITING + 1));
    let (tell, told) = channel();
    let threads: Vec<_> = (0..WAITING)
        .map(|index| {
            let path = c(pipe_of(&directory, index));
            let (ready, tell) = (Arc::clone(&ready), tell.clone());
            spawn(move || {
                tell.send(gettid().to_string()).unwrap();
                ready.wait();
                sys::openat(sys::AT_FDCWD, &path, libc::O_RDONLY, 0).unwrap()
            })
        })
        .collect();
    let tids: Vec<_> = (0..WAITING).map(|_| told.recv().unwrap()).collect();
    stage.say(tids.join(" "));
    stage.wait();
    ready.wait();
    stage.wait();
    for (index, thread) in threads.into_iter().enumerate() {
        let path = c(pipe_of(&directory, index));
        drop(sys::openat(sys::AT_FDCWD, &path, libc::O_WRONLY, 0).unwrap());
        drop(thread.join().unwrap());
    }
});

#[test]
fn calls_beyond_the_map_are_lost_and_no_others() {
    with_own_mounts(|| {
        with_tracefs();
        let rungs = rungs("opensnoop", &[]);
        // What raw_syscalls needs lets the exit of a call do alone on the last rung too.
        let joins = !rungs.iter().any(|rung| rung == "raw_syscalls");
        for rung in rungs {
            let scratch = scratch();
            for index in 0..WAITING {
                mkfifo(&pipe_of(scratch.path(), index), Mode::S_IRWXU).unwrap();
            }
            let mut actor = Actor::new("waits_in_opens").arg(scratch.path()).start();
            actor.go();
            let tids = actor.hear();
            let tool = Tool::new("opensnoop")
                .json()
                .args(["--pid", &actor.pid().to_string()])
                .args(["--probe", &rung, "--inflight", "3"])
                .start();
            actor.go();
            for tid in tids.split(' ') {
                sleeps_in_open(actor.pid(), tid);
            }
            actor.go();
            actor.finish();
            let finished = tool.finish().success();
            let events = finished.events("open");
            let waited = events.iter().filter(|event| {
                let path = event["path"].as_str().unwrap_or_default();
                path.starts_with(scratch.path().to_str().unwrap())
                    && event["flags"][0] == "O_RDONLY"
            });
            let waited = waited.count();
            let summary = finished.summary();
            if rung == "tracepoint" && joins {
                assert_eq!(waited, 3, "{summary}");
                // And the other ends, as long as nobody has made room.
                let full = summary["lost_by"]["inflight_full"].as_u64();
                assert!(full >= Some(2), "{summary}");
                let told = events.len() as u64 + summary["lost"].as_u64().unwrap();
                assert_eq!(told, 2 * WAITING as u64, "{summary}");
            } else {
                assert_eq!(
                    (waited, &summary["lost"]),
                    (WAITING, &json!(0)),
                    "{rung}: {summary}"
                );
            }
        }
    });
}

/// On each rung, with room for one call: whatever the map has no room for is told.
fn with_room_for_one(load: &Load, joins: &[&str]) {
    let _turn = turn();
    with_own_mounts(|| {
        with_tracefs();
        for rung in load.rungs() {
            let uid = unique_uid();
            let tool = load
                .traced(uid)
                .json()
                .args(["--probe", &rung, "--inflight", "1", "--buffer-size", "8m"])
                .start();
            let made = load.make(uid);
            let finished = tool.finish().success();
            load.adds_up(&finished, made);
            let full = finished.summary()["lost_by"]["inflight_full"].clone();
            assert!(
                full.is_null() || joins.contains(&rung.as_str()),
                "{rung}: {full}"
            );
        }
    });
}

#[test]
fn unlinks_with_room_for_one() {
    with_room_for_one(&unlinks(), &["fentry", "kprobe", "tracepoint"]);
}

#[test]
fn failing_execs_with_room_for_one() {
    with_room_for_one(&failing_execs(), &["tracepoint"]);
}

#[test]
fn lookups_with_room_for_one() {
    with_room_for_one(&lookups(), &["uprobe_multi", "uprobe"]);
}

/// A success is told by another hook, so the map has nothing to do with it.
#[test]
fn execs_that_succeed_need_no_room() {
    let mut load = execs();
    load.options = vec!["-x".to_owned()];
    with_room_for_one(&load, &[]);
}

#[test]
fn requests_with_room_for_few() {
    with_own_mounts(|| {
        with_tracefs();
        for rung in rungs("biolatency", &[]) {
            for room in [1, 3] {
                let disk = Disk::new();
                let tool = biolatency::of(&disk)
                    .json()
                    .args(["--probe", &rung, "--inflight", &room.to_string()])
                    .start();
                scope(|scope| {
                    for _ in 0..THREADS {
                        scope.spawn(|| disk.open().read(500));
                    }
                });
                let finished = tool.finish().success();
                biolatency::adds_up(&finished, THREADS * 500);
                let full = &finished.summary()["lost_by"]["inflight_full"];
                assert!(
                    room > 1 || full.as_u64() > Some(0),
                    "{rung}: room for all: {full}"
                );
            }
        }
    });
}
