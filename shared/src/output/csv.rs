// SPDX-License-Identifier: MIT OR Apache-2.0
//! CSV output: a header, then one record an event. Bytes are escaped as in a table, so that every
//! record is one line and a terminal may show it. Losses are not part of the stream.

use super::escape;
use super::fields::{Fields, Frames, List};
use super::sink::Sink;
use super::stamp::Stamp;
use crate::callers;
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::hist::Bucket;
use csv::ByteRecord;

/// Writes records to a sink.
#[derive(Debug)]
pub(super) struct Csv {
    writer: csv::Writer<Sink>,
    /// What writing failed on; the sink is inside the writer by then.
    name: String,
    record: ByteRecord,
    /// Where a field is put together.
    field: Vec<u8>,
}

impl Csv {
    pub(super) fn new(sink: Sink) -> Self {
        Self {
            name: sink.name().to_owned(),
            writer: csv::Writer::from_writer(sink),
            record: ByteRecord::new(),
            field: Vec::new(),
        }
    }

    pub(super) fn header(&mut self, names: &[&str]) -> Result<()> {
        let written = self.writer.write_record(names);
        written.map_err(|error| failure(&self.name, error))
    }

    pub(super) fn event<E: Event>(&mut self, stamp: &mut Stamp, event: &E) -> Result<()> {
        self.record.clear();
        event.fields(&mut Record {
            record: &mut self.record,
            field: &mut self.field,
            stamp,
        });
        let written = self.writer.write_byte_record(&self.record);
        written.map_err(|error| failure(&self.name, error))
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        let flushed = self.writer.flush();
        flushed.map_err(|error| Error::io(format_args!("cannot write to {}", self.name), &error))
    }
}

fn failure(name: &str, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Error::io(format_args!("cannot write to {name}"), &error),
        other => Error::new(Kind::Io, format!("cannot write to {name}: {other:?}")),
    }
}

/// One record, while it is written.
struct Record<'a> {
    record: &'a mut ByteRecord,
    field: &'a mut Vec<u8>,
    stamp: &'a mut Stamp,
}

impl Record<'_> {
    #[inline]
    fn number(&mut self, value: impl itoa::Integer) {
        let mut digits = itoa::Buffer::new();
        self.record.push_field(digits.format(value).as_bytes());
    }

    #[inline]
    fn put(&mut self, write: impl FnOnce(&mut Vec<u8>, &mut Stamp)) {
        self.field.clear();
        write(self.field, self.stamp);
        self.record.push_field(self.field);
    }
}

impl Fields for Record<'_> {
    fn u64(&mut self, _: &'static str, value: u64) {
        self.number(value);
    }

    fn i64(&mut self, _: &'static str, value: i64) {
        self.number(value);
    }

    fn bool(&mut self, _: &'static str, value: bool) {
        self.record
            .push_field(if value { b"true" } else { b"false" });
    }

    fn text(&mut self, _: &'static str, value: &str) {
        self.record.push_field(value.as_bytes());
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
                escape::argument(field, element);
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
                callers::frame_text(field, frame);
            });
        });
    }

    fn names(&mut self, _: &'static str, value: &mut dyn Iterator<Item = &str>) {
        self.put(|field, _| {
            for (index, word) in value.enumerate() {
                if index > 0 {
                    field.push(b'|');
                }
                field.extend_from_slice(word.as_bytes());
            }
        });
    }

    fn buckets(&mut self, _: &'static str, value: &mut dyn Iterator<Item = Bucket>) {
        let mut digits = itoa::Buffer::new();
        self.put(|field, _| {
            for (index, bucket) in value.enumerate() {
                if index > 0 {
                    field.push(b' ');
                }
                field.extend_from_slice(digits.format(bucket.low).as_bytes());
                field.push(b'-');
                field.extend_from_slice(digits.format(bucket.high).as_bytes());
                field.push(b':');
                field.extend_from_slice(digits.format(bucket.count).as_bytes());
            }
        });
    }

    fn time(&mut self, _: &'static str, boot_ns: u64) {
        self.put(|field, stamp| stamp.rfc3339(field, boot_ns));
    }

    fn absent(&mut self, _: &'static str) {
        self.record.push_field(b"");
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
