// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compares what a tool told with what was.

use std::collections::HashSet;

use serde_json::Value;
use tracewell_tests::{Finished, note};

use super::load::Beside;

/// Holds a run against the truth: each event must be one that was made, with all that belongs to it, and be told once; and
/// the account must come to what was made, as far as it claims to.
///
/// `told` gives what names the event among all that were made, or says what is false in it.
pub(super) fn holds(
    finished: &Finished,
    kind: &str,
    beside: Beside,
    made: u64,
    told: impl Fn(&Value) -> Result<String, String>,
) {
    let mut names = HashSet::new();
    let mut untrue = Vec::new();
    for event in finished.events(kind) {
        match told(&event) {
            Ok(name) if names.contains(&name) => untrue.push(format!("{name} told twice")),
            Ok(name) => drop(names.insert(name)),
            Err(what) => untrue.push(format!("{what}: {event}")),
        }
    }
    let summary = finished.summary();
    assert!(
        untrue.is_empty(),
        "{} events of {made} never were, such as {:#?} {summary}",
        untrue.len(),
        &untrue[..untrue.len().min(3)]
    );
    assert_eq!(summary["events"], names.len(), "{summary}");
    adds_up(finished, beside, made);
}

/// Checks that the account of a run comes to what was made, and notes what it claims, for the table of the matrix.
pub(super) fn adds_up(finished: &Finished, beside: Beside, made: u64) {
    let summary = finished.summary();
    let number = |field: &str| summary[field].as_u64().expect("a number");
    let (seen, lost) = (number("events"), number("lost"));
    let claim = summary["account"].as_str();
    let claim = claim.unwrap_or_else(|| panic!("{made} made, and no claim: {summary}"));
    if claim == "unknown" {
        assert!(seen + lost <= made, "{made} made: {summary}");
    } else {
        finished.adds_up(seen, made);
    }
    note(&format!("account beside {}: {claim}", beside.word()));
}

/// Whether the event's field is this.
pub(super) fn is(event: &Value, field: &str, value: impl Into<Value>) -> Result<(), String> {
    let value = value.into();
    if event[field] == value {
        Ok(())
    } else {
        Err(format!("{field} is to be {value}"))
    }
}
