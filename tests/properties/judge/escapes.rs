// SPDX-License-Identifier: MIT OR Apache-2.0
//! The escape: what it writes is safe to show, and comes back.

use tracewell_shared::output::escape::{argument, quoted, text, unescape, word};

use crate::words;

/// Escapes the bytes in each way, and reads them back; and reads them as if they were escaped.
pub(crate) fn escapes(bytes: &[u8]) {
    let write = |escape: fn(&mut Vec<u8>, &[u8])| {
        let mut out = Vec::new();
        escape(&mut out, bytes);
        let out = String::from_utf8(out).expect("escaped text is UTF-8");
        visible(&out);
        out
    };
    assert_eq!(unescape(write(text).as_bytes()).as_deref(), Some(bytes));
    let one = write(word);
    assert_eq!(one.split_whitespace().collect::<Vec<_>>(), [&*one]);
    assert_eq!(words::split(&one), [bytes], "{one:?}");
    for alone in [write(argument), write(quoted)] {
        assert_eq!(words::split(&alone), [bytes], "{alone:?}");
        // Among others, it is still one.
        let among = format!("{alone} {alone}");
        assert_eq!(words::split(&among), [bytes, bytes], "{among:?}");
    }
    // Whatever it is: bytes or a refusal.
    drop(unescape(bytes));
}

/// Fails for what could steer a terminal, end a line, or hide.
pub(crate) fn visible(text: &str) {
    let bad = |character: char| {
        character.is_control()
            || (character != ' ' && character.is_whitespace())
            || matches!(
                character,
                '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{3164}' | '\u{2800}'
            )
            || matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{180b}'..='\u{180f}')
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(character, '\u{2060}'..='\u{206f}' | '\u{ad}' | '\u{feff}')
            || matches!(character, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    assert!(!text.contains(bad), "{text:?}");
}
