// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines that say whose they are: the kernel takes a task off the CPU in the middle of a program, and runs the same program
//! for another.

use std::ffi::CString;
use std::fs::File;
use std::time::Duration;

use serde_json::Value;
use tracewell_shared::tool::load::library::Function;
use tracewell_tests::{Actor, actor, scratch};

use super::load::{Beside, Part, play, trace};
use super::truth::holds;
use crate::bashreadline::library;

/// The threads, and after how many microseconds those read that take the CPU from the others.
const THREADS: [(&str, Option<u64>); 6] = [
    ("a", None),
    ("b", None),
    ("c", None),
    ("d", Some(90)),
    ("e", Some(140)),
    ("f", Some(190)),
];

// Its arguments: how many rounds, and a library.
actor!(lines_by_threads, |stage| {
    let rounds = stage.text(0).parse().unwrap();
    let part = |(name, period): (&'static str, Option<u64>)| {
        let readline = Function::map(&File::open(stage.arg(1)).unwrap()).unwrap();
        Part {
            name,
            period: period.map(Duration::from_micros),
            round: Box::new(move |round| {
                let line = format!("{}-{round}", name.repeat(2000));
                readline.give(&CString::new(line).unwrap()).unwrap();
                1
            }),
        }
    };
    let parts = THREADS.map(part).into();
    play(stage, rounds, parts);
});

/// Whether the event is what the thread's name says.
fn told(event: &Value) -> Result<String, String> {
    let comm = event["comm"].as_str().unwrap_or_default();
    let line = event["line"].as_str().unwrap_or_default();
    let (whose, round) = line.split_once('-').ok_or("no such line")?;
    if whose != comm.repeat(2000) {
        return Err("the line is another thread's".into());
    }
    Ok(format!("{comm} {round}"))
}

fn mixed(beside: Beside) {
    let folder = scratch();
    let library = library(folder.path());
    let rounds = beside.rounds(3000).to_string();
    let actor = Actor::new("lines_by_threads").arg(rounds).arg(&library);
    let options = ["-s", library.to_str().unwrap(), "--buffer-size", "64m"];
    let (finished, made) = trace("bashreadline", &options, actor, beside);
    holds(&finished, "line", beside, made, told);
}

#[test]
fn lines_are_what_they_were() {
    mixed(Beside::Nothing);
}

#[test]
fn lines_beside_a_reader_of_a_map() {
    mixed(Beside::Reader);
}
