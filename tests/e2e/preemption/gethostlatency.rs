// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lookups of hosts that say whose they are: the kernel takes a task off the CPU in the middle of a program, and runs the
//! same program for another.

use std::ffi::CString;
use std::time::Duration;

use serde_json::Value;
use tracewell_tests::{Actor, actor};

use super::load::{Beside, Part, play, trace};
use super::truth::{holds, is};
use crate::gethostlatency::number;

/// The threads, and after how many microseconds those look up that take the CPU from the others.
const THREADS: [(&str, Option<u64>); 6] = [
    ("a", None),
    ("b", None),
    ("c", None),
    ("d", Some(90)),
    ("e", Some(140)),
    ("f", Some(190)),
];

fn part((name, period): (&'static str, Option<u64>)) -> Part {
    Part {
        name,
        period: period.map(Duration::from_micros),
        round: Box::new(move |round| {
            // No number, so that it is answered at once; each as long as its thread's name says.
            let host = format!("{}-{round}", name.repeat(200));
            assert_eq!(number(&CString::new(host).unwrap()), -2);
            1
        }),
    }
}

// Its argument: how many rounds.
actor!(lookups_by_threads, |stage| {
    let rounds = stage.text(0).parse().unwrap();
    play(stage, rounds, THREADS.map(part).into());
});

/// Whether the event is what the thread's name says.
fn told(event: &Value) -> Result<String, String> {
    let comm = event["comm"].as_str().unwrap_or_default();
    is(event, "error", "EAI_NONAME")?;
    is(event, "function", "getaddrinfo")?;
    let host = event["host"].as_str().unwrap_or_default();
    let (whose, _) = host.split_once('-').ok_or("no such host")?;
    if whose != comm.repeat(200) {
        return Err("the host is another thread's".into());
    }
    Ok(host.to_owned())
}

fn mixed(beside: Beside) {
    let actor = Actor::new("lookups_by_threads").arg(beside.rounds(3000).to_string());
    let (finished, made) = trace("gethostlatency", &["--buffer-size", "16m"], actor, beside);
    holds(&finished, "lookup", beside, made, told);
}

#[test]
fn lookups_are_what_they_were() {
    mixed(Beside::Nothing);
}

#[test]
fn lookups_beside_a_reader_of_a_map() {
    mixed(Beside::Reader);
}
