// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which rows of a table are shown, and in which order: by any of their fields.

use std::cmp::Ordering;

use super::Tabulate;
use crate::error::{Error, Result};
use crate::event::{Event, EventFamily};
use crate::hist::Bucket;
use crate::output::Format;
use crate::output::fields::{Fields, Frames, List};
use crate::run::rate::Rate;

/// Which rows, and in which order.
pub(super) struct Order {
    /// The number of the field that they are sorted by.
    by: usize,
    /// How many at most.
    most: usize,
}

impl Order {
    /// As the options say. A program that reads all rows can choose itself: only people are shown the first few without
    /// having asked for it.
    pub(super) fn new<T: Tabulate>(args: &T, format: Format) -> Result<Self> {
        let rows = args.rows();
        let fields = <<T::Report as EventFamily>::Event<'static> as Event>::FIELDS;
        let name = rows.sort.as_deref().unwrap_or(args.sorted_by());
        let mut others = T::SORTS.iter();
        let name = others
            .find_map(|(other, field)| (*other == name).then_some(*field))
            .unwrap_or(name);
        // Of one interval, both come to the same order.
        let name = if name == Rate::NAME { T::COUNT } else { name };
        let by = fields.iter().position(|field| field.name == name);
        let by = by.ok_or_else(|| {
            let names = fields.iter().map(|field| field.name);
            let names: Vec<_> = names.chain([Rate::NAME]).collect();
            Error::usage(format!("--sort {name}: there is no such field"))
                .help(format!("the fields are: {}", names.join(", ")))
        })?;
        let top = rows
            .top
            .or_else(|| args.top().filter(|_| format == Format::Table));
        Ok(Self {
            by,
            most: top.unwrap_or(usize::MAX),
        })
    }

    /// The rows to show: the largest numbers first, or names by the alphabet. Equal ones are told apart by all their fields,
    /// so that two runs show them alike.
    pub(super) fn shown<E: Event>(&self, rows: Vec<E>) -> Vec<E> {
        let key = |row: &E| {
            let mut sought = Sought(Vec::new());
            row.field(self.by, &mut sought);
            row.fields(&mut sought);
            sought.0
        };
        let mut rows: Vec<_> = rows.into_iter().map(|row| (key(&row), row)).collect();
        rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        rows.truncate(self.most);
        rows.into_iter().map(|(_, row)| row).collect()
    }
}

/// A value to sort by.
#[derive(Debug, PartialEq, Eq)]
enum Value {
    Number(i128),
    Text(Vec<u8>),
    Absent,
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |value: &Self| match value {
            Self::Number(_) => 0,
            Self::Text(_) => 1,
            Self::Absent => 2,
        };
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => other.cmp(one),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Takes the values of fields.
struct Sought(Vec<Value>);

impl Fields for Sought {
    fn u64(&mut self, _name: &'static str, value: u64) {
        self.0.push(Value::Number(value.into()));
    }

    fn i64(&mut self, _name: &'static str, value: i64) {
        self.0.push(Value::Number(value.into()));
    }

    fn bool(&mut self, _name: &'static str, value: bool) {
        self.0.push(Value::Number(value.into()));
    }

    fn text(&mut self, _name: &'static str, value: &str) {
        self.0.push(Value::Text(value.into()));
    }

    fn bytes(&mut self, _name: &'static str, value: &[u8]) {
        self.0.push(Value::Text(value.to_vec()));
    }

    fn list(&mut self, _name: &'static str, _value: Option<List<'_>>) {
        self.0.push(Value::Absent);
    }

    fn frames(&mut self, _name: &'static str, _value: Option<Frames<'_>>) {
        self.0.push(Value::Absent);
    }

    fn names(&mut self, _name: &'static str, value: &mut dyn Iterator<Item = &str>) {
        let words: Vec<_> = value.collect();
        self.0.push(Value::Text(words.join(",").into()));
    }

    fn numbers(&mut self, _name: &'static str, _value: &mut dyn Iterator<Item = u64>) {
        self.0.push(Value::Absent);
    }

    fn buckets(&mut self, _name: &'static str, value: &mut dyn Iterator<Item = Bucket>) {
        let count: u64 = value.map(|bucket| bucket.count).sum();
        self.0.push(Value::Number(count.into()));
    }

    fn time(&mut self, _name: &'static str, boot_ns: u64) {
        self.0.push(Value::Number(boot_ns.into()));
    }

    fn absent(&mut self, _name: &'static str) {
        self.0.push(Value::Absent);
    }
}

#[cfg(test)]
mod tests {
    use super::Order;
    use crate::event::{Event, Moment};

    /// A pair.
    #[derive(Event)]
    #[event(kind = "pair", of = Pairs)]
    struct Pair {
        /// When it was.
        time: Moment,
        /// A number.
        #[field(null = "sometimes")]
        number: Option<u64>,
        /// A name.
        name: String,
    }

    #[allow(dead_code, reason = "a name for the kind")]
    struct Pairs;

    fn names(by: usize, most: usize) -> String {
        let pairs = [
            (Some(1), "b"),
            (None, "d"),
            (Some(7), "c"),
            (Some(1), "a"),
            (Some(u64::MAX), "e"),
        ];
        let pairs = pairs.map(|(number, name)| Pair {
            time: Moment::default(),
            number,
            name: name.to_owned(),
        });
        let shown = Order { by, most }.shown(pairs.into());
        shown.iter().map(|pair| pair.name.as_str()).collect()
    }

    #[test]
    fn numbers_fall_and_names_rise() {
        assert_eq!(names(1, 9), "ecabd");
        assert_eq!(names(2, 9), "abcde");
    }

    #[test]
    fn the_first_few_are_shown() {
        assert_eq!(names(1, 2), "ec");
        assert_eq!(names(1, 0), "");
    }
}
