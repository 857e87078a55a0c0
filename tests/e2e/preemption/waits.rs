// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waits for a CPU, which are told of with interrupts off: nothing preempts a task in there.

use tracewell_tests::note;

use super::load::Beside;
use crate::runqlat::as_the_kernel_counts;

fn waits(beside: Beside) {
    let finished = as_the_kernel_counts(|| beside.start());
    let summary = finished.summary();
    let claim = summary["account"].as_str().unwrap_or("none");
    note(&format!("account beside {}: {claim}", beside.word()));
}

#[test]
fn waits_are_all_counted() {
    waits(Beside::Nothing);
}

#[test]
fn waits_beside_a_reader_of_a_map() {
    waits(Beside::Reader);
}
