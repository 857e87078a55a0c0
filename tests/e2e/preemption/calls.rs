// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls, which are counted where a kernel may preempt the task that makes them.

use super::load::Beside;
use super::truth::adds_up;
use crate::syscount::counted_of_bursts;

fn calls(beside: Beside) {
    let (finished, made) = counted_of_bursts(|| beside.start());
    adds_up(&finished, beside, made);
}

#[test]
fn calls_are_all_counted() {
    calls(Beside::Nothing);
}

#[test]
fn calls_beside_a_reader_of_a_map() {
    calls(Beside::Reader);
}
