// SPDX-License-Identifier: MIT OR Apache-2.0
//! HdrHistogram logs: text files of histograms that many other programs read and write.
//!
//! A line is `Tag=NAME,START,LENGTH,MAX,HISTOGRAM`: seconds since the `#[BaseTime` above, and the histogram compressed
//! and in base64. Values are nanoseconds.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime};

use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, LogIteratorError, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};

use super::Histogram;
use crate::error::{Error, Kind, Result};
use crate::output::sink::Sink;

/// A histogram of the log: what came in one interval under one tag.
pub type Logged = hdrhistogram::Histogram<u64>;

/// Three significant digits: finer than the kernel's buckets.
const DIGITS: u8 = 3;

/// One line of a log.
#[derive(Debug, Clone)]
pub struct Record {
    /// What it is of; `None` for everything.
    pub tag: Option<String>,
    /// When it began, since the Unix epoch.
    pub start: Duration,
    /// How long it was.
    pub length: Duration,
    /// What happened in it, in nanoseconds.
    pub histogram: Logged,
}

/// A histogram without values, which grows with what is recorded.
///
/// # Errors
///
/// Never: the precision is one that there is.
pub fn empty() -> Result<Logged> {
    Logged::new(DIGITS).map_err(|error| Error::new(Kind::Io, error.to_string()))
}

impl Histogram {
    /// The same, as the log has it: a bucket's values are all its middle.
    ///
    /// # Errors
    ///
    /// When a value is larger than a log can have.
    pub fn to_logged(&self) -> Result<Logged> {
        let mut logged = empty()?;
        for bucket in self.buckets() {
            logged
                .record_n(bucket.middle(), bucket.count)
                .map_err(|error| Error::new(Kind::Io, error.to_string()))?;
        }
        Ok(logged)
    }
}

/// Writes a log, one interval after the other.
pub struct Recorder {
    sink: Sink,
    base: Duration,
    serializer: V2DeflateSerializer,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// Starts a log in this file, which is created or emptied; `base` is its first moment, since the Unix epoch.
    ///
    /// # Errors
    ///
    /// When the file cannot be made or written.
    pub fn create(path: &Path, base: Duration) -> Result<Self> {
        let mut recorder = Self {
            sink: Sink::file(path)?,
            base,
            serializer: V2DeflateSerializer::new(),
        };
        let moment = SystemTime::UNIX_EPOCH + base;
        let begun = IntervalLogWriterBuilder::new()
            .add_comment("[Histogram log format version 1.3]")
            .add_comment("[Logged by tracewell; values are nanoseconds]")
            .with_start_time(moment)
            .with_base_time(moment)
            .begin_log_with(recorder.sink.buffer(), &mut recorder.serializer)
            .map(drop);
        begun.map_err(|error| Error::io(path.display(), &error))?;
        recorder.sink.buffer().extend_from_slice(
            b"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
        );
        recorder.flush()?;
        Ok(recorder)
    }

    /// Adds a record. Its tag has letters that a tag may have: see [`tag`].
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn add(&mut self, record: &Record) -> Result<()> {
        let failed = |why: String| Error::new(Kind::Io, format!("cannot write a record: {why}"));
        let tag = match &record.tag {
            Some(text) => {
                Some(Tag::new(text).ok_or_else(|| failed(format!("'{text}' is no tag")))?)
            }
            None => None,
        };
        let mut writer = IntervalLogWriterBuilder::new()
            .begin_log_with(self.sink.buffer(), &mut self.serializer)
            .map_err(|error| failed(error.to_string()))?;
        writer
            .write_histogram(
                &record.histogram,
                record.start.saturating_sub(self.base),
                record.length,
                tag,
            )
            .map_err(|error| failed(error.to_string()))?;
        self.sink.end_record()
    }

    /// Writes what was added.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        self.sink.flush()
    }
}

/// The bytes as a tag may have them: what it may not, and what is not printed, as `%XX`.
pub fn tag(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'%' | b',' | b';' | 0..=b' ' | 0x7f.. => text.push_str(&format!("%{byte:02X}")),
            _ => text.push(char::from(*byte)),
        }
    }
    text
}

/// A tag as a terminal may show it: what another program wrote may hold anything.
pub fn tag_shown(tag: &str) -> String {
    let mut shown = Vec::new();
    crate::output::escape::text(&mut shown, tag.as_bytes());
    String::from_utf8_lossy(&shown).into_owned()
}

/// Reads a whole log.
///
/// # Errors
///
/// [`Usage`](Kind::Usage) for a file that cannot be read or is not a log, with the line that is wrong.
pub fn read(path: &Path) -> Result<Vec<Record>> {
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| Error::usage(format!("{shown}: {error}")))?;
    let records = parse(&bytes)
        .map_err(|(line, why)| Error::usage(format!("{shown}:{line}: {why}")).help(HELP))?;
    if records.is_empty() {
        return Err(Error::usage(format!("{shown}: there is no histogram in it")).help(HELP));
    }
    Ok(records)
}

const HELP: &str =
    "a log is what --record writes, or another program in the format of HdrHistogram's logs";

/// All histograms that the bytes hold; or the number of the line that is wrong, and why.
fn parse(bytes: &[u8]) -> Result<Vec<Record>, (usize, String)> {
    let line_at = |offset: usize| {
        let before = bytes.get(..offset).unwrap_or(bytes);
        memchr::memchr_iter(b'\n', before).count() + 1
    };
    let mut deserializer = Deserializer::new();
    let mut records = Vec::new();
    let mut base = Duration::ZERO;
    for entry in IntervalLogIterator::new(bytes) {
        let interval = match entry {
            Ok(LogEntry::BaseTime(time)) => {
                base = time;
                continue;
            }
            Ok(LogEntry::StartTime(_)) => continue,
            Ok(LogEntry::Interval(interval)) => interval,
            Err(LogIteratorError::ParseError { offset }) => {
                return Err((
                    line_at(offset),
                    "not a line of a log, or cut off".to_owned(),
                ));
            }
        };
        let encoded = interval.encoded_histogram();
        // It is a part of the bytes, so its address says where.
        let offset = encoded
            .as_ptr()
            .addr()
            .saturating_sub(bytes.as_ptr().addr());
        let bad = |why: String| (line_at(offset), format!("not a histogram: {why}"));
        let raw = data_encoding::BASE64
            .decode(encoded.as_bytes())
            .map_err(|error| bad(error.to_string()))?;
        if let Some(bytes) = promised(&raw).filter(|bytes| *bytes > PROMISED_MAX) {
            return Err(bad(format!(
                "{bytes} bytes of counts are more than any has"
            )));
        }
        let histogram: Logged = deserializer
            .deserialize(&mut raw.as_slice())
            .map_err(|error| bad(error.to_string()))?;
        records.push(Record {
            tag: interval.tag().map(|tag| tag.as_str().to_owned()),
            start: base.saturating_add(interval.start_timestamp()),
            length: interval.duration(),
            histogram,
        });
    }
    Ok(records)
}

/// More than the counts of a histogram with five digits and all 64 bits take.
const PROMISED_MAX: u32 = 64 << 20;

/// How many bytes of counts a histogram says to have. The deserializer makes room for that before it looks whether they
/// are there, so that a line of some hundred bytes could take 4 GiB.
fn promised(raw: &[u8]) -> Option<u32> {
    // The two cookies of "V2": as it is, and deflated with another head inside.
    const PLAIN: u32 = 0x1c84_9303;
    const DEFLATED: u32 = 0x1c84_9304;
    let word = |bytes: &[u8], at: usize| {
        let word = bytes.get(at..)?.first_chunk()?;
        Some(u32::from_be_bytes(*word))
    };
    match word(raw, 0)? {
        PLAIN => word(raw, 4),
        DEFLATED => {
            let mut head = [0; 8];
            let mut inflated = ZlibDecoder::new(raw.get(8..)?);
            inflated.read_exact(&mut head).ok()?;
            word(&head, 4)
        }
        _ => None,
    }
}

/// What a tag's records come to.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The first moment, since the Unix epoch.
    pub start: Duration,
    /// The last.
    pub end: Duration,
    /// All values.
    pub histogram: Logged,
}

/// The records by tag.
///
/// # Errors
///
/// When there are more values than can be counted.
pub fn merge(
    records: impl IntoIterator<Item = Record>,
) -> Result<BTreeMap<Option<String>, Merged>> {
    let mut merged: BTreeMap<Option<String>, Merged> = BTreeMap::new();
    for record in records {
        let end = record.start.saturating_add(record.length);
        match merged.get_mut(&record.tag) {
            Some(all) => {
                all.start = all.start.min(record.start);
                all.end = all.end.max(end);
                all.histogram
                    .add(&record.histogram)
                    .map_err(|error| Error::new(Kind::Io, error.to_string()))?;
            }
            None => {
                let mut histogram = empty()?;
                histogram
                    .add(&record.histogram)
                    .map_err(|error| Error::new(Kind::Io, error.to_string()))?;
                merged.insert(
                    record.tag,
                    Merged {
                        start: record.start,
                        end,
                        histogram,
                    },
                );
            }
        }
    }
    Ok(merged)
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
