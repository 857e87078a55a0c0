// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to write back by each call, each of which would be a lie with the name, the result or the arguments of another.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::{MS_ASYNC, SYNC_FILE_RANGE_WRITE};
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde_json::{Value, json};
use tracewell_tests::{Actor, actor};

use super::load::{Beside, Part, play, trace};
use super::truth::{holds, is};
use crate::sys;

/// A thread, and which call it makes. A number of its own is in an argument of each.
struct Syncer {
    name: &'static str,
    call: &'static str,
    period: Option<u64>,
    /// What its numbers begin at.
    base: u64,
    sync: fn(u64, &OwnedFd) -> Result<(), Errno>,
    /// The field that its number is told in, and what it is multiplied by.
    field: (&'static str, u64),
    error: Option<&'static str>,
}

/// Where nothing is mapped, to so many pages' numbers: between what is mapped first and last.
const UNMAPPED: u64 = 1 << 28;

const SYNCERS: &[Syncer] = &[
    Syncer {
        name: "a",
        call: "fsync",
        period: None,
        base: 1_000_000,
        sync: |number, _| sys::fsync(number as i32),
        field: ("fd", 1),
        error: Some("EBADF"),
    },
    Syncer {
        name: "b",
        call: "sync_file_range",
        period: None,
        base: 0,
        sync: |number, file| {
            sys::sync_file_range(file.as_raw_fd(), number as i64, 7, SYNC_FILE_RANGE_WRITE)
        },
        field: ("offset", 1),
        error: None,
    },
    Syncer {
        name: "c",
        call: "msync",
        period: Some(90),
        base: UNMAPPED,
        sync: |number, _| sys::msync(4096 * number as usize, 8, MS_ASYNC),
        field: ("address", 4096),
        error: Some("ENOMEM"),
    },
    Syncer {
        name: "d",
        call: "fdatasync",
        period: Some(140),
        base: 2_000_000,
        sync: |number, _| sys::fdatasync(number as i32),
        field: ("fd", 1),
        error: Some("EBADF"),
    },
    Syncer {
        name: "e",
        call: "syncfs",
        period: Some(190),
        base: 3_000_000,
        sync: |number, _| sys::syncfs(number as i32),
        field: ("fd", 1),
        error: Some("EBADF"),
    },
];

impl Syncer {
    fn part(&'static self) -> Part {
        // In memory, where there is nothing to wait for.
        let file = memfd_create(c"sync", MFdFlags::MFD_CLOEXEC).unwrap();
        Part {
            name: self.name,
            period: self.period.map(Duration::from_micros),
            round: Box::new(move |number| {
                let result = (self.sync)(self.base + number as u64, &file);
                let error = result.err().map(|errno| format!("{errno:?}"));
                assert_eq!(error.as_deref(), self.error, "{}", self.call);
                1
            }),
        }
    }
}

// Its argument: how many rounds.
actor!(syncs_by_all_calls, |stage| {
    let rounds = stage.text(0).parse().unwrap();
    play(stage, rounds, SYNCERS.iter().map(Syncer::part).collect());
});

/// Whether the event is what the thread's name says; gives the thread and the number.
fn told(event: &Value) -> Result<String, String> {
    let comm = event["comm"].as_str().unwrap_or_default();
    let syncer = SYNCERS.iter().find(|syncer| syncer.name == comm);
    let syncer = syncer.ok_or("nobody of that name made a call")?;
    is(event, "call", syncer.call)?;
    is(event, "error", json!(syncer.error))?;
    let (field, times) = syncer.field;
    let number = event[field].as_u64().ok_or("no number")?;
    // No load has as many rounds.
    let own = syncer.base * times..(syncer.base + 1_000_000) * times;
    if !own.contains(&number) || number % times != 0 {
        return Err("the number is not this thread's".into());
    }
    let (bytes, flags) = match syncer.call {
        "msync" => (json!(8), json!(["MS_ASYNC"])),
        "sync_file_range" => (json!(7), json!(["SYNC_FILE_RANGE_WRITE"])),
        _ => (Value::Null, Value::Null),
    };
    is(event, "bytes", bytes)?;
    is(event, "flags", flags)?;
    Ok(format!("{comm} {number}"))
}

fn mixed(beside: Beside) {
    let actor = Actor::new("syncs_by_all_calls").arg(beside.rounds(3000).to_string());
    let (finished, made) = trace("syncsnoop", &[], actor, beside);
    holds(&finished, "sync", beside, made, told);
}

#[test]
fn syncs_are_what_they_were() {
    mixed(Beside::Nothing);
}

#[test]
fn syncs_beside_a_reader_of_a_map() {
    mixed(Beside::Reader);
}
