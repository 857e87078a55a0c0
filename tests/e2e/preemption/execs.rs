// SPDX-License-Identifier: MIT OR Apache-2.0
//! Execs that fail, by both calls, each of which would be a lie with the file or the arguments of another.

use std::ffi::{CStr, CString};
use std::time::Duration;

use nix::errno::Errno;
use serde_json::{Value, json};
use tracewell_tests::{Actor, actor};

use super::load::{Beside, Part, play, trace};
use super::truth::{holds, is};
use crate::sys::{self, AT_FDCWD, c};

type Exec = fn(&CStr, &[CString]) -> Errno;

/// A thread's name, how many letters its paths have, how long it sleeps, and its call.
const THREADS: [(&str, usize, Option<u64>, Exec, &str); 4] = [
    ("a", 250, None, sys::execve, "execve"),
    ("b", 40, None, by_execveat, "execveat"),
    ("c", 150, Some(90), by_execveat, "execveat"),
    ("d", 10, Some(140), sys::execve, "execve"),
];

fn by_execveat(path: &CStr, args: &[CString]) -> Errno {
    sys::execveat(AT_FDCWD, path, args, 0)
}

fn start_of_path(name: &str, letters: usize) -> String {
    format!("/{}/", name.repeat(letters))
}

// Its argument: how many rounds.
actor!(fails_to_exec_by_both_calls, |stage| {
    let rounds = stage.text(0).parse().unwrap();
    let part =
        |(name, letters, period, exec, _): (&'static str, usize, Option<u64>, Exec, _)| Part {
            name,
            period: period.map(Duration::from_micros),
            round: Box::new(move |number| {
                let path = c(format!("{}{number}", start_of_path(name, letters)));
                let args = [c(name), c(number.to_string())];
                assert_eq!(exec(&path, &args), Errno::ENOENT);
                1
            }),
        };
    play(stage, rounds, THREADS.into_iter().map(part).collect());
});

/// Whether the event is what the thread's name says; gives its file.
fn told(event: &Value) -> Result<String, String> {
    let comm = event["comm"].as_str().unwrap_or_default();
    let thread = THREADS.iter().find(|thread| thread.0 == comm);
    let (name, letters, _, _, call) = thread.ok_or("nobody of that name executed anything")?;
    let file = event["filename"].as_str().ok_or("no file")?;
    let number = file.strip_prefix(&start_of_path(name, *letters));
    let number = number.ok_or("the file is not this thread's")?;
    is(event, "args", json!([name, number]))?;
    is(event, "via", json!([call, "thread"]))?;
    is(event, "error", "ENOENT")?;
    Ok(file.to_owned())
}

fn mixed(beside: Beside) {
    let actor = Actor::new("fails_to_exec_by_both_calls").arg(beside.rounds(1500).to_string());
    let (finished, made) = trace("execsnoop", &["--fails"], actor, beside);
    holds(&finished, "exec", beside, made, told);
}

#[test]
fn failed_execs_are_what_they_were() {
    mixed(Beside::Nothing);
}

#[test]
fn failed_execs_beside_a_reader_of_a_map() {
    mixed(Beside::Reader);
}
