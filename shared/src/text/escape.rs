// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one escape of bytes for people: no name can forge a line, reach the terminal as a control, or
//! turn the reading direction, and every name can be had back exactly.
//!
//! Good UTF-8 stays as it is, but for characters that cannot be seen. Most names are plain ASCII, so
//! that is what is looked for first, many bytes at a time.

use std::ops::RangeInclusive;

use memchr::{memchr, memchr2, memmem};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Follows a value that was cut. [`text`] escapes it, so that no name can end in it by itself.
pub const CUT: &str = "…";

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `bytes` as text: `\n`, `\t` and `\\` for themselves, `\xNN` for each byte of anything else
/// that is not visible (controls, format characters, what Unicode lets programs leave out, separators and
/// blanks other than the space), of [`CUT`], and of what is not UTF-8.
#[inline]
pub fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    // The usual case is one look and one copy.
    if text_is_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        escaped(out, bytes);
    }
}

/// Appends a name as one word, for a column that others follow: as [`text`], but with `\x20` for a space and `\"` for
/// a quote, and `""` for an empty name. So the columns behind it stay where they are for whoever counts words, and
/// [`unescape`] gives the name back.
#[inline]
pub fn word(out: &mut Vec<u8>, bytes: &[u8]) {
    if argument_is_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        one_word(out, bytes);
    }
}

/// [`word`] where not all is plain.
#[cold]
fn one_word(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.is_empty() {
        out.extend_from_slice(br#""""#);
    }
    let mut bytes = bytes;
    while let Some(at) = memchr2(b' ', b'"', bytes) {
        text(out, &bytes[..at]);
        let special: &[u8] = if bytes[at] == b' ' {
            br"\x20"
        } else {
            br#"\""#
        };
        out.extend_from_slice(special);
        bytes = &bytes[at + 1..];
    }
    text(out, bytes);
}

/// Appends one argument of a command: as [`text`], but in quotes if it is empty or holds a space or a
/// quote, so that arguments that are separated by spaces can be told apart.
#[inline]
pub fn argument(out: &mut Vec<u8>, bytes: &[u8]) {
    if argument_is_plain(bytes) {
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

/// `Default_Ignorable_Code_Point` of Unicode 16: what programs may show as nothing at all. The ranges have been the
/// same since Unicode 6.3, as they hold what is not assigned yet, too. From `DerivedCoreProperties.txt` of the Unicode
/// Character Database; a test compares with a crate that has its own copy.
const IGNORABLE: [RangeInclusive<char>; 17] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fff8}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// The bytes of a field of CSV that holds one name or path, as a reader of CSV gives it: as [`unescape`], but without
/// the `'` that keeps a spreadsheet from running it.
pub fn unescape_cell(cell: &[u8]) -> Option<Vec<u8>> {
    unescape(cell.strip_prefix(b"'").unwrap_or(cell))
}

/// Whether a character cannot be seen, is taken for a space, or changes how its neighbours are shown. Of the ASCII
/// controls, and of the space itself, it says nothing.
pub(crate) fn is_hidden(character: char) -> bool {
    match character {
        // Most scripts in use, decided without the tables: a test compares.
        '\u{20}'..='\u{7e}'
        | '\u{ae}'..='\u{34e}'
        | '\u{350}'..='\u{5ff}'
        | '\u{2070}'..='\u{27ff}'
        | '\u{2801}'..='\u{2fff}'
        | '\u{3001}'..='\u{3163}'
        | '\u{3165}'..='\u{d7ff}' => false,
        // A pattern of Braille without a dot.
        '\u{80}'..='\u{9f}' | '\u{2800}' => true,
        _ => {
            let blank = matches!(
                character.general_category(),
                GeneralCategory::Format
                    | GeneralCategory::LineSeparator
                    | GeneralCategory::ParagraphSeparator
                    | GeneralCategory::SpaceSeparator
            );
            blank || IGNORABLE.iter().any(|range| range.contains(&character))
        }
    }
}

/// Whether [`text`] leaves all of it as it is, one column a byte.
#[inline]
pub(crate) fn text_is_plain(bytes: &[u8]) -> bool {
    is_plain::<0x20, false>(bytes)
}

/// Whether [`argument`] leaves all of it as it is, one column a byte.
#[inline]
pub(crate) fn argument_is_plain(bytes: &[u8]) -> bool {
    is_plain::<0x21, true>(bytes) && !bytes.is_empty()
}

/// Whether all of it is ASCII, not DEL, not a backslash, and not below `LEAST`; nor a double quote if
/// `QUOTE`.
#[inline]
pub(crate) fn is_plain<const LEAST: u8, const QUOTE: bool>(bytes: &[u8]) -> bool {
    // The last lane overlaps the one before it, so that none is put together from parts.
    if let Some(last) = bytes.last_chunk::<16>() {
        let (lanes, _) = bytes.as_chunks::<16>();
        lanes.iter().all(all_plain::<LEAST, QUOTE, 16>) && all_plain::<LEAST, QUOTE, 16>(last)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        all_plain::<LEAST, QUOTE, 8>(first) && all_plain::<LEAST, QUOTE, 8>(last)
    } else {
        bytes
            .iter()
            .all(|byte| all_plain::<LEAST, QUOTE, 1>(&[*byte]))
    }
}

/// Without a branch, so that the compiler looks at all bytes of a lane at once.
#[inline]
fn all_plain<const LEAST: u8, const QUOTE: bool, const N: usize>(lane: &[u8; N]) -> bool {
    lane.iter().fold(true, |plain, &byte| {
        let quote = QUOTE && byte == b'"';
        plain & (byte >= LEAST) & (byte < 0x7f) & (byte != b'\\') & !quote
    })
}

/// [`text`] where not all is plain.
#[cold]
fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut bytes = bytes;
    while let Some(&first) = bytes.first() {
        let length = match first {
            b'\n' => escape(out, b'n'),
            b'\t' => escape(out, b't'),
            b'\\' => escape(out, b'\\'),
            0..0x20 | 0x7f => hex(out, &bytes[..1]),
            0x20..0x7f => {
                let plain = |byte: &u8| all_plain::<0x20, false, 1>(&[*byte]);
                let length = bytes.iter().take_while(|byte| plain(byte)).count();
                out.extend_from_slice(&bytes[..length]);
                length
            }
            0x80.. => {
                let (character, length) = first_character(bytes);
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
    }
}

/// The character that these bytes begin with, and its length; `None` with that of what is not UTF-8.
fn first_character(bytes: &[u8]) -> (Option<char>, usize) {
    // Of one character, no more than is needed is looked at.
    let most = &bytes[..bytes.len().min(4)];
    match most.utf8_chunks().next() {
        Some(chunk) => match chunk.valid().chars().next() {
            Some(character) => (Some(character), character.len_utf8()),
            None => (None, chunk.invalid().len().max(1)),
        },
        None => (None, 0),
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

/// Whether `bytes` would fall apart, or vanish, among arguments that are separated by spaces. Other blanks are escaped.
fn needs_quotes(bytes: &[u8]) -> bool {
    bytes.is_empty() || memchr2(b' ', b'"', bytes).is_some()
}

#[cfg(test)]
mod tests;
