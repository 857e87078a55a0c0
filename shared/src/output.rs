// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events as lines: a table for people, JSON and CSV for programs; and what is a document as a whole.
//!
//! All share one buffer, in which lines are put together without an allocation for each.

pub(crate) mod outlet;
pub mod sink;
pub mod summary;
pub mod table;

mod again;
pub mod beside;
mod column;
mod counts;
mod create;
mod csv;
mod json;
mod json_string;
pub mod lines;
pub mod object;

pub use crate::event::fields;
pub use crate::text::escape;

#[cfg(test)]
pub(crate) mod sample;

use crate::data::loss::Lost;
use crate::error::Result;
use crate::event::EventFamily;
use crate::kernel::clock::Clock;
use crate::text::stamp::Stamp;
pub use crate::text::stamp::TimeFormat;
use csv::Csv;
use lines::Lines;
use sink::Sink;
use std::env;
use summary::Summary;
use table::{Column, Table};

/// What output looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// Columns for people
    #[default]
    Table,
    /// One JSON object a line
    Json,
    /// Comma-separated values, with a header
    Csv,
    /// One document for Perfetto and Chrome's viewer of traces
    TraceEvent,
}

impl Format {
    /// Those that every tool has.
    pub const COMMON: [Self; 3] = [Self::Table, Self::Json, Self::Csv];

    /// Whether it has each field by its name, as JSON does.
    pub(crate) fn has_all_fields(self) -> bool {
        matches!(self, Self::Json | Self::TraceEvent)
    }

    /// Whether losses and the account have a place in it; else standard error has them.
    pub(crate) fn tells_losses(self) -> bool {
        !matches!(self, Self::Csv | Self::TraceEvent)
    }
}

/// When a table has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless the environment says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How a table or CSV looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// When it has colours.
    pub color: Color,
    /// The line that names the columns is left out.
    pub no_header: bool,
    /// How times are shown.
    pub times: TimeFormat,
}

impl Look {
    fn is_styled(&self, sink: &Sink) -> bool {
        // https://no-color.org
        let plain = || env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self.color {
            Color::Auto => sink.is_terminal() && !plain(),
            Color::Always => true,
            Color::Never => false,
        }
    }
}

/// Moves to the top of a terminal, and erases it.
const CLEAR: &[u8] = b"\x1b[H\x1b[2J";

/// Writes events, in one [`Format`], to one [`Sink`].
#[derive(Debug)]
pub struct Writer<T: EventFamily> {
    body: Body<T>,
    stamp: Stamp,
    no_header: bool,
    /// Where counts are written, the line that a file begins with.
    of_counts: Option<Vec<u8>>,
}

#[derive(Debug)]
enum Body<T: EventFamily> {
    Table(Table<T>, Sink),
    Json(Sink),
    Csv(Box<Csv<T>>),
    /// Written as a whole, by whoever knows its form.
    Document(Sink),
}

impl<T: EventFamily> Writer<T> {
    /// A writer of `format` to `sink`; `columns` are those of a table. The clock is kept up to date
    /// from here.
    pub fn new(format: Format, sink: Sink, columns: Vec<Column<T>>, clock: Clock) -> Self {
        let body = match format {
            Format::Table => {
                let styled = Look::default().is_styled(&sink);
                Body::Table(Table::new(columns, styled), sink)
            }
            Format::Json => Body::Json(sink),
            Format::Csv => Body::Csv(Box::new(Csv::new(sink, columns))),
            Format::TraceEvent => Body::Document(sink),
        };
        Self {
            body,
            stamp: Stamp::new(clock),
            no_header: false,
            of_counts: None,
        }
    }

    /// The same with another look.
    #[must_use]
    pub fn with_look(mut self, look: Look) -> Self {
        self.no_header = look.no_header;
        self.stamp.set_format(look.times);
        if let Body::Table(table, sink) = &mut self.body {
            table.set_look(look.is_styled(sink), look.times);
        }
        self
    }

    /// The columns are what the user chose: CSV has these fields too, not all. To be called before all others.
    pub fn choose(&mut self) {
        if let Body::Csv(csv) = &mut self.body {
            csv.choose();
        }
    }

    /// Writes the line that names the columns, at once: it tells that events are being waited for.
    pub fn header(&mut self) -> Result<()> {
        if self.no_header {
            return self.flush();
        }
        match &mut self.body {
            Body::Table(table, sink) => table.header(sink.buffer(), &mut self.stamp),
            Body::Json(_) | Body::Document(_) => {}
            Body::Csv(csv) => csv.header()?,
        }
        self.flush()
    }

    /// Adds an event.
    #[inline]
    pub fn event(&mut self, event: &T::Event<'_>) -> Result<()> {
        match &mut self.body {
            Body::Table(table, sink) => {
                table.event(sink.buffer(), &mut self.stamp, event);
                sink.end_record()
            }
            Body::Json(sink) => {
                json::event(sink.buffer(), &mut self.stamp, event);
                sink.end_record()
            }
            Body::Csv(csv) => csv.event(&mut self.stamp, event),
            Body::Document(_) => Ok(()),
        }
    }

    /// Adds a piece of a document; the other formats are made of events.
    pub(crate) fn piece(&mut self, piece: &[u8]) -> Result<()> {
        if let Body::Document(sink) = &mut self.body {
            sink.buffer().extend_from_slice(piece);
            return sink.end_record();
        }
        Ok(())
    }

    /// Adds what is no row of a table, such as a histogram: lines of text that `write` makes, or else the event.
    pub fn lines(
        &mut self,
        event: &T::Event<'_>,
        write: impl FnOnce(&mut Lines<'_>),
    ) -> Result<()> {
        match &mut self.body {
            Body::Table(_, sink) => {
                write(&mut Lines::new(sink.buffer(), &mut self.stamp));
                sink.end_record()
            }
            Body::Json(_) | Body::Csv(_) | Body::Document(_) => self.event(event),
        }
    }

    /// Adds lines of text where the output is for people.
    pub fn text(&mut self, write: impl FnOnce(&mut Lines<'_>)) -> Result<()> {
        if let Body::Table(_, sink) = &mut self.body {
            write(&mut Lines::new(sink.buffer(), &mut self.stamp));
            return sink.end_record();
        }
        Ok(())
    }

    /// Clears a terminal, and goes to its top; anything else is left as it is.
    pub fn clear(&mut self) -> Result<()> {
        if let Body::Table(_, sink) = &mut self.body
            && sink.is_terminal()
        {
            sink.buffer().extend_from_slice(CLEAR);
            return sink.end_record();
        }
        Ok(())
    }

    /// Adds a gap in the stream, where it was. CSV has no place for it: say it elsewhere, as a
    /// [`Gap`](summary::Gap).
    pub fn lost(&mut self, lost: &Lost) -> Result<()> {
        match &mut self.body {
            Body::Table(table, sink) => {
                table.lost(sink.buffer(), lost);
                sink.end_record()
            }
            Body::Json(sink) => {
                json::lost(sink.buffer(), &mut self.stamp, lost);
                sink.end_record()
            }
            Body::Csv(_) | Body::Document(_) => Ok(()),
        }
    }

    /// Adds the account of the run, which ends a stream of JSON. The other formats have no place for
    /// it: say it elsewhere, in the words of its `Display`.
    pub fn summary(&mut self, summary: &Summary<'_>) -> Result<()> {
        match &mut self.body {
            Body::Json(sink) => {
                json::summary(sink.buffer(), &mut self.stamp, summary);
                sink.end_record()
            }
            Body::Table(..) | Body::Csv(_) | Body::Document(_) => Ok(()),
        }
    }

    /// Goes on in the file that has the output's name by now, with a header if it is empty. To be called with all that
    /// was added [written](Self::flush). If it fails, the output stays what it was.
    pub(crate) fn reopen(&mut self) -> Result<()> {
        let sink = match &mut self.body {
            Body::Table(_, sink) | Body::Json(sink) | Body::Document(sink) => sink,
            Body::Csv(csv) => csv.sink(),
        };
        if !sink.reopen()? {
            return Ok(());
        }
        if let Some(line) = &self.of_counts {
            sink.buffer().extend_from_slice(line);
            return sink.flush();
        }
        self.header()
    }

    /// Writes what was added, and follows the system's clock. To be called once a batch, and at the end.
    pub fn flush(&mut self) -> Result<()> {
        self.stamp.refresh();
        match &mut self.body {
            Body::Table(_, sink) | Body::Json(sink) | Body::Document(sink) => sink.flush(),
            Body::Csv(csv) => csv.flush(),
        }
    }
}
