// SPDX-License-Identifier: MIT OR Apache-2.0
//! `hist diff`: two logs, tag by tag.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::Format;
use super::compare::{Condition, Side};
use super::inputs;
use super::pick::{Met, Pick};
use super::table::{Columns, NONE, SHOWN, header, numbers, row, tag_word};
use tracewell_shared::console;
use tracewell_shared::error::Result;
use tracewell_shared::hist::log::{Spread, Tags};
use tracewell_shared::output::object::Object;

/// Which of the two a tag is missing in, in words.
const MISSING: [&str; 2] = ["the first file", "the second file"];

/// Compares; gives exit status 1 where a condition holds.
pub(super) fn run(
    files: &[PathBuf; 2],
    pick: &Pick,
    format: Format,
    conditions: &[Condition],
) -> Result<u8> {
    let mut met = Met::default();
    let mut logs = [Tags::default(), Tags::default()];
    let mut recorded = [Duration::ZERO; 2];
    for ((file, tags), recorded) in files.iter().zip(&mut logs).zip(&mut recorded) {
        *recorded = inputs::add_up(file, pick, &mut met, tags)?.recorded;
    }
    met.check()?;
    let tags: BTreeSet<_> = logs
        .iter()
        .flat_map(Tags::iter)
        .map(|(tag, _)| tag)
        .collect();
    let none = Spread::default();
    let mut out = String::new();
    if format == Format::Table {
        out.push_str(&header(Columns::Rate));
    }
    let mut missing = Vec::new();
    let mut failed = Vec::new();
    for tag in &tags {
        let name = tag_word(*tag);
        let sides = [0, 1].map(|at| Side {
            values: logs[at].get(*tag).map_or(&none, |merged| &merged.values),
            is_there: logs[at].get(*tag).is_some(),
            recorded: recorded[at],
        });
        for (side, file) in sides.iter().zip(MISSING) {
            if !side.is_there {
                missing.push(format!("{name} is not in {file}"));
            }
        }
        match format {
            Format::Table => rows(&mut out, &name, &sides),
            Format::Json => {
                let [before, after] = sides.map(|side| object(&side));
                let line = Object::of("difference")
                    .with("tag", Value::from(*tag))
                    .with_object("before", &before)
                    .with_object("after", &after);
                out.push_str(&format!("{line}\n"));
            }
        }
        for condition in conditions {
            match condition.holds(&sides[0], &sides[1]) {
                Ok(false) => {}
                Ok(true) => failed.push(format!("{name}: {condition}")),
                Err(why) => failed.push(format!("{name}: {condition}: {why}")),
            }
        }
    }
    if tags.is_empty() {
        let none = |condition| format!("{condition}: nothing was counted in either file");
        failed.extend(conditions.iter().map(none));
    }
    console::print(&out)?;
    for line in missing.iter().chain(&failed) {
        console::say("hist", line);
    }
    Ok(u8::from(!failed.is_empty()))
}

fn object(side: &Side<'_>) -> Object {
    let seconds = side.recorded.as_secs_f64();
    let object = numbers(Object::default(), side.values);
    object
        .with("seconds", seconds)
        .with("rate", Value::from(side.rate()))
}

/// A tag's numbers before, after, and by how much they changed.
fn rows(out: &mut String, name: &str, sides: &[Side<'_>; 2]) {
    for (side, name) in sides.iter().zip([name, "  after"]) {
        let values = side.is_there.then_some(side.values);
        let rate = side.rate().filter(|_| side.is_there);
        let rate = rate.map_or_else(|| NONE.to_owned(), |rate| format!("{rate:.1}"));
        let seconds = format!("{:.3}", side.recorded.as_secs_f64());
        row(out, name, values, Some([seconds, rate]));
    }
    let [before, after] = sides;
    // Counts of different times are compared by their rates.
    let rate = before.rate().zip(after.rate());
    let rate = rate.filter(|_| before.is_there && after.is_there);
    out.push_str(&format!("{:<32} {NONE:>10} {NONE:>10}", "  change"));
    out.push_str(&format!(" {:>10}", percent(rate)));
    for (_, _, quantity) in SHOWN {
        let both = !before.values.is_empty() && !after.values.is_empty();
        let values = both.then(|| (quantity.of(before.values), quantity.of(after.values)));
        out.push_str(&format!(" {:>10}", percent(values)));
    }
    out.push('\n');
}

/// `+12.5%`; [`NONE`] where there is nothing to compare.
fn percent(values: Option<(f64, f64)>) -> String {
    match values {
        Some((before, after)) if before > 0.0 => format!("{:+.1}%", (after / before - 1.0) * 100.0),
        _ => NONE.to_owned(),
    }
}
