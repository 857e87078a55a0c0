// SPDX-License-Identifier: MIT OR Apache-2.0
//! CSV output: a header, then one record an event. Bytes are escaped as in a table, so that every
//! record is one line and a terminal may show it; and so that no cell is run by a spreadsheet. Losses are not part of
//! the stream.
//!
//! A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@`, as OWASP's page on CSV injection has it (a tab and
//! a carriage return are escaped already), or with the wide form of one. Such text gets a `'` before it, which
//! spreadsheets take for the mark of text; so does text that begins with `'` itself, so that taking one away always
//! gives the text back. Where semicolons separate cells a name could begin a cell of its own behind one, which is why
//! that is written as `\x3b`. Numbers are left alone.

use super::sink::Sink;
use super::table::{Column, Show};
use crate::error::Result;
use crate::event::Bucket;
use crate::event::fields::{Fields, Frames, List};
use crate::event::frame;
use crate::event::{Event, EventFamily, Field, Group};
use crate::text::escape;
use crate::text::stamp::Stamp;
use memchr::memchr2;

/// What must not begin a cell of text.
const SIGNS: [&[u8]; 9] = [
    b"=",
    b"+",
    b"-",
    b"@",
    b"'",
    "\u{ff1d}".as_bytes(),
    "\u{ff0b}".as_bytes(),
    "\u{ff0d}".as_bytes(),
    "\u{ff20}".as_bytes(),
];

/// Writes records to a sink.
#[derive(Debug)]
pub(super) struct Csv<T: EventFamily> {
    sink: Sink,
    /// Where a field is put together.
    field: Vec<u8>,
    columns: Vec<Column<T>>,
    /// The numbers of the fields that were chosen; `None` for all.
    chosen: Option<Vec<usize>>,
}

impl<T: EventFamily> Csv<T> {
    /// Whether there are several kinds of events: then each record begins with its own, and has room for the fields of
    /// all.
    const MIXED: bool = <T::Event<'static> as Event>::KINDS.len() > 1;

    pub(super) fn new(sink: Sink, columns: Vec<Column<T>>) -> Self {
        Self {
            sink,
            field: Vec::new(),
            columns,
            chosen: None,
        }
    }

    /// Has the fields of the columns only, in their order.
    pub(super) fn choose(&mut self) {
        let fields = self.columns.iter().filter_map(|column| match column.show {
            Show::Field(index) => Some(index),
            Show::Own(_) => None,
        });
        self.chosen = Some(fields.collect());
    }

    pub(super) fn sink(&mut self) -> &mut Sink {
        &mut self.sink
    }

    pub(super) fn header(&mut self) -> Result<()> {
        let fields = <T::Event<'static> as Event>::FIELDS;
        let names: Vec<_> = match &self.chosen {
            Some(chosen) => chosen.iter().map(|index| fields[*index].name).collect(),
            None => {
                let kind = Self::MIXED.then_some("event").into_iter();
                kind.chain(fields.iter().map(|field| field.name)).collect()
            }
        };
        let out = self.sink.buffer();
        out.extend_from_slice(names.join(",").as_bytes());
        out.push(b'\n');
        self.sink.end_record()
    }

    /// The header of counts, as a line: the fields of two groups, and those that were chosen between them.
    pub(super) fn header_of_counts<L: Group, M: Group>(&self) -> Vec<u8> {
        let of = |fields: &[Field]| fields.iter().map(|field| field.name).collect::<Vec<_>>();
        let fields = <T::Event<'static> as Event>::FIELDS;
        let chosen = self.chosen.iter().flatten();
        let keys = chosen.map(|index| fields[*index].name).collect();
        let names = [of(L::FIELDS), keys, of(M::FIELDS)].concat();
        format!("{}\n", names.join(",")).into_bytes()
    }

    /// The cells of the fields that were chosen, each with a comma behind it.
    pub(super) fn key(&mut self, out: &mut Vec<u8>, stamp: &mut Stamp, event: &T::Event<'_>) {
        let mut record = Record {
            out,
            field: &mut self.field,
            stamp,
        };
        for index in self.chosen.iter().flatten() {
            event.field(*index, &mut record);
        }
    }

    /// A record of counts.
    pub(super) fn count(
        &mut self,
        stamp: &mut Stamp,
        lead: &impl Group,
        key: Option<&[u8]>,
        measure: &impl Group,
    ) -> Result<()> {
        let mut record = Record {
            out: self.sink.buffer(),
            field: &mut self.field,
            stamp,
        };
        lead.give(&mut record);
        match key {
            Some(key) => record.out.extend_from_slice(key),
            None => {
                for _ in self.chosen.iter().flatten() {
                    record.absent("");
                }
            }
        }
        measure.give(&mut record);
        let out = self.sink.buffer();
        out.pop();
        out.push(b'\n');
        self.sink.end_record()
    }

    pub(super) fn event(&mut self, stamp: &mut Stamp, event: &T::Event<'_>) -> Result<()> {
        let out = self.sink.buffer();
        let start = out.len();
        let mut record = Record {
            out,
            field: &mut self.field,
            stamp,
        };
        if let Some(chosen) = &self.chosen {
            for index in chosen {
                event.field(*index, &mut record);
            }
        } else if Self::MIXED {
            record.text("event", event.kind());
            for index in 0..<T::Event<'static> as Event>::FIELDS.len() {
                event.field(index, &mut record);
            }
        } else {
            event.fields(&mut record);
        }
        // Each field has a comma behind it.
        if out.len() > start {
            out.pop();
        }
        out.push(b'\n');
        self.sink.end_record()
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.sink.flush()
    }
}

/// One record, while it is written.
struct Record<'a> {
    out: &'a mut Vec<u8>,
    field: &'a mut Vec<u8>,
    stamp: &'a mut Stamp,
}

impl Record<'_> {
    /// What has neither a comma nor a quote, and is no formula.
    #[inline]
    fn plain(&mut self, value: &[u8]) {
        self.out.extend_from_slice(value);
        self.out.push(b',');
    }

    #[inline]
    fn number(&mut self, value: impl itoa::Integer) {
        let mut digits = itoa::Buffer::new();
        self.plain(digits.format(value).as_bytes());
    }

    /// One field of several elements, with this between; `write` appends each.
    fn each<T>(
        &mut self,
        between: u8,
        values: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Vec<u8>, T),
    ) {
        self.put(|field, _| {
            for (index, value) in values.enumerate() {
                if index > 0 {
                    field.push(between);
                }
                write(field, value);
            }
        });
    }

    /// Text that is escaped already.
    #[inline]
    fn put(&mut self, write: impl FnOnce(&mut Vec<u8>, &mut Stamp)) {
        self.field.clear();
        write(self.field, self.stamp);
        cell(self.out, self.field);
    }
}

/// Appends escaped text as one cell, with its comma.
#[inline]
fn cell(out: &mut Vec<u8>, text: &[u8]) {
    let quoted = memchr2(b',', b'"', text).is_some();
    if quoted {
        out.push(b'"');
    }
    // Whether spaces at the start are left out is up to the spreadsheet.
    let shown = text.trim_ascii_start();
    if SIGNS.iter().any(|sign| shown.starts_with(sign)) {
        out.push(b'\'');
    }
    let mut rest = text;
    while let Some(at) = memchr2(b'"', b';', rest) {
        out.extend_from_slice(&rest[..at]);
        let instead: &[u8] = if rest[at] == b';' { br"\x3b" } else { br#""""# };
        out.extend_from_slice(instead);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    if quoted {
        out.push(b'"');
    }
    out.push(b',');
}

impl Fields for Record<'_> {
    fn u64(&mut self, _: &'static str, value: u64) {
        self.number(value);
    }

    fn i64(&mut self, _: &'static str, value: i64) {
        self.number(value);
    }

    fn bool(&mut self, _: &'static str, value: bool) {
        self.plain(if value { b"true" } else { b"false" });
    }

    fn text(&mut self, _: &'static str, value: &str) {
        cell(self.out, value.as_bytes());
    }

    fn bytes(&mut self, _: &'static str, value: &[u8]) {
        self.put(|field, _| escape::text(field, value));
    }

    fn list(&mut self, name: &'static str, value: Option<List<'_>>) {
        let Some(each) = value else {
            return self.absent(name);
        };
        self.put(|field, _| {
            let mut first = true;
            each(&mut |element| {
                if !first {
                    field.push(b' ');
                }
                first = false;
                match element {
                    Some(element) => escape::argument(field, element),
                    None => field.extend_from_slice(escape::CUT.as_bytes()),
                }
            });
        });
    }

    fn frames(&mut self, name: &'static str, value: Option<Frames<'_>>) {
        let Some(each) = value else {
            return self.absent(name);
        };
        self.put(|field, _| {
            each(&mut |frame| {
                if !field.is_empty() {
                    field.extend_from_slice(b" | ");
                }
                frame::line(field, frame);
            });
        });
    }

    fn names(&mut self, _: &'static str, value: &mut dyn Iterator<Item = &str>) {
        self.each(b'|', value, |field, word| {
            field.extend_from_slice(word.as_bytes());
        });
    }

    fn numbers(&mut self, _: &'static str, value: &mut dyn Iterator<Item = u64>) {
        let mut digits = itoa::Buffer::new();
        self.each(b' ', value, |field, value| {
            field.extend_from_slice(digits.format(value).as_bytes());
        });
    }

    fn buckets(&mut self, _: &'static str, value: &mut dyn Iterator<Item = Bucket>) {
        let mut digits = itoa::Buffer::new();
        self.each(b' ', value, |field, bucket| {
            field.extend_from_slice(digits.format(bucket.low).as_bytes());
            field.push(b'-');
            field.extend_from_slice(digits.format(bucket.high).as_bytes());
            field.push(b':');
            field.extend_from_slice(digits.format(bucket.count).as_bytes());
        });
    }

    fn time(&mut self, _: &'static str, boot_ns: u64) {
        self.put(|field, stamp| stamp.rfc3339(field, boot_ns));
    }

    fn absent(&mut self, _: &'static str) {
        self.plain(b"");
    }
}

#[cfg(test)]
mod tests;
