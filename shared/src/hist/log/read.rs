// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a log line by line, so that a log of any length takes the memory of one line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use super::line::{Fields, Line, Note, parse};
use super::losses::Losses;
use super::payload::Decoder;
use super::spread::Spread;
use super::times::Times;
use crate::error::{Error, Kind, Result};

/// Longer than a line with five digits that all differ: what has no line's end that far is no log.
const LINE_MAX: u64 = 16 << 20;

const HELP: &str =
    "a log is what --record writes, or another program in the format of HdrHistogram's logs";

/// One line of a log: what came in an interval under a tag.
#[derive(Debug)]
pub struct Interval<'a> {
    /// What it is of; `None` without a tag. Bytes that are not UTF-8 are `%XX`.
    pub tag: Option<&'a str>,
    /// When it began, since the Unix epoch.
    pub start: Duration,
    /// How long it was.
    pub length: Duration,
    /// What happened in it, in nanoseconds.
    pub values: &'a Spread,
}

/// What a log says beside its intervals.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// How many intervals it has.
    pub intervals: u64,
    /// When it was begun, since the Unix epoch, if it says so.
    pub begun: Option<Duration>,
    /// For how long it was recorded: as it says, or else from its beginning to the end of its last interval.
    pub recorded: Duration,
    /// What was lost meanwhile.
    pub losses: Losses,
    /// The number of the last line, if that is cut off and was left out.
    pub cut: Option<u64>,
}

/// A log that is being read.
pub struct Log {
    name: String,
    input: Box<dyn BufRead>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// The log in a file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// [`Usage`](Kind::Usage) when it cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            let input = Box::new(io::stdin().lock());
            return Ok(Self::new("standard input", input));
        }
        let name = super::tag_shown(&path.to_string_lossy());
        let file = File::open(path).map_err(|error| Error::usage(format!("{name}: {error}")))?;
        Ok(Self::new(name, Box::new(BufReader::new(file))))
    }

    /// The log that is read from here, called `name` in errors.
    pub fn new(name: impl Into<String>, input: Box<dyn BufRead>) -> Self {
        Self {
            name: name.into(),
            input,
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives each interval to `visit`, in the order of the log, and what the log says besides.
    ///
    /// # Errors
    ///
    /// [`Usage`](Kind::Usage) for what cannot be read or is not a log, with the line that is wrong; what `visit` gives.
    pub fn read(&mut self, visit: &mut dyn FnMut(&Interval<'_>) -> Result<()>) -> Result<Told> {
        let mut reading = Reading::default();
        let mut decoder = Decoder::new();
        let mut values = Spread::default();
        let mut line = Vec::new();
        let mut number = 0_u64;
        loop {
            line.clear();
            number += 1;
            let read = self
                .input
                .by_ref()
                .take(LINE_MAX)
                .read_until(b'\n', &mut line);
            read.map_err(|error| Error::usage(format!("{}: {error}", self.name)))?;
            if line.is_empty() {
                break;
            }
            let ended = line.last() == Some(&b'\n');
            let bytes = if number == 1 { head(&line) } else { Ok(&*line) };
            let taken = bytes
                .and_then(parse)
                .and_then(|line| reading.take(line, &mut decoder, &mut values));
            match taken {
                Ok(None) => {}
                Ok(Some((fields, start))) => {
                    let tag = fields.tag.map(tag_text);
                    visit(&Interval {
                        tag: tag.as_deref(),
                        start,
                        length: Duration::from_micros(fields.length.unsigned_abs()),
                        values: &values,
                    })?;
                }
                // Whoever wrote it was stopped, or is writing just now.
                Err(_) if !ended && reading.is_log && (line.len() as u64) < LINE_MAX => {
                    reading.told.cut = Some(number);
                }
                Err(why) => {
                    return Err(Error::usage(format!("{}:{number}: {why}", self.name)).help(HELP));
                }
            }
        }
        if !reading.is_log {
            let why = format!(
                "{}: there is no histogram in it, nor the head of a log",
                self.name
            );
            return Err(Error::usage(why).help(HELP));
        }
        reading.end_section();
        Ok(reading.told)
    }
}

/// The first line without a byte order mark; or what the file is, if it is no text of bytes.
fn head(line: &[u8]) -> Result<&[u8], String> {
    match line {
        [0xef, 0xbb, 0xbf, rest @ ..] => Ok(rest),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            Err("it is UTF-16: convert it with iconv -f UTF-16 -t UTF-8".to_owned())
        }
        [0x1f, 0x8b, ..] => Err("it is compressed: zcat FILE | tracewell hist show -".to_owned()),
        _ => Ok(line),
    }
}

/// A tag as text. That of most logs is.
fn tag_text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    told: Told,
    /// Whether something was met that only a log has.
    is_log: bool,
    times: Times,
    section: Section,
}

/// What follows one head; several logs may have been put together to one file.
#[derive(Default)]
struct Section {
    first: Option<Duration>,
    last: Option<Duration>,
    recorded: Option<Duration>,
}

impl Reading {
    /// Takes what a line says; of an interval, gives its fields and its start, and fills `values`.
    fn take<'a>(
        &mut self,
        line: Line<'a>,
        decoder: &mut Decoder,
        values: &mut Spread,
    ) -> Result<Option<(Fields<'a>, Duration)>, String> {
        match line {
            Line::Nothing => return Ok(None),
            Line::Version => {
                self.end_section();
                self.times = Times::default();
            }
            Line::Legend => {}
            Line::StartTime(start) => self.times.started(start),
            Line::BaseTime(base) => self.times.based(base),
            Line::Note(Note::Recorded(length)) => {
                let length = Duration::from_micros(length.unsigned_abs());
                let all = self.section.recorded.unwrap_or_default();
                self.section.recorded = Some(all.saturating_add(length));
            }
            Line::Note(note) => self.told.losses.note(&note),
            Line::Interval(fields) => {
                decoder
                    .decode(fields.histogram, values)
                    .map_err(|why| format!("not a histogram: {why}"))?;
                let start = self.times.moment(fields.start)?;
                let end = start.saturating_add(Duration::from_micros(fields.length.unsigned_abs()));
                let section = &mut self.section;
                section.first = Some(section.first.map_or(start, |first| first.min(start)));
                section.last = section.last.max(Some(end));
                self.told.intervals += 1;
                self.is_log = true;
                return Ok(Some((fields, start)));
            }
        }
        self.is_log = true;
        Ok(None)
    }

    fn end_section(&mut self) {
        let Section {
            first,
            last,
            recorded,
        } = std::mem::take(&mut self.section);
        let span = || {
            let first = first?;
            // A log's StartTime is when it was begun; one that some writers leave at another time is none.
            let start = self.times.start().filter(|start| *start < first);
            last?.checked_sub(start.unwrap_or(first))
        };
        let length = recorded.or_else(span).unwrap_or_default();
        let begun = self.told.begun.into_iter().chain(self.times.start());
        self.told.begun = begun.min();
        self.told.recorded = self.told.recorded.saturating_add(length);
    }
}

/// The error for [`TooMany`](super::TooMany) values.
pub(super) fn too_many() -> Error {
    Error::new(
        Kind::Io,
        "there are more values than can be counted: 2^64 - 1 of a tag",
    )
}

#[cfg(test)]
mod tests;
