// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the values of a filter are written: several with commas between, one to leave out with `!` before it.
//!
//! `\,` is a comma in a value, `\!` a value's own first `!`, `\\` a backslash where it would otherwise be read as one
//! of these. A backslash before anything else is itself: systemd's cgroups have names such as `a\x2db.service`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::error::{Error, Result};
use crate::query::glob::Glob;
use crate::trace::set::Set;

/// What parses the values of one occurrence of a filter's option, each by `one`. The option's type is `Vec<Set<T>>`,
/// so that it can be given several times; [`together`] makes one set of them.
pub fn parser<T, P>(one: P) -> impl TypedValueParser<Value = Set<T>>
where
    T: PartialEq + Clone + Send + Sync + 'static,
    P: Fn(&OsStr) -> std::result::Result<T, String> + Clone + Send + Sync + 'static,
{
    OsStringValueParser::new().try_map(move |text| parse(&text, Commas::All, &one))
}

/// The [`parser`] of patterns: commas within braces are theirs.
pub fn glob_parser() -> impl TypedValueParser<Value = Set<Glob>> {
    OsStringValueParser::new().try_map(move |text| parse(&text, Commas::OutsideOfBraces, Glob::new))
}

/// The [`parser`] of values that are text, such as numbers.
pub fn text_parser<T, P>(one: P) -> impl TypedValueParser<Value = Set<T>>
where
    T: PartialEq + Clone + Send + Sync + 'static,
    P: Fn(&str) -> std::result::Result<T, String> + Clone + Send + Sync + 'static,
{
    parser(move |value: &OsStr| match value.to_str() {
        Some(text) => one(text),
        None => Err("not UTF-8".to_owned()),
    })
}

/// All that was asked for by the occurrences of an option.
///
/// # Errors
///
/// [`Usage`](crate::error::Kind::Usage) where a value is both wanted and excluded.
pub fn together<T: PartialEq + Clone>(option: &str, given: &[Set<T>]) -> Result<Set<T>> {
    let set = Set::together(given);
    if set.contradiction().is_some() {
        return Err(Error::usage(format!(
            "{option}: the same value is asked for and excluded"
        ))
        .help("nothing could be both: leave out one of the two"));
    }
    Ok(set)
}

/// Which commas stand between values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Commas {
    All,
    OutsideOfBraces,
}

fn parse<T: PartialEq + Clone>(
    text: &OsStr,
    commas: Commas,
    one: impl Fn(&OsStr) -> std::result::Result<T, String>,
) -> std::result::Result<Set<T>, String> {
    let mut set = Set::default();
    for (excluded, value) in split(text.as_bytes(), commas) {
        if value.is_empty() {
            return Err(
                "a value is empty; several stand with commas between, '\\,' is a comma in a value"
                    .to_owned(),
            );
        }
        let value = OsString::from_vec(value);
        let parsed = one(&value).map_err(|error| {
            // clap shows the whole; which of several it is about is not to be guessed.
            if value == text {
                error
            } else {
                format!("'{}': {error}", value.display())
            }
        })?;
        if excluded {
            set.exclude(parsed);
        } else {
            set.want(parsed);
        }
    }
    Ok(set)
}

/// The values between commas, and of each whether it is excluded.
fn split(text: &[u8], commas: Commas) -> Vec<(bool, Vec<u8>)> {
    let mut values = vec![(false, Vec::new())];
    let mut bytes = text.iter().copied().peekable();
    // Whether the value has not begun.
    let mut first = true;
    let mut depth = 0_usize;
    while let Some(byte) = bytes.next() {
        if commas == Commas::OutsideOfBraces {
            match byte {
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if byte == b',' && depth == 0 {
            values.push((false, Vec::new()));
            first = true;
            continue;
        }
        let Some((excluded, value)) = values.last_mut() else {
            continue;
        };
        match byte {
            b'!' if first && !*excluded => {
                *excluded = true;
                continue;
            }
            b'\\' if commas == Commas::OutsideOfBraces => {
                // What the pattern has it for is the pattern's, an escaped brace among it.
                let next = bytes.next();
                if !matches!(next, Some(b',' | b'!')) {
                    value.push(byte);
                }
                value.extend(next);
            }
            b'\\' => value.push(
                bytes
                    .next_if(|next| matches!(next, b',' | b'!' | b'\\'))
                    .unwrap_or(byte),
            ),
            _ => value.push(byte),
        }
        first = false;
    }
    values
}

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};

    use super::{Commas, parse, split, together};
    use crate::trace::set::Set;

    fn names(text: &str) -> Result<Set<String>, String> {
        parse(OsStr::new(text), Commas::All, |value| {
            Ok(value.to_string_lossy().into_owned())
        })
    }

    fn set(wanted: &[&str], excluded: &[&str]) -> Result<Set<String>, String> {
        let mut set = Set::any(wanted.iter().map(|&text| text.to_owned()));
        for value in excluded {
            set.exclude((*value).to_owned());
        }
        Ok(set)
    }

    #[test]
    fn values_stand_between_commas() {
        assert_eq!(names("a"), set(&["a"], &[]));
        assert_eq!(names("a,b,a"), set(&["a", "b"], &[]));
        assert_eq!(names("!a"), set(&[], &["a"]));
        assert_eq!(names("a,!b,c"), set(&["a", "c"], &["b"]));
        assert_eq!(names("a!"), set(&["a!"], &[]));
        assert_eq!(names("a b"), set(&["a b"], &[]));
    }

    #[test]
    fn every_name_can_be_said() {
        assert_eq!(names(r"a\,b"), set(&["a,b"], &[]));
        assert_eq!(names(r"\!a"), set(&["!a"], &[]));
        assert_eq!(names(r"!\!a,\,"), set(&[","], &["!a"]));
        assert_eq!(names("!!a"), set(&[], &["!a"]));
        assert_eq!(names(r"a\\,b"), set(&[r"a\", "b"], &[]));
        assert_eq!(names(r"\\!a"), set(&[r"\!a"], &[]));
        // As systemd writes the names of cgroups.
        assert_eq!(names(r"a\x2db\"), set(&[r"a\x2db\"], &[]));
    }

    #[test]
    fn any_bytes_come_back() {
        for name in [&b"a,b"[..], b"!", b"\\", b"\\,", b",,", b"!\\!", b"\xff\\x"] {
            let mut escaped = Vec::new();
            for byte in name {
                if matches!(byte, b',' | b'!' | b'\\') {
                    escaped.push(b'\\');
                }
                escaped.push(*byte);
            }
            assert_eq!(
                split(&escaped, Commas::All),
                [(false, name.to_vec())],
                "{name:?}"
            );
        }
    }

    #[test]
    fn commas_within_braces_are_the_patterns_own() {
        let split = |text: &str| split(text.as_bytes(), Commas::OutsideOfBraces);
        let values = |text| split(text).into_iter().map(|(_, value)| value);
        assert!(values("/{a,b}/c,!*.o").eq([&b"/{a,b}/c"[..], b"*.o"]));
        assert!(values("{a,{b,c}},d}").eq([&b"{a,{b,c}}"[..], b"d}"]));
        assert!(values(r"a\{b,c").eq([&br"a\{b"[..], b"c"]));
    }

    #[test]
    fn nothing_is_no_value() {
        for text in ["", ",", "a,", ",a", "a,,b", "!", "a,!"] {
            assert!(names(text).is_err_and(|error| error.contains("empty")));
        }
    }

    #[test]
    fn the_wrong_one_of_several_is_named() {
        let number = |value: &OsStr| {
            let text = value.to_string_lossy().into_owned();
            text.parse::<u32>().map_err(|_| "not a number".to_owned())
        };
        let several = OsString::from("1,x,2");
        assert_eq!(
            parse(&several, Commas::All, number),
            Err("'x': not a number".to_owned())
        );
        assert_eq!(
            parse(OsStr::new("x"), Commas::All, number),
            Err("not a number".to_owned())
        );
    }

    #[test]
    fn options_add_up_and_cannot_contradict() {
        let sum = together("-p", &[Set::any([1, 2]), Set::none([4]), Set::any([3, 1])]).unwrap();
        assert_eq!((sum.wanted(), sum.excluded()), (&[1, 2, 3][..], &[4][..]));
        let error = together("-p", &[Set::any([1, 2]), Set::none([2])]).expect_err("both");
        assert_eq!(error.exit_status(), 2);
        assert!(error.to_string().starts_with("-p: "), "{error}");
    }
}
