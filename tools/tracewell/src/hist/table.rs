// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rows and objects that are shown of a histogram of a log.

use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;
use time::macros::format_description;

use super::compare::Quantity;
use super::pick::UNTAGGED;
use tracewell_shared::hist::log::{Interval, Spread};
use tracewell_shared::output::escape;
use tracewell_shared::output::object::Object;

/// The numbers that are shown, with their names in JSON and their headers.
pub(super) const SHOWN: [(&str, &str, Quantity); 7] = [
    ("mean", "MEAN(us)", Quantity::Mean),
    ("p50", "P50(us)", Quantity::Percentile(50.0)),
    ("p90", "P90(us)", Quantity::Percentile(90.0)),
    ("p99", "P99(us)", Quantity::Percentile(99.0)),
    ("p999", "P99.9(us)", Quantity::Percentile(99.9)),
    ("p9999", "P99.99(us)", Quantity::Percentile(99.99)),
    ("max", "MAX(us)", Quantity::Max),
];

/// What stands where there is no number.
pub(super) const NONE: &str = "–";

/// Whether a row tells its time, its rate, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    Plain,
    /// When the interval began, and how long it was.
    Time,
    /// For how long it was recorded, and how many values came in a second.
    Rate,
}

/// The first line of a table.
pub(super) fn header(columns: Columns) -> String {
    let mut line = String::new();
    if columns == Columns::Time {
        line.push_str(&format!("{:<24} {:>10} ", "TIME", "SECONDS"));
    }
    line.push_str(&format!("{:<32} {:>10}", "TAG", "COUNT"));
    if columns == Columns::Rate {
        line.push_str(&format!(" {:>10} {:>10}", "SECONDS", "RATE(/s)"));
    }
    for (_, header, _) in SHOWN {
        line.push_str(&format!(" {header:>10}"));
    }
    line.push('\n');
    line
}

/// A tag as one word of a table: tags come from files, and may hold anything.
pub(super) fn tag_word(tag: Option<&str>) -> String {
    let Some(tag) = tag else {
        return UNTAGGED.to_owned();
    };
    let mut word = Vec::new();
    if tag == UNTAGGED {
        escape::quoted(&mut word, tag.as_bytes());
    } else {
        escape::word(&mut word, tag.as_bytes());
    }
    String::from_utf8_lossy(&word).into_owned()
}

/// A row of a table: what it is of, and its cells after the count.
pub(super) fn row(
    out: &mut String,
    name: &str,
    values: Option<&Spread>,
    rate: Option<[String; 2]>,
) {
    match values {
        Some(values) => out.push_str(&format!("{name:<32} {:>10}", values.len())),
        None => out.push_str(&format!("{name:<32} {NONE:>10}")),
    }
    for cell in rate.into_iter().flatten() {
        out.push_str(&format!(" {cell:>10}"));
    }
    for (_, _, quantity) in SHOWN {
        match values.filter(|values| !values.is_empty()) {
            Some(values) => out.push_str(&format!(" {:>10}", micros(quantity.of(values)))),
            None => out.push_str(&format!(" {NONE:>10}")),
        }
    }
    out.push('\n');
}

/// Three digits or more, since a value is known no better.
fn micros(ns: f64) -> String {
    let value = ns / 1e3;
    let decimals = match value {
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// The cells of an interval that stand before its tag.
pub(super) fn time_cells(out: &mut String, interval: &Interval<'_>) {
    let time = time_text(interval.start);
    let seconds = interval.length.as_secs_f64();
    out.push_str(&format!("{time:<24} {seconds:>10.3} "));
}

/// `2026-11-29T08:15:30.250Z`
fn time_text(since_epoch: Duration) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let time = OffsetDateTime::UNIX_EPOCH.checked_add(since_epoch.try_into().unwrap_or_default());
    time.and_then(|time| time.format(format).ok())
        .unwrap_or_else(|| format!("{:.3}", since_epoch.as_secs_f64()))
}

/// The numbers of a histogram, as fields of JSON; without values there is nothing but their count.
pub(super) fn numbers(object: Object, values: &Spread) -> Object {
    let object = object.with("count", values.len());
    SHOWN.iter().fold(object, |object, (name, _, quantity)| {
        let value = (!values.is_empty()).then(|| quantity.of(values).round() as u64);
        object.with(name, Value::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::{tag_word, time_text};
    use std::time::Duration;

    #[test]
    fn a_tag_is_one_word() {
        for (tag, word) in [
            (None, "-"),
            (Some("-"), "\"-\""),
            (Some(""), "\"\""),
            (Some("a b"), r"a\x20b"),
            (Some("\x1b[31m"), r"\x1b[31m"),
            (Some("disk=sda;flags=Read"), "disk=sda;flags=Read"),
        ] {
            assert_eq!(tag_word(tag), word);
        }
    }

    #[test]
    fn times_are_utc() {
        let time = Duration::from_micros(1_700_000_000_123_999);
        assert_eq!(time_text(time), "2023-11-14T22:13:20.123Z");
        assert_eq!(
            time_text(Duration::from_secs(253_402_300_799)),
            "9999-12-31T23:59:59.000Z"
        );
    }
}
