// SPDX-License-Identifier: MIT OR Apache-2.0
//! Children that end, each with the code of the thread that made it, whose name it has.

use std::time::Duration;

use nix::sys::wait::waitpid;
use serde_json::Value;
use tracewell_tests::{Actor, actor};

use super::load::{Beside, Part, play, trace_by};
use super::truth::{holds, is};
use crate::exits::{child, end};

/// A thread's name, how long it sleeps, and its children's code.
const THREADS: [(&str, Option<u64>, u8); 4] = [
    ("a", None, 11),
    ("b", None, 12),
    ("c", Some(190), 13),
    ("d", Some(340), 0),
];

// Its argument: how many rounds.
actor!(has_children_that_end, |stage| {
    let rounds = stage.text(0).parse().unwrap();
    let part = |(name, period, code): (&'static str, Option<u64>, u8)| Part {
        name,
        period: period.map(Duration::from_micros),
        round: Box::new(move |_| {
            waitpid(child(|| end(code.into())), None).unwrap();
            1
        }),
    };
    play(stage, rounds, THREADS.into_iter().map(part).collect());
});

/// Whether the event is what the name says; gives the process.
fn told(event: &Value) -> Result<String, String> {
    let comm = event["comm"].as_str().unwrap_or_default();
    let thread = THREADS.iter().find(|thread| thread.0 == comm);
    let (.., code) = thread.ok_or("nobody of that name had a child")?;
    is(event, "exit_code", *code)?;
    is(event, "tid", event["pid"].clone())?;
    Ok(event["pid"].to_string())
}

fn mixed(beside: Beside) {
    let actor = Actor::new("has_children_that_end").arg(beside.rounds(300).to_string());
    let (finished, made) = trace_by("--ppid", "exitsnoop", &[], actor, beside);
    holds(&finished, "exit", beside, made, told);
}

#[test]
fn ends_are_what_they_were() {
    mixed(Beside::Nothing);
}

#[test]
fn ends_beside_a_reader_of_a_map() {
    mixed(Beside::Reader);
}
