// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to a disk by who submits them, whose ends interrupt what another program does.

use super::load::Beside;
use super::truth::adds_up;
use crate::biotop::{of, sum};
use crate::disk::{BLOCK, Disk};

fn requests(beside: Beside) {
    let disk = Disk::new();
    let tool = of(&disk).json().arg("60").start();
    let others = beside.start();
    let direct = disk.open();
    let made = [("read", 900), ("write", 600)].map(|(op, made)| (op, beside.rounds(made) as u64));
    let [(_, reads), (_, writes)] = made;
    direct.read(reads);
    direct.write(writes);
    drop(others);
    let finished = tool.finish().success();
    for (op, made) in made {
        let told = sum(&finished, "count", |row| row["op"] == op);
        assert!(told <= made, "{told} of {made}: {op}");
        // Each has the bytes of its own, and not of the request that had its place before.
        let bytes = sum(&finished, "bytes", |row| row["op"] == op);
        assert_eq!(bytes, told * BLOCK as u64, "{op}");
    }
    let strangers = sum(&finished, "count", |row| row["pid"] != std::process::id());
    assert_eq!(strangers, 0);
    adds_up(&finished, beside, reads + writes);
}

#[test]
fn requests_are_all_counted() {
    requests(Beside::Nothing);
}

#[test]
fn requests_beside_a_reader_of_a_map() {
    requests(Beside::Reader);
}
