// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one escape of bytes for people: no name can forge a line, reach the terminal as a control, or
//! turn the reading direction, and every name can be had back exactly.
//!
//! Good UTF-8 stays as it is, but for characters that cannot be seen. Most names are plain ASCII, so
//! that is what is looked for first, eight bytes at a time.

use bstr::ByteSlice;
use memchr::memchr;
use memchr::memmem;
use unicode_properties::GeneralCategory;
use unicode_properties::UnicodeGeneralCategory;

/// Follows a value that was cut. [`text`] escapes it, so that no name can end in it by itself.
pub const CUT: &str = "…";

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `bytes` as text: `\n`, `\t` and `\\` for themselves, `\xNN` for each byte of anything else
/// that is not visible (controls, format characters, line and paragraph separators, [`CUT`]) or is
/// not UTF-8.
#[inline]
pub fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    // The usual case is one look and one copy.
    let plain = plain_len::<0x20, false>(bytes);
    out.extend_from_slice(&bytes[..plain]);
    if plain < bytes.len() {
        rest(out, &bytes[plain..]);
    }
}

/// Appends one argument of a command: as [`text`], but in quotes if it is empty or holds a space or a
/// quote, so that arguments that are separated by spaces can be told apart.
#[inline]
pub fn argument(out: &mut Vec<u8>, bytes: &[u8]) {
    let plain = plain_len::<0x21, true>(bytes);
    if plain == bytes.len() && plain > 0 {
        out.extend_from_slice(bytes);
    } else if needs_quotes(bytes) {
        quoted(out, bytes);
    } else {
        text(out, bytes);
    }
}

/// Appends `bytes` as [`text`] between double quotes, with `\"` for a quote.
pub fn quoted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let mut bytes = bytes;
    while let Some(at) = memchr(b'"', bytes) {
        text(out, &bytes[..at]);
        out.extend_from_slice(br#"\""#);
        bytes = &bytes[at + 1..];
    }
    text(out, bytes);
    out.push(b'"');
}

/// The bytes that [`text`] was given, or that [`quoted`] was given without the outer quotes. `None` if
/// neither writes such a text: an escape that is unknown or has no end, or a value that was [`CUT`].
pub fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    if memmem::find(text, CUT.as_bytes()).is_some() {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest) {
        bytes.extend_from_slice(&rest[..at]);
        let (byte, length) = match rest[at + 1..] {
            [b'n', ..] => (b'\n', 2),
            [b't', ..] => (b'\t', 2),
            [b'\\', ..] => (b'\\', 2),
            [b'"', ..] => (b'"', 2),
            [b'x', high, low, ..] => (digit(high)? << 4 | digit(low)?, 4),
            _ => return None,
        };
        bytes.push(byte);
        rest = &rest[at + length..];
    }
    bytes.extend_from_slice(rest);
    Some(bytes)
}

/// Whether a character cannot be seen, or changes how its neighbours are shown. Of the ASCII controls
/// it says nothing.
pub(super) fn is_hidden(character: char) -> bool {
    match character {
        // Most scripts in use, decided without the table: a test compares.
        '\u{20}'..='\u{7e}' | '\u{ae}'..='\u{5ff}' | '\u{2070}'..='\u{d7ff}' => false,
        '\u{80}'..='\u{9f}' => true,
        _ => matches!(
            character.general_category(),
            GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        ),
    }
}

/// The length of the leading part that is ASCII, not DEL, not a backslash, and not below `LEAST`; nor
/// a double quote if `QUOTE`.
#[inline]
pub(super) fn plain_len<const LEAST: u8, const QUOTE: bool>(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = special::<LEAST, QUOTE>(u64::from_le_bytes(*word));
        if found != 0 {
            return index * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    // Spaces would be found where they are looked for: letters fill the last word.
    let mut word = [b'a'; 8];
    word[..tail.len()].copy_from_slice(tail);
    let found = special::<LEAST, QUOTE>(u64::from_le_bytes(word));
    match found {
        0 => bytes.len(),
        _ => bytes.len() - tail.len() + (found.trailing_zeros() / 8) as usize,
    }
}

/// The lowest bit that is set is the high bit of the first byte that is not plain. Bits above it may
/// be set for plain bytes, as a borrow runs upwards.
#[inline]
fn special<const LEAST: u8, const QUOTE: bool>(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x80 * ONES;
    let below = |word: u64, least: u8| word.wrapping_sub(u64::from(least) * ONES) & !word;
    let equal = |byte: u8| below(word ^ (u64::from(byte) * ONES), 1);
    let mut found = word | below(word, LEAST) | equal(0x7f) | equal(b'\\');
    if QUOTE {
        found |= equal(b'"');
    }
    found & HIGHS
}

/// [`text`] from the first byte that is not plain.
#[cold]
fn rest(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut bytes = bytes;
    while let Some(&first) = bytes.first() {
        let length = match first {
            b'\n' => escape(out, b'n'),
            b'\t' => escape(out, b't'),
            b'\\' => escape(out, b'\\'),
            0..0x80 => hex(out, &bytes[..1]),
            0x80.. => {
                let (character, length) = bstr::decode_utf8(bytes);
                match character {
                    Some(visible) if !is_hidden(visible) && !CUT.starts_with(visible) => {
                        out.extend_from_slice(&bytes[..length]);
                        length
                    }
                    _ => hex(out, &bytes[..length]),
                }
            }
        };
        bytes = &bytes[length..];
        let plain = plain_len::<0x20, false>(bytes);
        out.extend_from_slice(&bytes[..plain]);
        bytes = &bytes[plain..];
    }
}

fn escape(out: &mut Vec<u8>, letter: u8) -> usize {
    out.extend_from_slice(&[b'\\', letter]);
    1
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) -> usize {
    for byte in bytes {
        let digits = [byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]);
        out.extend_from_slice(&[b'\\', b'x', digits[0], digits[1]]);
    }
    bytes.len()
}

fn digit(byte: u8) -> Option<u8> {
    memchr(byte, HEX).and_then(|value| u8::try_from(value).ok())
}

/// Whether `bytes` would fall apart, or vanish, among arguments that are separated by spaces.
fn needs_quotes(bytes: &[u8]) -> bool {
    let parts = |character: char| match character {
        ' ' | '"' => true,
        '\0'..='\x7f' => false,
        _ => character.is_whitespace() && !is_hidden(character),
    };
    bytes.is_empty() || bytes.chars().any(parts)
}

#[cfg(test)]
#[path = "escape_tests.rs"]
mod tests;
