// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to a disk, whose ends interrupt what another program does.

use super::load::Beside;
use super::truth::adds_up;
use crate::biolatency::{counted, of};
use crate::disk::Disk;

fn requests(beside: Beside) {
    let disk = Disk::new();
    let tool = of(&disk).json().arg("-F").start();
    let others = beside.start();
    let direct = disk.open();
    let made = [("read", 900), ("write", 600)].map(|(op, made)| (op, beside.rounds(made) as u64));
    let [(_, reads), (_, writes)] = made;
    direct.read(reads);
    direct.write(writes);
    drop(others);
    let finished = tool.finish().success();
    for (op, made) in made {
        let told = counted(&finished, |histogram| histogram["op"] == op);
        assert!(told <= made, "{told} of {made}: {op}");
    }
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
