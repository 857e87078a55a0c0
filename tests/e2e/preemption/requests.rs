// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to a disk, whose ends interrupt what another program does.

use tracewell_tests::{Finished, Tool};

use super::load::Beside;
use super::truth::adds_up;
use crate::biolatency::{counted, of};
use crate::disk::Disk;

/// Has a tool count reads and writes of a disk; `told` says how many of an operation it told of.
pub(super) fn requests(
    beside: Beside,
    tool: impl FnOnce(&Disk) -> Tool,
    told: impl Fn(&Finished, &str) -> u64,
) -> Finished {
    let disk = Disk::new();
    let tool = tool(&disk).start();
    let others = beside.start();
    let direct = disk.open();
    let made = [("read", 900), ("write", 600)].map(|(op, made)| (op, beside.rounds(made) as u64));
    let [(_, reads), (_, writes)] = made;
    direct.read(reads);
    direct.write(writes);
    drop(others);
    let finished = tool.finish().success();
    for (op, made) in made {
        let told = told(&finished, op);
        assert!(told <= made, "{told} of {made}: {op}");
    }
    adds_up(&finished, beside, reads + writes);
    finished
}

fn counted_beside(beside: Beside) {
    let told = |finished: &Finished, op: &str| counted(finished, |object| object["op"] == op);
    requests(beside, |disk| of(disk).json().arg("-F"), told);
}

#[test]
fn requests_are_all_counted() {
    counted_beside(Beside::Nothing);
}

#[test]
fn requests_beside_a_reader_of_a_map() {
    counted_beside(Beside::Reader);
}
