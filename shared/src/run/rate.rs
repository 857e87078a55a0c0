// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--rate`: how many there were in a second, in a column of tables of what was counted in an interval.
//!
//! It is no field of JSON and CSV: there each row has its count and the length of its interval, of which it is the quotient,
//! and a field that most runs do not ask for would be there, and null, in all of them.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::event::{Cell, Fields, Group, Header, Type, Value};
use crate::output::Format;

/// So many a second, in tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(u64);

/// What a table shows behind a count, if it is asked to.
#[derive(Debug, Clone, Group)]
pub struct Rated {
    /// How many there were in a second of the interval, on an average.
    #[field(right("COUNT/s", 10))]
    pub count_per_s: Rate,
}

impl Rate {
    /// The column.
    pub const COLUMN: Header = Rated::FIELDS[0].column;

    /// What the column is called, where rows are sorted by it.
    pub const NAME: &str = Rated::FIELDS[0].name;

    /// That of so many in an interval of this length; of one without a length, as if it were a nanosecond.
    pub fn of(count: u64, length: Duration) -> Self {
        let ns = length.as_nanos().max(1);
        let tenths = (u128::from(count) * 10_000_000_000 + ns / 2) / ns;
        Self(u64::try_from(tenths).unwrap_or(u64::MAX))
    }

    /// Checks that what is written has columns.
    ///
    /// # Errors
    ///
    /// For JSON and CSV, if it is asked for.
    pub fn check(asked: bool, format: Format) -> Result<()> {
        if !asked || format == Format::Table {
            return Ok(());
        }
        Err(Error::usage("--rate: only a table has that column")
            .help("divide count by interval_ms, which each row has, or use --format table instead"))
    }
}

impl Value for Rate {
    const TYPE: Type = u64::TYPE;
    const UNIT: Option<&'static str> = Some("1/s");

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.u64(name, self.0.saturating_add(5) / 10);
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.text(&format!("{}.{}", self.0 / 10, self.0 % 10));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Rate;
    use crate::output::Format;

    #[test]
    fn a_rate_is_that_of_a_second() {
        for (count, ms, tenths) in [
            (0, 1_000, 0),
            (7, 1_000, 70),
            (7, 500, 140),
            (1, 3_000, 3),
            (1, 60_000, 0),
            (2, 30_000, 1),
            (u64::MAX, 1_000, u64::MAX),
            (1, 0, 10_000_000_000),
        ] {
            let rate = Rate::of(count, Duration::from_millis(ms));
            assert_eq!(rate, Rate(tenths), "{count} in {ms} ms");
        }
    }

    #[test]
    fn only_a_table_has_it() {
        assert!(Rate::check(true, Format::Table).is_ok());
        assert!(Rate::check(false, Format::Json).is_ok());
        for format in [Format::Json, Format::Csv] {
            let error = Rate::check(true, format).unwrap_err().to_string();
            assert!(error.contains("only a table"), "{error}");
        }
    }
}
