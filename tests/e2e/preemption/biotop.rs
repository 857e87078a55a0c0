// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to a disk by who submits them, whose ends interrupt what another program does.

use tracewell_tests::Finished;

use super::load::Beside;
use super::requests::requests;
use crate::biotop::{of, sum};
use crate::disk::BLOCK;

fn told_beside(beside: Beside) {
    let told = |finished: &Finished, op: &str| sum(finished, "count", |row| row["op"] == op);
    let finished = requests(beside, |disk| of(disk).json().arg("60"), told);
    for op in ["read", "write"] {
        // Each has the bytes of its own, and not of the request that had its place before.
        let bytes = sum(&finished, "bytes", |row| row["op"] == op);
        assert_eq!(bytes, told(&finished, op) * BLOCK as u64, "{op}");
    }
    let strangers = sum(&finished, "count", |row| row["pid"] != std::process::id());
    assert_eq!(strangers, 0);
}

#[test]
fn requests_are_all_counted() {
    told_beside(Beside::Nothing);
}

#[test]
fn requests_beside_a_reader_of_a_map() {
    told_beside(Beside::Reader);
}
