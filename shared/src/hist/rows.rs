// SPDX-License-Identifier: MIT OR Apache-2.0
//! A histogram for people: a row for each power of two, as BCC's tools have it, and percentiles below.

use super::{Histogram, QUANTILES};
use crate::output::lines::Lines;

/// How long the longest bar is.
const STARS: usize = 40;

/// What values are shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds.
    Micros,
    /// Milliseconds.
    Millis,
}

impl Unit {
    /// Its nanoseconds.
    pub fn ns(self) -> u64 {
        match self {
            Self::Micros => 1_000,
            Self::Millis => 1_000_000,
        }
    }

    /// What BCC's tools call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Micros => "usecs",
            Self::Millis => "msecs",
        }
    }
}

/// The counts by power of two of the unit, up to the last that is not 0. The first row is 0 and 1.
///
/// A bucket goes where its middle is. One that crosses the border of two rows is at most 3 % wide.
pub fn counts(histogram: &Histogram, unit: Unit) -> Vec<u64> {
    let mut rows = Vec::new();
    for bucket in histogram.buckets() {
        let row = (bucket.middle() / unit.ns()).max(1).ilog2() as usize;
        if rows.len() <= row {
            rows.resize(row + 1, 0);
        }
        rows[row] += bucket.count;
    }
    rows
}

/// Writes the rows. A histogram without values has none.
pub fn write(histogram: &Histogram, unit: Unit, to: &mut Lines<'_>) {
    let rows = counts(histogram, unit);
    let most = rows.iter().copied().max().unwrap_or(0);
    // As wide as the numbers of the last row.
    let (lead, width) = if rows.len() <= 32 { (5, 10) } else { (15, 20) };
    let name = unit.name();
    to.text(format_args!(
        "{:lead$}{name:<after$} : count    distribution\n",
        "",
        after = 2 * width + 4 - lead
    ));
    for (row, count) in rows.iter().enumerate() {
        let low = if row == 0 { 0 } else { 1_u64 << row };
        let high = (1_u128 << (row + 1)) - 1;
        let stars = (u128::from(*count) * STARS as u128 / u128::from(most.max(1))) as usize;
        to.text(format_args!(
            "{low:>width$} -> {high:<width$} : {count:<8} |{:<STARS$}|\n",
            &"****************************************"[..stars]
        ));
    }
}

/// Writes the percentiles and the largest value, in one line.
pub fn write_quantiles(histogram: &Histogram, unit: Unit, to: &mut Lines<'_>) {
    for (name, share) in QUANTILES {
        let value = histogram.quantile(share).unwrap_or(0);
        // p999 is p99.9 to people.
        match name.split_at_checked(3) {
            Some((lead, rest)) if !rest.is_empty() => to.text(format_args!("{lead}.{rest} ")),
            _ => to.text(format_args!("{name} ")),
        }
        write_value(value, unit, to);
        to.text(format_args!(", "));
    }
    to.text(format_args!("max "));
    write_value(histogram.max().unwrap_or(0), unit, to);
    to.text(format_args!(" {}\n", unit.name()));
}

/// Writes the mean, the sum and the count, in one line.
pub fn write_mean(histogram: &Histogram, unit: Unit, to: &mut Lines<'_>) {
    let name = unit.name();
    let count = histogram.count();
    let mean = whole(histogram.sum() / count.max(1), unit);
    let total = whole(histogram.sum(), unit);
    to.text(format_args!(
        "avg = {mean} {name}, total: {total} {name}, count: {count}\n"
    ));
}

/// Down to whole microseconds: in milliseconds with decimals, as most operations take less than one.
pub(super) fn whole(ns: u64, unit: Unit) -> String {
    let micros = ns / 1_000;
    match unit {
        Unit::Micros => micros.to_string(),
        Unit::Millis => format!("{}.{:03}", micros / 1_000, micros % 1_000),
    }
}

/// Three digits or more, since a value is known no better.
fn write_value(ns: u64, unit: Unit, to: &mut Lines<'_>) {
    let value = ns as f64 / unit.ns() as f64;
    let decimals = match value {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    to.text(format_args!("{value:.decimals$}"));
}
