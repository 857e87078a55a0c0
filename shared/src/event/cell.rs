// SPDX-License-Identifier: MIT OR Apache-2.0
//! One cell of a table: writes values, and counts the columns they take on a terminal.

use super::frame::{self, Frame};
use super::names;
use crate::text::escape;
use crate::text::stamp::{self, Stamp};
use std::iter;
use std::str;
use unicode_width::UnicodeWidthStr;

/// Where a column writes its value, in as many parts as it likes.
#[derive(Debug)]
pub struct Cell<'c> {
    out: &'c mut Vec<u8>,
    stamp: &'c mut Stamp,
    start: usize,
    width: usize,
    /// The width to which a first part that is a number is brought by spaces before it.
    lead: usize,
    /// How many spaces that took.
    led: usize,
}

impl<'c> Cell<'c> {
    #[inline]
    pub(crate) fn new(out: &'c mut Vec<u8>, stamp: &'c mut Stamp, lead: usize) -> Self {
        Self {
            start: out.len(),
            out,
            stamp,
            width: 0,
            lead,
            led: 0,
        }
    }

    /// Ends a cell whose value stands at the left: spaces to make it `width` wide, and one.
    #[inline]
    pub(crate) fn end_left(&mut self, width: usize) {
        spaces(self.out, width.saturating_sub(self.width) + 1);
    }

    /// Ends a cell whose value stands at the right of `width`.
    #[inline]
    pub(crate) fn end_right(&mut self, width: usize) {
        let missing = width.saturating_sub(self.width);
        if missing != self.led {
            self.move_right(missing);
        }
    }

    /// For values of several parts, or of other things than numbers.
    #[cold]
    fn move_right(&mut self, missing: usize) {
        let led = self.start..self.start + self.led;
        self.out.splice(led, iter::repeat_n(b' ', missing));
    }

    /// A number.
    #[inline]
    pub fn u64(&mut self, value: u64) {
        self.ascii(itoa::Buffer::new().format(value).as_bytes());
    }

    /// A number that may be negative.
    #[inline]
    pub fn i64(&mut self, value: i64) {
        self.ascii(itoa::Buffer::new().format(value).as_bytes());
    }

    /// A number in octal, as file modes are: `0644`, always with the leading zero, and `0`.
    pub fn octal(&mut self, value: u64) {
        let mut digits = [b'0'; 23];
        let mut start = digits.len();
        let mut rest = value;
        while rest > 0 {
            start -= 1;
            digits[start] = b'0' + (rest & 7) as u8;
            rest >>= 3;
        }
        self.ascii(&digits[start - 1..]);
    }

    /// A word of the tool's own.
    #[inline]
    pub fn text(&mut self, value: &str) {
        if value.is_ascii() {
            self.ascii(value.as_bytes());
        } else {
            self.out.extend_from_slice(value.as_bytes());
            self.width += value.width();
        }
    }

    /// Words of the tool's own, with a bar between.
    pub fn words<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        for (index, word) in words.enumerate() {
            if index > 0 {
                self.text("|");
            }
            self.text(word);
        }
    }

    /// Bytes that came from elsewhere, [escaped](escape::text).
    #[inline]
    pub fn bytes(&mut self, value: &[u8]) {
        if escape::text_is_plain(value) {
            self.ascii(value);
        } else {
            self.escaped(value, escape::text);
        }
    }

    /// A name that came from elsewhere, [as one word](escape::word), so that the columns behind it stay in their place.
    #[inline]
    pub fn word(&mut self, value: &[u8]) {
        if escape::argument_is_plain(value) {
            self.ascii(value);
        } else {
            self.escaped(value, escape::word);
        }
    }

    /// One of several arguments, [escaped and quoted](escape::argument) so that it can be told apart.
    #[inline]
    pub fn argument(&mut self, value: &[u8]) {
        if escape::argument_is_plain(value) {
            self.ascii(value);
        } else {
            self.escaped(value, escape::argument);
        }
    }

    /// Several arguments, with spaces between; a mark for one that could not be read.
    pub fn arguments<'w>(&mut self, arguments: impl Iterator<Item = Option<&'w [u8]>>) {
        for (index, argument) in arguments.enumerate() {
            if index > 0 {
                self.space();
            }
            match argument {
                Some(argument) => self.argument(argument),
                None => self.cut(),
            }
        }
    }

    /// Bytes that came from elsewhere, [in quotes](escape::quoted) whatever they are.
    pub fn quoted(&mut self, value: &[u8]) {
        self.escaped(value, escape::quoted);
    }

    /// A space between parts.
    #[inline]
    pub fn space(&mut self) {
        self.ascii(b" ");
    }

    /// Goes on below, on a line that begins with spaces, as no row does. For the last column.
    pub fn below(&mut self) {
        self.out.extend_from_slice(b"\n        ");
        self.width = 0;
    }

    /// A frame of a stack: `ADDRESS SYMBOL+OFFSET MODULE`.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        frame::line(self.out, frame);
    }

    /// The mark of a value that was cut.
    pub fn cut(&mut self) {
        self.text(escape::CUT);
    }

    /// When it was, as the user wants it: the local time of day where nobody says, `15:23:08.123456`.
    #[inline]
    pub fn time(&mut self, boot_ns: u64) {
        self.width += self.stamp.time(self.out, boot_ns);
    }

    /// The time of day in UTC, `14:23:08.123456`.
    pub fn time_of_day_utc(&mut self, boot_ns: u64) {
        self.width += self.stamp.time_of_day_utc(self.out, boot_ns);
    }

    /// Seconds since the table was opened, `1.234567`; what happened before that is at zero.
    #[inline]
    pub fn elapsed(&mut self, boot_ns: u64) {
        self.width += self.stamp.elapsed(self.out, boot_ns);
    }

    /// Seconds of a time in nanoseconds, `1.234567`.
    #[inline]
    pub fn seconds(&mut self, ns: u64) {
        let mut text = [0; stamp::SECONDS_BYTES];
        self.ascii(stamp::seconds(&mut text, ns));
    }

    /// A number in another unit, which has so many of it, with three decimals that are cut off: `1.234`.
    pub fn thousandths(&mut self, value: u64, unit: u64) {
        let part = u128::from(value % unit) * 1_000 / u128::from(unit);
        self.text(&format!("{}.{part:03}", value / unit));
    }

    /// What a system call returned, with the name of its error: `3`, `-ENOENT`.
    pub fn signed_errno(&mut self, returned: i64) {
        let code = i32::try_from(returned.unsigned_abs()).unwrap_or(0);
        match names::errno(code) {
            Some(name) if returned < 0 => {
                self.ascii(b"-");
                self.ascii(name.as_bytes());
            }
            _ => self.i64(returned),
        }
    }

    /// Appends what takes a column for each byte.
    #[inline]
    fn ascii(&mut self, bytes: &[u8]) {
        if self.lead > bytes.len() && self.out.len() == self.start {
            self.led = self.lead - bytes.len();
            spaces(self.out, self.led);
        }
        self.out.extend_from_slice(bytes);
        self.width += bytes.len();
    }

    #[cold]
    fn escaped(&mut self, value: &[u8], escape: fn(&mut Vec<u8>, &[u8])) {
        let start = self.out.len();
        escape(self.out, value);
        // It was escaped, so it is UTF-8 and all of it can be seen.
        let written = &self.out[start..];
        self.width += str::from_utf8(written).map_or(written.len(), UnicodeWidthStr::width);
    }
}

/// Appends spaces. To append a fixed number and take some back is cheaper than to call for a few.
#[inline]
fn spaces(out: &mut Vec<u8>, count: usize) {
    const MOST: usize = 32;
    if count <= MOST {
        let end = out.len() + count;
        out.extend_from_slice(&[b' '; MOST]);
        out.truncate(end);
    } else {
        out.resize(out.len() + count, b' ');
    }
}
