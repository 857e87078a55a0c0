// SPDX-License-Identifier: MIT OR Apache-2.0
//! Attempts to connect by the same threads, which are all answered.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;

use super::load::{Beside, trace};
use super::tcplife::talker;
use super::truth::{holds, is};

/// Whether the event is one of theirs; gives the connection. Each thread has a port of its own, and all know where to.
fn told(event: &Value, ports: &mut BTreeMap<String, Value>) -> Result<String, String> {
    is(event, "outcome", "established")?;
    is(event, "daddr", "127.0.0.1")?;
    let comm = event["comm"].as_str().unwrap_or_default();
    if !["a", "b", "c", "d"].contains(&comm) {
        return Err("nobody of that name".into());
    }
    let port = ports.entry(comm.into()).or_insert(event["dport"].clone());
    is(event, "dport", port.clone())?;
    Ok(format!("{} {}", event["sport"], event["time"]))
}

fn mixed(beside: Beside) {
    let (finished, made) = trace("tcpconnlat", &[], talker(beside), beside);
    let ports = RefCell::new(BTreeMap::new());
    holds(&finished, "connect", beside, made, |event| {
        told(event, &mut ports.borrow_mut())
    });
}

#[test]
fn attempts_are_what_they_were() {
    mixed(Beside::Nothing);
}

#[test]
fn attempts_beside_a_reader_of_a_map() {
    mixed(Beside::Reader);
}
