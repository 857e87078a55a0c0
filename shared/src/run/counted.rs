// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events that are counted by their fields, and shown at the end or for each interval.

use crate::cli::Counting;
use crate::error::Result;
use crate::event::{Event, EventFamily, Field, Group, Kind, Type, count, joined};
use crate::output::outlet::Outlet;
use crate::output::table::Column;
use crate::output::{Format, Writer};
use crate::query::counts::{By, Counts, Measure};
use crate::run::rate::{Rate, Rated};
use crate::run::runner::Interval;
use crate::run::timer::Timer;

/// The kind of JSON object that a row is.
pub const KIND: Kind = Kind {
    name: "count",
    meaning: "How many events of an interval are alike in the fields of `--count-by`.",
    fields: &joined::<{ count(PARTS) }>(PARTS),
};

const PARTS: &[&[Field]] = &[Interval::FIELDS, &[BY], Measure::FIELDS];

/// The fields of the key.
const BY: Field = Field {
    of: Type::Maybe(&Type::Fields),
    null: Some("in a row of several keys"),
    ..Field::of::<u64>("by", "The fields of `--count-by`, as an event has them.")
};

/// A row of a table.
#[derive(Debug, Clone, Group)]
struct Row {
    /// What came of the events.
    #[field(group)]
    measure: Measure,
    /// How many there were in a second.
    #[field(group)]
    rated: Rated,
}

/// The fields of [`Row`] that a table shows: with figures of a number or without, with the rate or without.
fn shown(stat: bool, rate: bool) -> Vec<usize> {
    let mut shown = Measure::shown(stat).to_vec();
    if rate {
        // Behind the count.
        shown.insert(1, Measure::FIELDS.len());
    }
    shown
}

/// How many rows people are shown who do not say it.
const TOP: usize = 20;

/// Counts events, and shows what they come to.
pub(super) struct Counted {
    counts: Counts,
    timer: Timer,
    /// What is counted, in words.
    by: String,
    top: usize,
    /// The numbers of the fields that a table shows.
    shown: Vec<usize>,
    has_intervals: bool,
    is_table: bool,
    /// The key of the event that is counted.
    key: Vec<u8>,
}

impl Counted {
    /// As the options say; `None` where events are shown.
    ///
    /// # Errors
    ///
    /// For fields that there are not.
    pub(super) fn new<E: Event>(asked: &Counting, format: Format) -> Result<Option<Self>> {
        if asked.count_by.is_empty() {
            return Ok(None);
        }
        let by = By::new(E::FIELDS, &asked.count_by, asked.stat.as_deref())?;
        Rate::check(asked.rate, format)?;
        let is_table = format == Format::Table;
        let names = by.keys.iter().map(|index| E::FIELDS[*index].name);
        Ok(Some(Self {
            timer: Timer::default(),
            by: names.collect::<Vec<_>>().join(", "),
            shown: shown(by.has_stat(), asked.rate),
            counts: Counts::new(by, asked.keys_max.get()),
            top: asked.top.unwrap_or(if is_table { TOP } else { usize::MAX }),
            has_intervals: asked.interval.is_some(),
            is_table,
            key: Vec::new(),
        }))
    }

    /// The columns of the key.
    pub(super) fn columns<T: EventFamily>(&self) -> Vec<Column<T>> {
        let fields = self.counts.by().keys.iter();
        fields.map(|index| Column::of(*index).inside()).collect()
    }

    /// The first interval begins.
    pub(super) fn begin<T: EventFamily>(&mut self, out: &mut Outlet<T>) -> Result<()> {
        let by = &self.by;
        out.write(|writer| {
            writer.text(|lines| {
                lines.text(format_args!(
                    "Counting events by {by}... Hit Ctrl-C to end.\n"
                ));
            })?;
            writer.begin_counts::<Interval, Measure>()?;
            writer.flush()
        })?;
        self.timer.begin();
        Ok(())
    }

    /// Counts an event.
    pub(super) fn add<T: EventFamily>(&mut self, writer: &mut Writer<T>, event: &T::Event<'_>) {
        writer.key(event, &self.counts.by().keys, &mut self.key);
        let value = self.counts.by().value(event);
        self.counts.add(&self.key, value);
    }

    /// Shows what came since the last time.
    pub(super) fn show<T: EventFamily>(&mut self, out: &mut Outlet<T>) -> Result<()> {
        let ended = self.timer.next();
        let counted = self.counts.take(self.top);
        let (interval, has_intervals) = (ended.interval(), self.has_intervals);
        let (shown, is_table) = (&self.shown, self.is_table);
        out.write(|writer| {
            writer.text(|lines| {
                lines.end();
                if has_intervals {
                    lines.time(ended.end_ns);
                    lines.end();
                }
            })?;
            if !counted.rows.is_empty() {
                writer.header_of_counts::<Row>(shown)?;
            }
            for (key, measure) in counted.rows {
                if is_table {
                    let count_per_s = interval.rate(measure.count);
                    let rated = Rated { count_per_s };
                    writer.count(&interval, Some(&key), &Row { measure, rated }, shown)?;
                } else {
                    writer.count(&interval, Some(&key), &measure, &[])?;
                }
            }
            let mut others = |measure: &Measure, words: std::fmt::Arguments<'_>| {
                if is_table {
                    // No row begins like this: each begins with a number.
                    return writer.text(|lines| lines.text(format_args!("({words})\n")));
                }
                writer.count(&interval, None, measure, &[])
            };
            if let Some((keys, rest)) = &counted.below {
                let (events, sum) = (rest.count, Sum(rest));
                let rows = if *keys == 1 { "row" } else { "rows" };
                others(
                    rest,
                    format_args!("{keys} more {rows}: {events}{sum}; --top shows more"),
                )?;
            }
            if let Some(rest) = &counted.no_room {
                let (events, sum) = (rest.count, Sum(rest));
                others(
                    rest,
                    format_args!(
                        "no room for a row of their own: {events}{sum}; --keys-max makes more"
                    ),
                )?;
            }
            writer.flush()
        })
    }
}

/// The sum of a measure in words, where there is one.
struct Sum<'m>(&'m Measure);

impl std::fmt::Display for Sum<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.sum {
            Some(sum) => write!(f, ", sum {sum}"),
            None => Ok(()),
        }
    }
}
