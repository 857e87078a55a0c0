// SPDX-License-Identifier: MIT OR Apache-2.0
//! A frame of a stack, and what it is in one line, for people.

use std::io::Write;

use crate::text::escape;

/// One frame of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'f> {
    /// Where the function that was called returns to; of the innermost frame, where the system call does.
    pub address: u64,
    /// The function's name, demangled; `None` where it is not known.
    pub symbol: Option<&'f [u8]>,
    /// How far the address is into the function; without a symbol, the address as the module's file counts it, which
    /// `addr2line -e MODULE` takes. `None` where the file could not be read.
    pub offset: Option<u64>,
    /// What is mapped there, as `/proc/PID/maps` has it: mostly the path of a file. `None` where it is not known.
    pub module: Option<&'f [u8]>,
}

/// Appends a frame as `ADDRESS SYMBOL+OFFSET MODULE`: always two spaces in all, as names that have one are quoted, and
/// [`escape::CUT`] for what is not known.
pub(crate) fn line(out: &mut Vec<u8>, frame: &Frame<'_>) {
    // Memory takes all that is written to it.
    write!(out, "{:#x} ", frame.address).ok();
    known(out, frame.symbol);
    if let Some(offset) = frame.offset {
        write!(out, "+{offset:#x}").ok();
    }
    out.push(b' ');
    known(out, frame.module);
}

fn known(out: &mut Vec<u8>, name: Option<&[u8]>) {
    match name {
        Some(name) => escape::argument(out, name),
        None => out.extend_from_slice(escape::CUT.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, line};

    fn text(symbol: Option<&str>, offset: Option<u64>, module: Option<&str>) -> String {
        let mut out = Vec::new();
        line(
            &mut out,
            &Frame {
                address: 0x7f00_1234,
                symbol: symbol.map(str::as_bytes),
                offset,
                module: module.map(str::as_bytes),
            },
        );
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_known_is_shown() {
        assert_eq!(
            text(Some("main"), Some(0x1c), Some("/bin/cat")),
            "0x7f001234 main+0x1c /bin/cat"
        );
        assert_eq!(
            text(None, Some(0x1234), Some("/bin/cat")),
            "0x7f001234 …+0x1234 /bin/cat"
        );
        assert_eq!(text(None, None, Some("[vdso]")), "0x7f001234 … [vdso]");
        assert_eq!(text(None, None, None), "0x7f001234 … …");
    }

    #[test]
    fn no_name_forges_another() {
        assert_eq!(
            text(Some("f(int, int)"), Some(1), Some("/a b/c\n0x1 x /y")),
            r#"0x7f001234 "f(int, int)"+0x1 "/a b/c\n0x1 x /y""#
        );
        assert_eq!(
            text(Some("…"), Some(1), Some("\x1b[31m")),
            r"0x7f001234 \xe2\x80\xa6+0x1 \x1b[31m"
        );
    }
}
