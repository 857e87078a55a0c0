// SPDX-License-Identifier: MIT OR Apache-2.0
//! A histogram for people: a row for each power of two, as BCC's tools have it, and percentiles below.

use super::{Histogram, QUANTILES};
use crate::output::lines::Lines;

/// How long the longest bar is.
const STARS: usize = 40;

/// What values are shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// What BCC's tools call it.
    pub name: &'static str,
    /// How many of the values' own unit it is.
    pub size: u64,
    /// How many decimals sums and means have.
    pub decimals: usize,
}

impl Unit {
    /// Nanoseconds, of times.
    pub const NANOS: Self = Self::of("nsecs", 1, 0);
    /// Microseconds, of times.
    pub const MICROS: Self = Self::of("usecs", 1_000, 0);
    /// Milliseconds, of times: with decimals, as most operations take less than one.
    pub const MILLIS: Self = Self::of("msecs", 1_000_000, 3);
    /// Bytes.
    pub const BYTES: Self = Self::of("bytes", 1, 0);
    /// Units of 1024 bytes.
    pub const KBYTES: Self = Self::of("kbytes", 1 << 10, 3);
    /// Numbers of things.
    pub const COUNT: Self = Self::of("count", 1, 0);

    const fn of(name: &'static str, size: u64, decimals: usize) -> Self {
        Self {
            name,
            size,
            decimals,
        }
    }
}

/// The counts by power of two of the unit, up to the last that is not 0. The first row is 0 and 1.
///
/// A bucket goes where its middle is. One that crosses the border of two rows is at most 3 % wide.
pub fn counts(histogram: &Histogram, unit: Unit) -> Vec<u64> {
    let mut rows = Vec::new();
    for bucket in histogram.buckets() {
        let row = (bucket.middle() / unit.size).max(1).ilog2() as usize;
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
    let name = unit.name;
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
    to.text(format_args!(" {}\n", unit.name));
}

/// Writes the mean, the sum and the count, in one line.
pub fn write_mean(histogram: &Histogram, unit: Unit, to: &mut Lines<'_>) {
    let name = unit.name;
    let count = histogram.count();
    let mean = whole(histogram.sum() / count.max(1), unit);
    let total = whole(histogram.sum(), unit);
    to.text(format_args!(
        "avg = {mean} {name}, total: {total} {name}, count: {count}\n"
    ));
}

/// A sum or mean, down to the last decimal.
pub(super) fn whole(value: u64, unit: Unit) -> String {
    let Unit { size, decimals, .. } = unit;
    let (whole, rest) = (value / size, value % size);
    if decimals == 0 {
        return whole.to_string();
    }
    let scale = 10_u64.pow(decimals as u32);
    let part = u128::from(rest) * u128::from(scale) / u128::from(size);
    format!("{whole}.{part:0decimals$}")
}

/// Three digits or more, since a value is known no better.
fn write_value(value: u64, unit: Unit, to: &mut Lines<'_>) {
    let value = value as f64 / unit.size as f64;
    let decimals = match value {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    to.text(format_args!("{value:.decimals$}"));
}
