// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the writers make of an event: each format's own reader gives the event's values back.

use std::fs::File;
use std::io::{Read, Seek};

use nix::sys::memfd::{MFdFlags, memfd_create};
use serde_json::Value;
use time::UtcOffset;
use tracewell_shared::event::{Event, EventFamily};
use tracewell_shared::kernel::clock::Clock;
use tracewell_shared::output::escape::unescape_cell;
use tracewell_shared::output::sink::Sink;
use tracewell_shared::output::table::Column;
use tracewell_shared::output::{Format, Writer};

use super::escapes::visible;
use super::fields::{self, Field};
use crate::words;

/// Writes the event in each format and reads it back; gives its JSON.
pub(crate) fn outputs<T: EventFamily>(columns: &[Column<T>], event: &T::Event<'_>) -> Value {
    let expected = fields::of(event);
    let names: Vec<_> = expected.iter().map(|(name, _)| *name).collect();
    let declared: Vec<_> = T::Event::FIELDS.iter().map(|field| field.name).collect();
    assert_eq!(names, declared, "the fields in their order");
    one_by_one::<T>(event, &expected);
    csv(&written::<T>(Format::Csv, Vec::new(), event), &expected);
    table(&written::<T>(Format::Table, columns.to_vec(), event));
    json(
        &written::<T>(Format::Json, Vec::new(), event),
        T::Event::KIND,
        &expected,
    )
}

/// Each field alone is what it is among all.
fn one_by_one<T: EventFamily>(event: &T::Event<'_>, expected: &[(&'static str, Field)]) {
    for (index, expected) in expected.iter().enumerate() {
        assert_eq!(
            fields::one(event, index).as_slice(),
            std::slice::from_ref(expected)
        );
    }
}

/// The text that a writer makes of one event.
pub(crate) fn written<T: EventFamily>(
    format: Format,
    columns: Vec<Column<T>>,
    event: &T::Event<'_>,
) -> String {
    let file = memfd_create(c"output", MFdFlags::MFD_CLOEXEC).expect("memory");
    let mut file = File::from(file);
    let sink = Sink::from_fd(file.try_clone().expect("a descriptor").into(), "a file");
    let mut writer: Writer<T> = Writer::new(format, sink, columns, Clock::fixed(0, UtcOffset::UTC));
    writer.header().expect("memory takes it");
    writer.event(event).expect("memory takes it");
    writer.flush().expect("memory takes it");
    let mut text = String::new();
    file.rewind().expect("a file");
    file.read_to_string(&mut text).expect("output is UTF-8");
    for line in text.split('\n') {
        visible(line);
    }
    text
}

/// A header, and a row that is one line and no gap's. Lines below a row begin with spaces.
fn table(text: &str) {
    let lines: Vec<_> = text.split('\n').collect();
    assert!(lines.len() >= 3 && lines.last() == Some(&""), "{text:?}");
    assert!(!lines[1].starts_with("(lost "), "{text:?}");
    for below in &lines[2..lines.len() - 1] {
        assert!(below.starts_with("        "), "{text:?}");
    }
}

fn json(text: &str, kind: &str, expected: &[(&str, Field)]) -> Value {
    let line = text.strip_suffix('\n').expect("a whole line");
    let object: Value = serde_json::from_str(line).expect("JSON");
    let count = object.as_object().expect("an object").keys();
    let beside = count.clone().filter(|name| name.ends_with("_b64")).count();
    assert_eq!(count.len(), 1 + expected.len() + beside, "{line}");
    assert_eq!(object["event"], kind);
    for (name, field) in expected {
        let value = object.get(*name).expect("no field is left out");
        let right = match field {
            Field::Absent => value.is_null(),
            Field::Unsigned(number) => value.as_u64() == Some(*number),
            Field::Signed(number) => value.as_i64() == Some(*number),
            Field::Flag(flag) => value.as_bool() == Some(*flag),
            Field::Bytes(bytes) => words::bytes(&object, name) == *bytes,
            Field::List(list) => words::elements(&object, name) == *list,
            Field::Names(names) => *value == serde_json::json!(names),
            Field::Numbers(numbers) => *value == serde_json::json!(numbers),
            Field::Buckets(buckets) => value.as_array().is_some_and(|told| {
                told.len() == buckets.len()
                    && told.iter().zip(buckets).all(|(told, bucket)| {
                        told["low"] == bucket.low
                            && told["high"] == bucket.high
                            && told["count"] == bucket.count
                    })
            }),
            Field::Frames(count) => value.as_array().map(Vec::len) == Some(*count),
            Field::Time(_) => value.as_str().is_some_and(|time| time.len() == 30),
        };
        assert!(right, "{name} is {field:?}: {line}");
    }
    object
}

fn csv(text: &str, expected: &[(&str, Field)]) {
    assert_eq!(
        text.matches('\n').count(),
        2,
        "a record is a line: {text:?}"
    );
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let names: Vec<_> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(header.iter().collect::<Vec<_>>(), names);
    let record = reader.records().next().expect("a record").expect("as long");
    for ((name, field), value) in expected.iter().zip(&record) {
        let number = matches!(field, Field::Unsigned(_) | Field::Signed(_));
        assert!(
            number || !value.starts_with(['=', '+', '-', '@']),
            "{value:?}"
        );
        let right = match field {
            Field::Absent => value.is_empty(),
            Field::Unsigned(number) => value.parse() == Ok(*number),
            Field::Signed(number) => value.parse() == Ok(*number),
            Field::Flag(flag) => value.parse() == Ok(*flag),
            Field::Bytes(bytes) => unescape_cell(value.as_bytes()).as_ref() == Some(bytes),
            // A list of nothing, and one that is absent, look alike.
            Field::List(list) => {
                (value.is_empty() && list.is_empty())
                    || words::parts(value.strip_prefix('\'').unwrap_or(value)) == *list
            }
            Field::Names(names) => value == names.join("|"),
            Field::Numbers(numbers) => {
                let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
                value == numbers.join(" ")
            }
            Field::Buckets(buckets) => {
                value.split(' ').filter(|part| !part.is_empty()).count() == buckets.len()
            }
            Field::Frames(_) => true,
            Field::Time(_) => value.len() == 30,
        };
        assert!(right, "{name} is {field:?}: {value:?}");
    }
}
