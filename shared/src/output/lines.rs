// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text for people that has no columns.

use std::fmt;
use std::io::Write;

use crate::text::escape;
use crate::text::stamp::Stamp;

/// Where lines of text are written.
#[derive(Debug)]
pub struct Lines<'l> {
    out: &'l mut Vec<u8>,
    stamp: &'l mut Stamp,
}

impl<'l> Lines<'l> {
    pub(super) fn new(out: &'l mut Vec<u8>, stamp: &'l mut Stamp) -> Self {
        Self { out, stamp }
    }

    /// Text of the tool's own, in which there may be ends of lines.
    pub fn text(&mut self, text: fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        drop(self.out.write_fmt(text));
    }

    /// Bytes that came from elsewhere, [escaped](escape::text).
    pub fn bytes(&mut self, value: &[u8]) {
        escape::text(self.out, value);
    }

    /// When it was, as in a [cell](crate::event::Cell::time).
    pub fn time(&mut self, boot_ns: u64) {
        self.stamp.time(self.out, boot_ns);
    }

    /// Ends the line.
    pub fn end(&mut self) {
        self.out.push(b'\n');
    }
}
