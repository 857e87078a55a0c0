// SPDX-License-Identifier: MIT OR Apache-2.0
//! Segments that are sent again, of connections that threads make who take the CPU from each other.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::Value;
use tracewell_shared::tool::load::sockets::Server;
use tracewell_tests::{Actor, actor};

use super::load::{Beside, Part, play, trace};
use super::truth::{holds, is};

const THREADS: [(&str, Option<u64>); 3] = [("a", None), ("b", None), ("c", Some(340))];

// Its argument: how many rounds.
actor!(sends_again_from_threads, |stage| {
    let rounds = stage.text(0).parse().unwrap();
    let part = |(name, period): (&'static str, Option<u64>)| {
        let server = Server::new(Ipv4Addr::LOCALHOST.into()).unwrap();
        Part {
            name,
            period: period.map(Duration::from_micros),
            round: Box::new(move |_| {
                server.talk_again().unwrap();
                1
            }),
        }
    };
    play(stage, rounds, THREADS.into_iter().map(part).collect());
});

/// Whether the event is one of theirs; gives the segment.
fn told(event: &Value) -> Result<String, String> {
    is(event, "bytes", 1)?;
    is(event, "role", "connect")?;
    let comm = event["comm"].as_str().unwrap_or_default();
    if !THREADS.iter().any(|(name, _)| *name == comm) {
        return Err("nobody of that name".into());
    }
    Ok(format!("{comm} {} {}", event["sport"], event["seq"]))
}

fn mixed(beside: Beside) {
    let actor = Actor::new("sends_again_from_threads").arg(beside.rounds(600).to_string());
    // What a thread that waits for its CPU has sent again besides is of another kind.
    let options = ["--where", "kind == recovery"];
    let (finished, made) = trace("tcpretrans", &options, actor, beside);
    holds(&finished, "retransmit", beside, made, told);
}

#[test]
fn segments_are_what_they_were() {
    mixed(Beside::Nothing);
}

#[test]
fn segments_beside_a_reader_of_a_map() {
    mixed(Beside::Reader);
}
