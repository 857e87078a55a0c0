// SPDX-License-Identifier: MIT OR Apache-2.0
//! `hist show`: what is in logs.

use std::path::PathBuf;

use serde_json::Value;

use super::Format;
use super::inputs;
use super::pick::{Met, Pick};
use super::table::{Columns, header, numbers, row, tag_word, time_cells};
use tracewell_shared::console;
use tracewell_shared::error::Result;
use tracewell_shared::hist::log::{Interval, Spread, Tags};
use tracewell_shared::output::object::Object;
use tracewell_shared::output::sink::Sink;

/// A row for each tag, over all files together.
pub(super) fn tags(files: &[PathBuf], pick: &Pick, format: Format) -> Result<u8> {
    let mut tags = Tags::default();
    let mut met = Met::default();
    for file in files {
        inputs::add_up(file, pick, &mut met, &mut tags)?;
    }
    met.check()?;
    let mut out = String::new();
    if format == Format::Table {
        out.push_str(&header(Columns::Plain));
    }
    for (tag, merged) in tags.iter() {
        match format {
            Format::Table => row(&mut out, &tag_word(tag), Some(&merged.values), None),
            Format::Json => {
                let object = distribution(tag, None, &merged.values);
                out.push_str(&format!("{object}\n"));
            }
        }
    }
    console::print(&out).map(|()| 0)
}

/// A row for each interval, as it is read: a log may be long, or still be written.
pub(super) fn intervals(files: &[PathBuf], pick: &Pick, format: Format) -> Result<u8> {
    let mut sink = Sink::stdout();
    let mut met = Met::default();
    let mut line = String::new();
    if format == Format::Table {
        line.push_str(&header(Columns::Time));
    }
    for file in files {
        let read = inputs::read(file, pick, &mut met, &mut |interval| {
            match format {
                Format::Table => {
                    time_cells(&mut line, interval);
                    row(
                        &mut line,
                        &tag_word(interval.tag),
                        Some(interval.values),
                        None,
                    );
                }
                Format::Json => {
                    let object = distribution(interval.tag, Some(interval), interval.values);
                    line.push_str(&format!("{object}\n"));
                }
            }
            sink.buffer().extend_from_slice(line.as_bytes());
            line.clear();
            sink.end_record()
        });
        // What came before the line that is wrong is right.
        sink.flush()?;
        read?;
    }
    met.check()?;
    sink.buffer().extend_from_slice(line.as_bytes());
    sink.flush()?;
    Ok(0)
}

fn distribution(tag: Option<&str>, interval: Option<&Interval<'_>>, values: &Spread) -> Object {
    let start = interval.map(|interval| interval.start.as_secs_f64());
    let length = interval.map(|interval| interval.length.as_secs_f64());
    let object = Object::of("distribution")
        .with("tag", Value::from(tag))
        .with("start", Value::from(start))
        .with("length", Value::from(length));
    numbers(object, values)
}
