// SPDX-License-Identifier: MIT OR Apache-2.0
//! Strings of JSON, as a terminal may show them too.

use crate::text::escape::{is_hidden, is_plain};
use data_encoding::BASE64;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io;
use std::str;

/// A string. Most need no escape at all, and are copied.
#[inline]
pub(super) fn string(out: &mut Vec<u8>, value: &str) {
    if is_plain::<0x20, true>(value.as_bytes()) {
        plain(out, value.as_bytes());
    } else {
        escaped(out, value);
    }
}

/// A string of these bytes, with U+FFFD for what is not UTF-8. Says whether it holds them exactly.
#[inline]
pub(super) fn lossy(out: &mut Vec<u8>, value: &[u8]) -> bool {
    if is_plain::<0x20, true>(value) {
        plain(out, value);
        return true;
    }
    match str::from_utf8(value) {
        Ok(value) => {
            escaped(out, value);
            true
        }
        Err(_) => {
            escaped(out, &String::from_utf8_lossy(value));
            false
        }
    }
}

fn plain(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(value);
    out.push(b'"');
}

fn escaped(out: &mut Vec<u8>, value: &str) {
    let mut serializer = Serializer::with_formatter(out, Visible);
    // A string has nothing that could not be written, and memory takes all that is written to it.
    value.serialize(&mut serializer).ok();
}

/// A string of the bytes in base64.
pub(super) fn base64(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + BASE64.encode_len(value.len()), 0);
    BASE64.encode_mut(value, &mut out[start..]);
    out.push(b'"');
}

/// Writes what JSON would allow but a terminal could act on, or a reader of lines could end one at, as
/// `\uNNNN`. It means the same.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some((at, hidden)) = rest
            .char_indices()
            .find(|(_, character)| *character == '\x7f' || is_hidden(*character))
        {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + hidden.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}
