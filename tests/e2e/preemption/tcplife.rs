// SPDX-License-Identifier: MIT OR Apache-2.0
//! Connections that carry as many bytes as the thread says that makes them, whose changes interrupt those of others.

use std::time::Duration;

use serde_json::Value;
use tracewell_tests::{Actor, actor};

use super::load::{Beside, Part, play, trace};
use super::truth::{holds, is};
use crate::sockets::{Pair, cut_off, listener};

/// A thread's name, how long it sleeps, and how many bytes its connections carry: its own base and their number.
const THREADS: [(&str, Option<u64>, usize); 4] = [
    ("a", None, 10_000),
    ("b", None, 20_000),
    ("c", Some(190), 30_000),
    ("d", Some(340), 40_000),
];

// Its argument: how many rounds.
actor!(talks_from_threads, |stage| {
    let rounds = stage.text(0).parse().unwrap();
    let part = |(name, period, base): (&'static str, Option<u64>, usize)| {
        let listener = listener("127.0.0.1");
        Part {
            name,
            period: period.map(Duration::from_micros),
            round: Box::new(move |number| {
                let mut pair = Pair::of(&listener);
                pair.carry(base + number, 1);
                cut_off(pair.client);
                1
            }),
        }
    };
    play(stage, rounds, THREADS.into_iter().map(part).collect());
});

/// Such an actor.
pub(super) fn talker(beside: Beside) -> Actor {
    Actor::new("talks_from_threads").arg(beside.rounds(1000).to_string())
}

/// Whether the event is what the thread's name says; gives the connection.
fn told(event: &Value) -> Result<String, String> {
    let comm = event["comm"].as_str().unwrap_or_default();
    let (.., base) = THREADS
        .iter()
        .find(|thread| thread.0 == comm)
        .ok_or("nobody of that name")?;
    let sent = event["sent_bytes"].as_u64().ok_or("no number")?;
    if !(*base as u64..*base as u64 + 10_000).contains(&sent) {
        return Err("the number is not this thread's".into());
    }
    is(event, "received_bytes", 1)?;
    Ok(format!("{comm} {sent}"))
}

fn mixed(beside: Beside) {
    // The other end is closed by its owner where the kernel was late to reset it.
    let options = ["--where", "role == connect"];
    let (finished, made) = trace("tcplife", &options, talker(beside), beside);
    holds(&finished, "connection", beside, made, told);
}

#[test]
fn connections_are_what_they_were() {
    mixed(Beside::Nothing);
}

#[test]
fn connections_beside_a_reader_of_a_map() {
    mixed(Beside::Reader);
}
