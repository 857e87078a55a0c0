// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result: a Markdown table for people, one JSON object for programs.

use serde_derive::Serialize;

use crate::budget::Row;
use crate::figure::Figure;
use crate::sample::Sample;
use crate::sample::ratio;
use crate::subject::Subject;

/// A measured row.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// The load it was taken under.
    pub subject: Subject,
    /// What it shows.
    pub figure: Figure,
    /// The same for a reader, with the unit.
    pub label: &'static str,
    /// Our values.
    pub ours: Option<Sample>,
    /// The peer's.
    pub peer: Option<Sample>,
    /// The same figure of the storm without a tool, where it has one.
    pub bare: Option<Sample>,
    /// Ours over the peer's, of the medians.
    pub ratio: Option<f64>,
    /// What ours may be.
    pub budget: Option<String>,
    /// Whether ours is within the budget.
    pub ok: Option<bool>,
}

impl Measured {
    /// A row with its ratio and verdict.
    #[must_use]
    pub fn new(
        row: &Row,
        ours: Option<Sample>,
        peer: Option<Sample>,
        bare: Option<Sample>,
    ) -> Self {
        let ratio = ours
            .as_ref()
            .zip(peer.as_ref())
            .and_then(|(ours, peer)| ratio(ours, peer));
        let met = |ours| {
            row.budget
                .and_then(|budget| budget.met(ours, peer.as_ref()))
        };
        Self {
            subject: row.subject,
            figure: row.figure,
            label: row.label,
            ratio,
            budget: row.budget.map(|budget| budget.to_string()),
            ok: ours.as_ref().and_then(met),
            ours,
            peer,
            bare,
        }
    }
}

/// Everything a comparison found.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// What it was measured on and with, one sentence each.
    pub conditions: Vec<String>,
    /// The rows.
    pub rows: Vec<Measured>,
}

/// Whose figures stand beside each other.
const PEERS: [&str; 2] = ["Tracewell", "libbpf-tools"];

/// The same in the table of what is asked.
const ASKED: [&str; 2] = ["asked", "nothing asked"];

impl Comparison {
    /// The Markdown table, after its conditions; and that of what is asked, which has another peer.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for condition in &self.conditions {
            text.extend(["- ", condition, "\n"]);
        }
        for (sides, asks) in [(PEERS, false), (ASKED, true)] {
            let of_table = |row: &&Measured| row.subject.asks().is_empty() != asks;
            let rows: Vec<_> = self.rows.iter().filter(of_table).collect();
            if rows.is_empty() {
                continue;
            }
            let [ours, peer] = sides;
            text.push_str(&format!(
                "\n| figure | {ours} | {peer} | ratio | budget | ok? |\n"
            ));
            text.push_str("|---|---|---|---|---|---|\n");
            for row in rows {
                text.push_str(&line(row));
                text.push('\n');
            }
        }
        text
    }
}

fn line(row: &Measured) -> String {
    let bare = row
        .bare
        .as_ref()
        .map(|bare| format!(" (bare {})", number(bare.median)));
    let ratio = row
        .ratio
        .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.3}"));
    format!(
        "| {}{} | {} | {} | {} | {} | {} |",
        row.label,
        bare.unwrap_or_default(),
        cell(row.ours.as_ref()),
        cell(row.peer.as_ref()),
        ratio,
        row.budget.as_deref().unwrap_or(""),
        match (row.ok, &row.budget) {
            (Some(true), _) => "yes",
            (Some(false), _) => "**no**",
            (None, Some(_)) => "–",
            (None, None) => "",
        }
    )
}

/// `median (min–max)`.
fn cell(sample: Option<&Sample>) -> String {
    let Some(Sample {
        median, min, max, ..
    }) = sample
    else {
        return "–".to_owned();
    };
    if min == max {
        return number(*median);
    }
    format!("{} ({}–{})", number(*median), number(*min), number(*max))
}

/// Three digits or more, thousands apart.
fn number(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if size == 0.0 => "0".to_owned(),
        _ if size < 1.0 => format!("{size:.3}"),
        _ if size < 10.0 => format!("{size:.2}"),
        _ if size < 100.0 => format!("{size:.1}"),
        _ => thousands(size.round() as u64),
    };
    if value < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Comparison;
    use super::Measured;
    use super::number;
    use crate::budget::ROWS;
    use crate::sample::Sample;

    #[test]
    fn numbers_keep_three_digits() {
        for (value, expected) in [
            (0.0, "0"),
            (0.1234, "0.123"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1_234.0, "1,234"),
            (1_234_567.0, "1,234,567"),
            (-123_456.0, "-123,456"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn a_row_reads_as_a_table_line() {
        let sample = |values: &[f64]| Sample::new(values.to_vec());
        let row = &ROWS[1];
        let full = Measured::new(
            row,
            sample(&[390.0, 400.0, 410.0]),
            sample(&[8_000.0]),
            sample(&[4_000.0]),
        );
        let alone = Measured::new(row, sample(&[400.0]), None, None);
        let comparison = Comparison {
            conditions: vec!["a machine".to_owned()],
            rows: vec![full, alone],
        };
        let expected = "\
- a machine

| figure | Tracewell | libbpf-tools | ratio | budget | ok? |
|---|---|---|---|---|---|
| 50,000 opens/s: added CPU per open, ns (bare 4,000) | 400 (390–410) | 8,000 | 0.050 | ≤ 0.1 × peer | yes |
| 50,000 opens/s: added CPU per open, ns | 400 | – | – | ≤ 0.1 × peer | – |
";
        assert_eq!(comparison.markdown(), expected);
        let asked = ROWS.iter().find(|row| !row.subject.asks().is_empty());
        let asked = Measured::new(asked.unwrap(), sample(&[30.0]), sample(&[20.0]), None);
        let beside = Comparison {
            conditions: Vec::new(),
            rows: vec![asked],
        };
        let expected = "
| figure | asked | nothing asked | ratio | budget | ok? |
|---|---|---|---|---|---|
| --where, shown: BPF time per open, ns | 30.0 | 20.0 | 1.500 |  |  |
";
        assert_eq!(beside.markdown(), expected);
        assert!(
            serde_json::to_string(&comparison)
                .unwrap()
                .contains("\"opens-paced\"")
        );
    }
}
