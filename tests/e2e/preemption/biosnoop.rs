// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to a disk, told one by one by a program that their ends interrupt.

use tracewell_tests::Finished;

use super::load::Beside;
use super::requests::requests;
use crate::biosnoop::of;
use crate::disk::BLOCK;

fn told_beside(beside: Beside) {
    let told = |finished: &Finished, op: &str| {
        let events = finished.events("request");
        events.iter().filter(|event| event["op"] == op).count() as u64
    };
    let finished = requests(beside, |disk| of(disk).json(), told);
    for event in finished.events("request") {
        // Each has what is its own, and not of the request that had its place before.
        assert_eq!(event["pid"], std::process::id(), "{event}");
        assert_eq!(event["bytes"], BLOCK, "{event}");
        assert!(event["error"].is_null(), "{event}");
    }
}

#[test]
fn requests_are_all_told() {
    told_beside(Beside::Nothing);
}

#[test]
fn requests_beside_a_reader_of_a_map() {
    told_beside(Beside::Reader);
}
