// SPDX-License-Identifier: MIT OR Apache-2.0
//! The output of a run, for as long as someone reads it.

use std::io::{self, Write};

use super::summary::{Gap, Summary};
use super::{Format, Writer};
use crate::console;
use crate::data::loss::{Certainty, Lost};
use crate::error::{Kind, Result};
use crate::event::EventFamily;

/// An output, whatever is written to it.
pub(crate) trait Out {
    /// Whether someone still reads, as far as is known.
    fn is_open(&self) -> bool;

    /// Nothing more is to be written: an attempt failed.
    fn close(&mut self);

    /// Goes on in the file that has the output's name by now. That it cannot is told, and the old one written on.
    fn reopen(&mut self) -> Result<()>;

    /// Tells of a loss where it stands in the stream; CSV has no place for it, so that standard error has.
    fn lost(&mut self, lost: &Lost) -> Result<()>;

    /// Gives the account: in the stream where that has a place for it, else, or where the stream failed, on standard
    /// error. What is no certain loss, and so no reason for another exit status, is said there too where `warn`.
    fn summary(&mut self, summary: &Summary<'_>, failed: bool, warn: bool) -> Result<()>;
}

/// A writer whose reader may go. That it goes is an ending like others, not a failure: what is written from then on
/// is dropped.
pub(crate) struct Outlet<T: EventFamily> {
    tool: &'static str,
    format: Format,
    writer: Writer<T>,
    open: bool,
}

impl<T: EventFamily> Outlet<T> {
    pub(crate) fn new(tool: &'static str, format: Format, writer: Writer<T>) -> Self {
        Self {
            tool,
            format,
            writer,
            open: true,
        }
    }

    /// Writes, unless the reader has gone.
    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Writer<T>) -> Result<()>) -> Result<()> {
        if !self.open {
            return Ok(());
        }
        match write(&mut self.writer) {
            Err(error) if error.kind() == Kind::Closed => {
                self.open = false;
                Ok(())
            }
            result => result,
        }
    }
}

impl<T: EventFamily> Out for Outlet<T> {
    fn is_open(&self) -> bool {
        self.open
    }

    fn close(&mut self) {
        self.open = false;
    }

    fn reopen(&mut self) -> Result<()> {
        self.write(Writer::flush)?;
        if self.open
            && let Err(error) = self.writer.reopen()
        {
            console::say(self.tool, error);
        }
        Ok(())
    }

    fn lost(&mut self, lost: &Lost) -> Result<()> {
        if !self.format.tells_losses() {
            console::say(self.tool, Gap(lost));
        }
        self.write(|writer| writer.lost(lost))
    }

    fn summary(&mut self, summary: &Summary<'_>, failed: bool, warn: bool) -> Result<()> {
        self.write(|writer| {
            writer.summary(summary)?;
            writer.flush()
        })?;
        let said = failed || self.format != Format::Json;
        // The summary itself says the bound.
        let tells = said && summary.certainty == Certainty::AtMost;
        if let Some(doubt) = summary.doubt().filter(|_| (said || warn) && !tells) {
            console::say(self.tool, doubt);
        }
        if said {
            // It names the tool itself. That nobody may read it is no reason to fail.
            drop(writeln!(io::stderr().lock(), "{summary}"));
        }
        Ok(())
    }
}
