// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said of a command line that is wrong: clap's words, without the tips that mislead.
//!
//! clap takes what it does not know for a value, and says to put it behind `--`: here that would run it as a command.
//! And it calls names similar that have a few letters in common.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, Error};

/// The id of the option that is the command to run.
const COMMAND: &str = "command";

/// Names that users of other tools try, and ours for the same.
const SYNONYMS: &[(&str, &str)] = &[
    ("count", "max-events"),
    ("json", "format"),
    ("limit", "max-events"),
    ("parent", "ppid"),
    ("process", "pid"),
    ("thread", "tid"),
    ("timeout", "duration"),
    ("user", "uid"),
];

/// Parses the command line.
///
/// # Errors
///
/// What to say of it; also that no command stands behind `--`, where one could.
pub(super) fn parse(mut parser: Command, args: &[OsString]) -> Result<ArgMatches, Error> {
    let parsed = parser.try_get_matches_from_mut(args);
    match parsed {
        Ok(matches) if is_command_missing(&parser, args, &matches) => Err(parser.error(
            ErrorKind::MissingRequiredArgument,
            "no command stands behind '--'; without '--', everything is traced",
        )),
        Ok(matches) => Ok(matches),
        Err(error) => Err(mended(error, &mut parser, args)),
    }
}

fn has_command(parser: &Command) -> bool {
    parser.get_arguments().any(|arg| arg.get_id() == COMMAND)
}

/// Whether the line ends with a `--` that begins a command of no words: a variable that was empty, say.
fn is_command_missing(parser: &Command, args: &[OsString], matches: &ArgMatches) -> bool {
    // An option that takes all that follows takes that, too.
    let took_all = parser
        .get_arguments()
        .any(|arg| arg.is_allow_hyphen_values_set() && matches.contains_id(arg.get_id().as_str()));
    has_command(parser)
        && !matches.contains_id(COMMAND)
        && !took_all
        && args.last().is_some_and(|last| last == "--")
}

/// The error with tips that help, and no other.
fn mended(mut error: Error, parser: &mut Command, args: &[OsString]) -> Error {
    let wrong = text_of(&error, ContextKind::InvalidArg);
    if let Some(ContextValue::StyledStrs(tips)) = error.remove(ContextKind::Suggested) {
        // What would be run is no value.
        let kept: Vec<_> = tips
            .into_iter()
            .filter(|tip| !tip.to_string().contains("'-- "))
            .collect();
        if !kept.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(kept));
        }
    }
    if let Some(wrong) = &wrong {
        let guessed = error.get(ContextKind::SuggestedArg).is_some();
        keep_near(&mut error, ContextKind::SuggestedArg, wrong);
        if error.get(ContextKind::SuggestedArg).is_none() {
            if guessed {
                // It is of the option that was guessed.
                let usage = parser.render_usage();
                error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
            }
            if let Some(other) = synonym(parser, wrong) {
                error.insert(ContextKind::SuggestedArg, ContextValue::String(other));
            }
        }
    }
    if let Some(wrong) = text_of(&error, ContextKind::InvalidValue) {
        keep_near(&mut error, ContextKind::SuggestedValue, &wrong);
    }
    if let Some(wrong) = text_of(&error, ContextKind::InvalidSubcommand) {
        keep_near(&mut error, ContextKind::SuggestedSubcommand, &wrong);
    }
    if has_command(parser)
        && let Some(word) = stray_word(&error, wrong.as_deref())
    {
        let last = args.last().is_some_and(|last| *last == *word);
        let tip = format!(
            "to run a command and trace it, put '--' before it: '{} -- {word}{}'",
            parser.get_name(),
            if last { "" } else { " ..." },
        );
        let tip = StyledStr::from(tip);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

/// A word that stands where no option is: a command, most likely.
fn stray_word(error: &Error, wrong: Option<&str>) -> Option<String> {
    let wrong = wrong?;
    match error.kind() {
        ErrorKind::UnknownArgument if !wrong.starts_with('-') => Some(wrong.to_owned()),
        // What a positional argument would not take.
        ErrorKind::ValueValidation if wrong.starts_with('[') => {
            let value = text_of(error, ContextKind::InvalidValue)?;
            let is_word = value.starts_with(|first: char| first.is_alphabetic() || first == '/');
            is_word.then_some(value)
        }
        _ => None,
    }
}

fn text_of(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}

/// Keeps those suggestions that may be what was meant.
fn keep_near(error: &mut Error, kind: ContextKind, wrong: &str) {
    let kept: Vec<String> = match error.remove(kind) {
        Some(ContextValue::String(one)) => vec![one],
        Some(ContextValue::Strings(several)) => several,
        _ => return,
    };
    let mut kept = kept.into_iter().filter(|name| is_near(wrong, name));
    match (kept.next(), kept.collect::<Vec<_>>()) {
        (None, _) => {}
        (Some(one), more) if more.is_empty() => {
            error.insert(kind, ContextValue::String(one));
        }
        (Some(one), more) => {
            let all = std::iter::once(one).chain(more).collect();
            error.insert(kind, ContextValue::Strings(all));
        }
    }
}

fn synonym(parser: &Command, wrong: &str) -> Option<String> {
    let name = bare(wrong);
    let (_, ours) = SYNONYMS.iter().find(|(theirs, _)| name == *theirs)?;
    let has = parser
        .get_arguments()
        .any(|arg| arg.get_long() == Some(ours));
    (wrong.starts_with("--") && has).then(|| format!("--{ours}"))
}

/// A name without what stands before and behind it.
fn bare(name: &str) -> &str {
    let name = name.trim_start_matches('-');
    name.split(['=', ' ']).next().unwrap_or(name)
}

/// Whether one may be a slip for the other: a third of its letters are wrong at most, or it is the beginning.
fn is_near(wrong: &str, right: &str) -> bool {
    let (wrong, right) = (bare(wrong), bare(right));
    let length = wrong.chars().count();
    let begins = length >= 3 && right.starts_with(wrong);
    begins || distance(wrong, right) <= (length / 3).max(1).min(length.saturating_sub(1))
}

/// How many letters are to be put in, left out, changed or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in to.iter().enumerate() {
            let changed = last[j] + usize::from(letter != other);
            let mut least = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == to[j - 1] && from[i - 1] == *other {
                let swapped: &Vec<usize> = &before;
                least = least.min(swapped[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, is_near};

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        for (wrong, right) in [
            ("--durations", "--duration"),
            ("--ouput", "--output"),
            ("--cgruop", "--cgroup"),
            ("--timestmp", "--timestamp"),
            ("--dur", "--duration"),
            ("jsn", "json"),
        ] {
            assert!(is_near(wrong, right), "{wrong} {right}");
        }
        for (wrong, right) in [
            ("--user", "--buffer"),
            ("--users", "--buffer"),
            ("--proc", "--probe"),
            ("--no-such-option", "--output"),
            ("-p", "-x"),
            ("p", "pid"),
        ] {
            assert!(!is_near(wrong, right), "{wrong} {right}");
        }
    }

    #[test]
    fn distances_count_slips() {
        for (from, to, slips) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "bc", 1),
            ("abc", "abxc", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from, to), slips, "{from} {to}");
            assert_eq!(distance(to, from), slips, "{to} {from}");
        }
    }
}
