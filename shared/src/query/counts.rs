// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--count-by`: how many events are alike in some of their fields.
//!
//! What a key is made of is up to the caller, who gives its bytes: what the format shows of the fields, so that no two rows
//! look the same.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use crate::error::{Error, Result};
use crate::event::fields::{Fields, Frames, List};
use crate::event::{Bucket, Cell, Event, Field, Group, Type, Value, Word, position};
use crate::hist::Sparse;
use crate::query::no_field;
use crate::text::stamp;

/// What a row tells of the events that it stands for.
#[derive(Debug, Clone, Group)]
pub struct Measure {
    /// How many events there were.
    #[field(range(1, u64::MAX as i128), right("COUNT", 8))]
    pub count: u64,
    /// The field that the figures behind this one are of.
    #[field(null = "without `--stat`")]
    pub stat: Option<String>,
    /// How many of the events have a value of this field.
    #[field(null = "without `--stat`", right("VALUES", 8))]
    pub values: Option<u64>,
    /// The sum of the values.
    #[field(null = "without `--stat`", right("SUM", 11))]
    pub sum: Option<Amount>,
    /// The mean of the values, rounded.
    #[field(null = "where there is no value", right("MEAN", 11))]
    pub mean: Option<Amount>,
    /// The median, within 1.6 %.
    #[field(null = "where there is no value", right("P50", 11))]
    pub p50: Option<Amount>,
    /// 99 % of the values are no larger, within 1.6 %.
    #[field(null = "where there is no value", right("P99", 11))]
    pub p99: Option<Amount>,
    /// The largest value.
    #[field(null = "where there is no value", right("MAX", 11))]
    pub max: Option<Amount>,
    /// Why events of different keys are counted here together.
    #[field(null = "in a row of one key")]
    pub other: Option<Other>,
}

impl Measure {
    /// The numbers of the fields that a table shows: with the figures of a number, or without.
    pub const fn shown(stat: bool) -> &'static [usize] {
        const FIGURES: [usize; 7] = [
            named("count"),
            named("values"),
            named("sum"),
            named("mean"),
            named("p50"),
            named("p99"),
            named("max"),
        ];
        if stat {
            &FIGURES
        } else {
            FIGURES.split_at(1).0
        }
    }
}

const fn named(name: &str) -> usize {
    match position(Measure::FIELDS, name) {
        Some(index) => index,
        None => panic!("there is such a field"),
    }
}

/// Why a row is of several keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Word)]
pub enum Other {
    /// Below the first `--top`.
    Top,
    /// There was no room for more than `--keys-max`.
    KeysMax,
}

/// A figure, in the unit of the field that it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    value: u64,
    is_time: bool,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_time {
            let mut text = [0; stamp::SECONDS_BYTES];
            let text = stamp::seconds(&mut text, self.value);
            write!(f, "{}", String::from_utf8_lossy(text))
        } else {
            write!(f, "{}", self.value)
        }
    }
}

impl Value for Amount {
    const TYPE: Type = u64::TYPE;

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.u64(name, self.value);
    }

    fn show(&self, cell: &mut Cell<'_>) {
        if self.is_time {
            cell.seconds(self.value);
        } else {
            cell.u64(self.value);
        }
    }
}

/// The fields that events are told apart by, and the one that figures are of.
#[derive(Debug, Clone)]
pub struct By {
    /// The numbers of the first, in the order that was asked for.
    pub keys: Vec<usize>,
    stat: Option<(usize, &'static Field)>,
}

impl By {
    /// Those of these names: fields of JSON, or headers of their columns.
    ///
    /// # Errors
    ///
    /// For a name that no field has, and for a field that is no key or no number.
    pub fn new(fields: &'static [Field], keys: &[String], stat: Option<&str>) -> Result<Self> {
        let mut by = Self {
            keys: Vec::new(),
            stat: None,
        };
        for name in keys {
            let index = find(fields, "--count-by", name)?;
            let field = &fields[index];
            if matches!(field.of.some(), Type::Time) {
                return Err(Error::usage(format!(
                    "--count-by: {name} differs from event to event"
                ))
                .help("--interval shows what came in each interval of a length"));
            }
            if matches!(field.of.some(), Type::Frames(_) | Type::Buckets) {
                return Err(Error::usage(format!(
                    "--count-by: {name} takes lines of its own, and is no part of a row"
                )));
            }
            if by.keys.contains(&index) {
                return Err(Error::usage(format!("--count-by: {name} is there twice")));
            }
            by.keys.push(index);
        }
        if let Some(name) = stat {
            let index = find(fields, "--stat", name)?;
            let field = &fields[index];
            if !is_amount(field) {
                let amounts = fields.iter().filter(|field| is_amount(field));
                let amounts: Vec<_> = amounts.map(|field| field.name).collect();
                return Err(
                    Error::usage(format!("--stat: {name} is no number from 0 on"))
                        .help(format!("such fields are {}", amounts.join(", "))),
                );
            }
            by.stat = Some((index, field));
        }
        Ok(by)
    }

    /// Whether there are figures of a number.
    pub fn has_stat(&self) -> bool {
        self.stat.is_some()
    }

    /// The value that figures are of; `None` where the event has none.
    pub fn value<E: Event>(&self, event: &E) -> Option<u64> {
        let (index, _) = self.stat?;
        let mut number = Number(None);
        event.field(index, &mut number);
        number.0
    }
}

fn is_amount(field: &Field) -> bool {
    match (*field.of.some(), field.range) {
        (Type::Number(..), Some((least, _))) | (Type::Number(least, _), None) => least >= 0,
        _ => false,
    }
}

fn find(fields: &[Field], option: &str, name: &str) -> Result<usize> {
    super::find(fields, name)
        .ok_or_else(|| Error::usage(format!("{option}: {}", no_field(fields, name))))
}

/// How many events came, by key.
#[derive(Debug)]
pub struct Counts {
    by: By,
    rows: HashMap<Box<[u8]>, Row>,
    /// How many keys there is room for.
    most: usize,
    no_room: Row,
}

/// The events of one key.
#[derive(Debug, Clone, Default)]
struct Row {
    count: u64,
    spread: Sparse,
}

/// What came, in the order in which it is shown.
#[derive(Debug)]
pub struct Counted {
    /// The rows of one key each.
    pub rows: Vec<(Box<[u8]>, Measure)>,
    /// How many keys there are below them, and their events.
    pub below: Option<(usize, Measure)>,
    /// The events for whose keys there was no room.
    pub no_room: Option<Measure>,
}

impl Counts {
    /// Room for so many keys.
    pub fn new(by: By, most: usize) -> Self {
        Self {
            by,
            rows: HashMap::new(),
            most,
            no_room: Row::default(),
        }
    }

    /// The fields.
    pub fn by(&self) -> &By {
        &self.by
    }

    /// Counts an event of this key.
    pub fn add(&mut self, key: &[u8], value: Option<u64>) {
        let has_room = self.rows.len() < self.most;
        let row = match self.rows.get_mut(key) {
            Some(row) => row,
            None if has_room => self.rows.entry(key.into()).or_default(),
            None => &mut self.no_room,
        };
        row.count += 1;
        if let Some(value) = value {
            row.spread.add(value);
        }
    }

    /// Takes all out: the first `top` keys by themselves, those with the largest sums, or counts where there are no sums.
    /// Equal ones come by the order of their keys, so that two runs show them alike.
    pub fn take(&mut self, top: usize) -> Counted {
        let mut rows: Vec<_> = self.rows.drain().collect();
        rows.sort_unstable_by(|(key, row), (other_key, other)| {
            let size = |row: &Row| Reverse((row.spread.sum(), row.count));
            size(row).cmp(&size(other)).then_with(|| key.cmp(other_key))
        });
        let below = rows.split_off(top.min(rows.len()));
        let keys = below.len();
        let mut rest = Row::default();
        for (_, row) in below {
            rest.count += row.count;
            rest.spread.merge(&row.spread);
        }
        let no_room = std::mem::take(&mut self.no_room);
        let rows = rows.into_iter();
        Counted {
            rows: rows
                .map(|(key, row)| (key, self.measure(&row, None)))
                .collect(),
            below: (keys > 0).then(|| (keys, self.measure(&rest, Some(Other::Top)))),
            no_room: (no_room.count > 0).then(|| self.measure(&no_room, Some(Other::KeysMax))),
        }
    }

    fn measure(&self, row: &Row, other: Option<Other>) -> Measure {
        let stat = self.by.stat.map(|(_, field)| field);
        let is_time = stat.is_some_and(|field| field.unit == Some("ns"));
        let amount = |value| Amount { value, is_time };
        let spread = &row.spread;
        Measure {
            count: row.count,
            stat: stat.map(|field| field.name.to_owned()),
            values: stat.map(|_| spread.count()),
            sum: stat.map(|_| amount(spread.sum())),
            mean: spread.mean().map(amount),
            p50: spread.quantile(0.5).map(amount),
            p99: spread.quantile(0.99).map(amount),
            max: spread.max().map(amount),
            other,
        }
    }
}

/// Takes a number.
struct Number(Option<u64>);

impl Fields for Number {
    fn u64(&mut self, _: &'static str, value: u64) {
        self.0 = Some(value);
    }

    fn i64(&mut self, _: &'static str, value: i64) {
        self.0 = u64::try_from(value).ok();
    }

    fn bool(&mut self, _: &'static str, _: bool) {}

    fn text(&mut self, _: &'static str, _: &str) {}

    fn bytes(&mut self, _: &'static str, _: &[u8]) {}

    fn list(&mut self, _: &'static str, _: Option<List<'_>>) {}

    fn frames(&mut self, _: &'static str, _: Option<Frames<'_>>) {}

    fn names(&mut self, _: &'static str, _: &mut dyn Iterator<Item = &str>) {}

    fn numbers(&mut self, _: &'static str, _: &mut dyn Iterator<Item = u64>) {}

    fn buckets(&mut self, _: &'static str, _: &mut dyn Iterator<Item = Bucket>) {}

    fn time(&mut self, _: &'static str, _: u64) {}

    fn absent(&mut self, _: &'static str) {}
}

#[cfg(test)]
mod tests {
    use super::{By, Counts, Other};
    use crate::event::Event;
    use crate::output::sample::Sample;

    fn by(keys: &[&str], stat: Option<&str>) -> crate::error::Result<By> {
        let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        By::new(<Sample<'_> as Event>::FIELDS, &keys, stat)
    }

    /// The keys and counts that are shown, and those that are not.
    fn told(counts: &mut Counts, top: usize) -> (Vec<(String, u64)>, Vec<u64>) {
        let counted = counts.take(top);
        let rows = counted.rows.iter();
        let rows = rows.map(|(key, row)| (String::from_utf8_lossy(key).into_owned(), row.count));
        let rest = counted.below.map(|(_, row)| row).into_iter();
        (
            rows.collect(),
            rest.chain(counted.no_room).map(|row| row.count).collect(),
        )
    }

    fn row(key: &str, count: u64) -> (String, u64) {
        (key.to_owned(), count)
    }

    #[test]
    fn the_largest_come_first_and_nothing_is_left_out() {
        let mut counts = Counts::new(by(&["comm"], None).unwrap(), 4);
        for key in "a b b c c d e e e f".split(' ') {
            counts.add(key.as_bytes(), None);
        }
        // There is room for four keys.
        let first = (vec![row("b", 2), row("c", 2)], vec![2, 4]);
        assert_eq!(told(&mut counts, 2), first);
        assert_eq!(told(&mut counts, 2), (vec![], vec![]));
    }

    #[test]
    fn with_a_number_the_largest_sums_come_first() {
        let mut counts = Counts::new(by(&["comm"], Some("pid")).unwrap(), 9);
        for (key, value) in [("a", Some(5)), ("b", Some(2)), ("b", None), ("b", Some(1))] {
            counts.add(key.as_bytes(), value);
        }
        let counted = counts.take(1);
        let (key, first) = &counted.rows[0];
        assert_eq!((&**key, first.count, first.values), (&b"a"[..], 1, Some(1)));
        assert_eq!((first.stat.as_deref(), first.other), (Some("pid"), None));
        let (keys, rest) = counted.below.unwrap();
        assert_eq!((keys, rest.count, rest.values), (1, 3, Some(2)));
        assert_eq!(rest.sum.unwrap().value, 3);
        assert_eq!(rest.other, Some(Other::Top));
    }

    #[test]
    fn a_value_is_that_of_the_field() {
        let sample = Sample {
            pid: 7,
            uid: None,
            ..Sample::default()
        };
        assert_eq!(by(&[], Some("pid")).unwrap().value(&sample), Some(7));
        assert_eq!(by(&[], Some("uid")).unwrap().value(&sample), None);
        assert_eq!(by(&[], None).unwrap().value(&sample), None);
    }

    #[test]
    fn what_is_no_key_or_no_number_is_told() {
        let told = |keys: &[&str], stat| {
            let error = by(keys, stat).unwrap_err();
            format!("{error}")
        };
        assert!(told(&["comm", "nope"], None).contains("'nope'; the fields are time, pid"));
        assert!(told(&["time"], None).contains("differs from event to event"));
        assert!(told(&["frames"], None).contains("lines of its own"));
        assert!(told(&["pid", "PID"], None).contains("twice"));
        assert!(told(&["pid"], Some("ret")).contains("no number from 0 on"));
        assert!(told(&["pid"], Some("comm")).contains("no number from 0 on"));
        assert_eq!(by(&["PID", "comm"], None).unwrap().keys, [1, 3]);
    }
}
