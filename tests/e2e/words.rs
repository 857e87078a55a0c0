// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads back what the tools write: escaped names, quoted arguments, base64.

use data_encoding::BASE64;
use serde_json::Value;
use tracewell_shared::output::escape::{CUT, unescape};

/// The bytes of a JSON field: from its `_b64` where it has one.
pub(crate) fn bytes(event: &Value, field: &str) -> Vec<u8> {
    exact(&event[field], &event[format!("{field}_b64")])
}

/// The byte strings of a list of which none is absent.
pub(crate) fn list(event: &Value, field: &str) -> Vec<Vec<u8>> {
    let elements = elements(event, field).into_iter().enumerate();
    let known = elements.map(|(index, element)| {
        element.unwrap_or_else(|| panic!("{field} {index} is absent: {event}"))
    });
    known.collect()
}

/// The byte strings of a list, `None` for those that are absent.
pub(crate) fn elements(event: &Value, field: &str) -> Vec<Option<Vec<u8>>> {
    let lossy = event[field]
        .as_array()
        .unwrap_or_else(|| panic!("no list {field}: {event}"));
    let encoded = &event[format!("{field}_b64")];
    let both = lossy.iter().enumerate();
    both.map(|(index, text)| {
        assert!(!text.is_null() || encoded[index].is_null(), "{event}");
        (!text.is_null()).then(|| exact(text, &encoded[index]))
    })
    .collect()
}

fn exact(lossy: &Value, encoded: &Value) -> Vec<u8> {
    let text = lossy
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {lossy}"));
    match encoded.as_str() {
        None => text.as_bytes().to_vec(),
        Some(encoded) => {
            let bytes = BASE64.decode(encoded.as_bytes()).expect("base64");
            assert_eq!(
                String::from_utf8_lossy(&bytes),
                text,
                "the text beside the bytes"
            );
            bytes
        }
    }
}

/// The arguments that a line of a table shows, separated by spaces and quoted where they must be. None is marked.
pub(crate) fn split(line: &str) -> Vec<Vec<u8>> {
    let words = parts(line).into_iter();
    words
        .map(|word| word.unwrap_or_else(|| panic!("cannot be read back: {line:?}")))
        .collect()
}

/// The same, with `None` for one in whose place a mark stands.
pub(crate) fn parts(line: &str) -> Vec<Option<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        let length = match rest.strip_prefix('"') {
            Some(quoted) => 2 + closing(quoted),
            None => rest.find(' ').unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(length);
        let inner = word
            .strip_prefix('"')
            .map_or(word, |word| &word[..word.len() - 1]);
        let marked = word == CUT;
        let word = unescape(inner.as_bytes());
        assert!(marked || word.is_some(), "cannot be read back: {inner:?}");
        words.push(word);
        match after.strip_prefix(' ') {
            Some(next) => rest = next,
            None => {
                assert_eq!(after, "", "something stands behind a quote");
                return words;
            }
        }
    }
}

/// Where the quote ends that was opened before this.
fn closing(quoted: &str) -> usize {
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or_else(|| panic!("a quote without an end: {quoted:?}"))
}

#[test]
fn arguments_are_split_at_spaces_outside_of_quotes() {
    assert_eq!(split(r#"a "b c" "" d\n"#), [&b"a"[..], b"b c", b"", b"d\n"]);
    assert_eq!(split(r#""\"\\" x"#), [&b"\"\\"[..], b"x"]);
    assert_eq!(parts("a … b")[1], None);
}
