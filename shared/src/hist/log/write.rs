// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing a log.

use std::path::Path;
use std::time::Duration;

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::Logged;
use super::losses::{AT_MOST, EXACT, Losses, lost};
use crate::data::loss::Cause;
use crate::error::{Error, Kind, Result};
use crate::output::sink::Sink;

/// What is to be a line of a log.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// What it is of, in letters that a tag may have: see [`tag`](super::tag). `None` for everything.
    pub tag: Option<&'a str>,
    /// When it began, since the Unix epoch.
    pub start: Duration,
    /// How long it was.
    pub length: Duration,
    /// What happened in it, in nanoseconds.
    pub histogram: &'a Logged,
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
    /// Starts a log in this file, which must be new or empty; `-` is standard output. `base` is its first moment,
    /// since the Unix epoch.
    ///
    /// # Errors
    ///
    /// When the file cannot be made or written, or has something in it.
    pub fn create(path: &Path, base: Duration) -> Result<Self> {
        Self::new(Self::open(path)?, base)
    }

    /// The file of a log that is to be started.
    pub(crate) fn open(path: &Path) -> Result<Sink> {
        match path == Path::new("-") {
            true => Ok(Sink::stdout()),
            false => Sink::new_file(path),
        }
    }

    /// Starts a log here.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn new(mut sink: Sink, base: Duration) -> Result<Self> {
        let seconds = base.as_secs_f64();
        sink.buffer().extend_from_slice(
            format!(
                "#[Histogram log format version 1.3]\n\
                 #[Logged by tracewell; values are nanoseconds]\n\
                 #[StartTime: {seconds:.3} (seconds since epoch)]\n\
                 #[BaseTime: {seconds:.3} (seconds since epoch)]\n\
                 \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
            )
            .as_bytes(),
        );
        let mut recorder = Self {
            sink,
            base,
            serializer: V2DeflateSerializer::new(),
        };
        recorder.flush()?;
        Ok(recorder)
    }

    /// Adds a record.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn add(&mut self, record: &Record<'_>) -> Result<()> {
        let failed = |why: String| Error::new(Kind::Io, format!("cannot write a record: {why}"));
        let tag = match record.tag {
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
                record.histogram,
                record.start.saturating_sub(self.base),
                record.length,
                tag,
            )
            .map_err(|error| failed(error.to_string()))?;
        self.sink.end_record()
    }

    /// Says that so many values were lost since this was last said; `at_most` of what may have been.
    pub fn lost(&mut self, cause: Cause, count: u64, at_most: bool) {
        let name = if at_most { AT_MOST } else { EXACT };
        self.comment(&lost(name, count, cause.name()));
    }

    /// Says what other logs said, from which this one is made.
    pub fn losses(&mut self, losses: &Losses) {
        for line in losses.lines() {
            self.comment(&line);
        }
    }

    /// Says that nobody knows how many values were lost.
    pub fn lost_unknown(&mut self) {
        let mut unknown = Losses::default();
        unknown.note(&super::line::Note::LostUnknown);
        self.losses(&unknown);
    }

    /// Says for how long was recorded: intervals in which nothing came have no records.
    pub fn recorded(&mut self, length: Duration) {
        let seconds = length.as_secs_f64();
        self.comment(&format!("#[Recorded: {seconds:.3} seconds]\n"));
    }

    fn comment(&mut self, line: &str) {
        self.sink.buffer().extend_from_slice(line.as_bytes());
    }

    /// Where it is written to.
    pub fn sink(&self) -> &Sink {
        &self.sink
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
