// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{CUT, IGNORABLE, argument, is_hidden, is_plain, quoted, text, unescape, word};
use crate::output::sample::Random;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

type Escape = fn(&mut Vec<u8>, &[u8]);

fn with(escape: Escape, bytes: impl AsRef<[u8]>) -> String {
    let mut out = b"before".to_vec();
    escape(&mut out, bytes.as_ref());
    let out = String::from_utf8(out).expect("escaped text is UTF-8");
    out.strip_prefix("before").unwrap().to_owned()
}

/// What must hold for any bytes.
fn check(bytes: &[u8]) {
    let escaped = with(text, bytes);
    assert_eq!(unescape(escaped.as_bytes()).as_deref(), Some(bytes));
    assert!(!escaped.chars().any(forbidden), "{escaped:?}");

    let argument = with(argument, bytes);
    assert!(!argument.chars().any(forbidden), "{argument:?}");
    let bare = match argument.strip_prefix('"') {
        Some(inside) => inside.strip_suffix('"').unwrap(),
        None => {
            let parts = |character: char| character.is_whitespace() || character == '"';
            assert!(!argument.is_empty() && !argument.contains(parts));
            assert_eq!(argument, escaped);
            &argument
        }
    };
    assert_eq!(unescape(bare.as_bytes()).as_deref(), Some(bytes));

    let word = with(word, bytes);
    assert_eq!(word.split_ascii_whitespace().count(), 1, "{word:?}");
    assert!(
        !word
            .chars()
            .any(|character| character.is_whitespace() || forbidden(character))
    );
    if bytes.is_empty() {
        assert_eq!(word, r#""""#);
    } else {
        assert!(!word.starts_with('"'), "{word:?}");
        assert_eq!(unescape(word.as_bytes()).as_deref(), Some(bytes));
    }

    let quoted = with(quoted, bytes);
    let inside = &quoted[1..quoted.len() - 1];
    assert_eq!(unescape(inside.as_bytes()).as_deref(), Some(bytes));
    assert!(!inside.replace("\\\\", "").replace("\\\"", "").contains('"'));
}

fn forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '…' | '\u{2800}')
        || (character != ' ' && character.is_whitespace())
        || character.general_category() == GeneralCategory::Format
        || IGNORABLE.iter().any(|range| range.contains(&character))
}

#[test]
fn every_byte_pair_and_character_comes_back() {
    check(b"");
    for first in 0..=255 {
        check(&[first]);
        for second in 0..=255 {
            check(&[first, second]);
        }
    }
    for character in '\0'..=char::MAX {
        let mut bytes = [0; 4];
        let bytes = character.encode_utf8(&mut bytes).as_bytes();
        let escaped = with(text, bytes);
        assert_eq!(unescape(escaped.as_bytes()).as_deref(), Some(bytes));
    }
}

#[test]
fn random_bytes_come_back() {
    let mut random = Random(0x5eed);
    for _ in 0..300_000 {
        check(&random.bytes());
    }
}

#[test]
fn good_text_stays() {
    for good in [
        "/usr/bin/true",
        "a b\"c'",
        "naïve/漢字/🙂",
        "a\u{301}",
        "\u{2801}\u{ac00}\u{1100}",
    ] {
        assert_eq!(with(text, good), good);
    }
}

#[test]
fn what_cannot_be_seen_is_escaped() {
    for (bytes, expected) in [
        (&b"a\nb\tc\\d"[..], r"a\nb\tc\\d"),
        (b"\0\r\x1b[31m\x7f", r"\x00\x0d\x1b[31m\x7f"),
        ("\u{85}\u{9b}".as_bytes(), r"\xc2\x85\xc2\x9b"),
        (
            "\u{202e}\u{2066}\u{200d}\u{ad}\u{feff}".as_bytes(),
            r"\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8d\xc2\xad\xef\xbb\xbf",
        ),
        (
            "\u{2028}\u{2029}\u{e0041}".as_bytes(),
            r"\xe2\x80\xa8\xe2\x80\xa9\xf3\xa0\x81\x81",
        ),
        (
            "a\u{34f}\u{fe0f}\u{3164}\u{e0100}\u{2800}".as_bytes(),
            r"a\xcd\x8f\xef\xb8\x8f\xe3\x85\xa4\xf3\xa0\x84\x80\xe2\xa0\x80",
        ),
        // Spaces that are none to a shell, nor to a reader by column.
        (
            "a \u{a0}\u{2003}\u{3000}\u{1680}".as_bytes(),
            r"a \xc2\xa0\xe2\x80\x83\xe3\x80\x80\xe1\x9a\x80",
        ),
        (CUT.as_bytes(), r"\xe2\x80\xa6"),
        (b"\xff\xc3", r"\xff\xc3"),
        // A character that ends early, before good text and at the end.
        (b"\xe6\xbca\xf0\x9f\x99", r"\xe6\xbca\xf0\x9f\x99"),
        // A surrogate, and a slash written too long.
        (b"\xed\xa0\x80\xc0\xaf", r"\xed\xa0\x80\xc0\xaf"),
    ] {
        assert_eq!(with(text, bytes), expected);
    }
}

#[test]
fn arguments_can_be_told_apart() {
    for (bytes, expected) in [
        ("", r#""""#),
        ("plain", "plain"),
        ("two words", r#""two words""#),
        ("say \"hi\"", r#""say \"hi\"""#),
        ("\"", r#""\"""#),
        ("back\\slash", r"back\\slash"),
        ("a\\ \"", r#""a\\ \"""#),
        ("tab\there", r"tab\there"),
        ("wide\u{3000}space", r"wide\xe3\x80\x80space"),
        ("no-break\u{a0}", r"no-break\xc2\xa0"),
        ("next\u{85}line", r"next\xc2\x85line"),
        ("é", "é"),
    ] {
        assert_eq!(with(argument, bytes), expected);
    }
    assert_eq!(with(quoted, "plain"), r#""plain""#);
}

#[test]
fn a_name_is_one_word() {
    for (bytes, expected) in [
        ("", r#""""#),
        ("bash", "bash"),
        ("tmux: server", r"tmux:\x20server"),
        (" ", r"\x20"),
        ("\"\"", r#"\"\""#),
        ("a\\x20b", r"a\\x20b"),
        ("kworker/0:1\u{2003}", r"kworker/0:1\xe2\x80\x83"),
    ] {
        assert_eq!(with(word, bytes), expected);
    }
}

#[test]
fn the_ranges_are_those_of_unicode() {
    // Not of the same source: the crate is generated from the database by others.
    let parsed = regex_syntax::parse(r"\p{Default_Ignorable_Code_Point}").unwrap();
    let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(theirs)) =
        parsed.kind()
    else {
        panic!("not a class: {parsed:?}");
    };
    let theirs: Vec<_> = theirs
        .iter()
        .map(|range| range.start()..=range.end())
        .collect();
    assert_eq!(theirs, IGNORABLE);
}

#[test]
fn what_was_not_escaped_is_refused() {
    for bad in [
        "\\", "a\\", "\\q", "\\x", "\\x4", "\\xg0", "\\x4G", "\\xAB", "cut…",
    ] {
        assert_eq!(unescape(bad.as_bytes()), None, "{bad}");
    }
    assert_eq!(unescape(br#"\x41\"\n"#).as_deref(), Some(&b"A\"\n"[..]));
}

#[test]
fn the_short_cut_agrees_with_the_tables() {
    for character in '\u{80}'..=char::MAX {
        let hidden = forbidden(character) && character != '…';
        assert_eq!(is_hidden(character), hidden, "{character:?}");
    }
}

#[test]
fn a_byte_that_is_not_plain_is_found_anywhere() {
    for length in 0..40 {
        let plain = vec![b'~'; length];
        assert!(is_plain::<0x20, false>(&plain));
        for at in 0..length {
            for byte in 0..=255 {
                let mut bytes = plain.clone();
                bytes[at] = byte;
                let expected = (0x20..0x7f).contains(&byte) && byte != b'\\';
                let found = is_plain::<0x20, false>(&bytes);
                assert_eq!(found, expected, "{byte} at {at} of {length}");
                let expected = expected && byte != b' ' && byte != b'"';
                let found = is_plain::<0x21, true>(&bytes);
                assert_eq!(found, expected, "{byte} at {at} of {length}");
            }
        }
    }
}
