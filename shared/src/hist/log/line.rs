// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a line of a log says.

use super::times::{Micros, seconds};

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A comment without meaning here, the legend, or nothing.
    Nothing,
    /// The first line of a log.
    Version,
    /// The names of the fields.
    Legend,
    StartTime(Micros),
    BaseTime(Micros),
    Note(Note<'a>),
    Interval(Fields<'a>),
}

/// What our own recordings say in comments.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Note<'a> {
    /// How long it was recorded.
    Recorded(Micros),
    /// So many values were lost, by this cause.
    Lost(u64, &'a str),
    /// So many at most.
    LostAtMost(u64, &'a str),
    /// How many were lost is not known.
    LostUnknown,
}

/// The fields of an interval, as they stand there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    pub(super) tag: Option<&'a [u8]>,
    pub(super) start: Micros,
    pub(super) length: Micros,
    pub(super) histogram: &'a [u8],
}

/// Reads a line; or says what is wrong with it.
pub(super) fn parse(line: &[u8]) -> Result<Line<'_>, String> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(Line::Nothing);
    }
    if let Some(comment) = line.strip_prefix(b"#") {
        return match str::from_utf8(comment) {
            Ok(comment) => self::comment(comment),
            Err(_) => Ok(Line::Nothing),
        };
    }
    if line.starts_with(b"\"StartTimestamp\"") {
        return Ok(Line::Legend);
    }
    interval(line).map(Line::Interval)
}

fn comment(comment: &str) -> Result<Line<'_>, String> {
    if comment.starts_with("[Histogram log format version") {
        return Ok(Line::Version);
    }
    let named = comment
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(':'));
    let Some((name, rest)) = named else {
        return Ok(Line::Nothing);
    };
    let mut words = rest.trim_end_matches(']').split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    let time = || {
        seconds(first.trim_end_matches([',', ']']))
            .map_err(|why| format!("the {name} is wrong: {why}"))
    };
    Ok(match name {
        "StartTime" => Line::StartTime(time()?),
        "BaseTime" => Line::BaseTime(time()?),
        // These are ours; what another program means by them is no business of ours.
        "Recorded" => seconds(first)
            .ok()
            .filter(|length| *length >= 0)
            .map_or(Line::Nothing, |length| Line::Note(Note::Recorded(length))),
        "Lost" | "Lost at most" => match (first, first.parse(), words.next()) {
            ("unknown", ..) => Line::Note(Note::LostUnknown),
            (_, Ok(count), Some(cause)) if name == "Lost" => Line::Note(Note::Lost(count, cause)),
            (_, Ok(count), Some(cause)) => Line::Note(Note::LostAtMost(count, cause)),
            _ => Line::Nothing,
        },
        _ => Line::Nothing,
    })
}

fn interval(line: &[u8]) -> Result<Fields<'_>, String> {
    let no_line =
        || "not a line of a log: a line is [Tag=NAME,]START,LENGTH,MAX,HISTOGRAM".to_owned();
    let (tag, rest) = match line.strip_prefix(b"Tag=") {
        Some(rest) => {
            let (tag, rest) = field(rest).ok_or_else(no_line)?;
            (Some(tag), rest)
        }
        None => (None, line),
    };
    let (start, rest) = field(rest).ok_or_else(no_line)?;
    let (length, rest) = field(rest).ok_or_else(no_line)?;
    let (_max, histogram) = field(rest).ok_or_else(no_line)?;
    let number = |bytes| seconds(str::from_utf8(bytes).map_err(|_| no_line())?);
    let fields = Fields {
        tag,
        start: number(start)?,
        length: number(length)?,
        histogram: histogram.trim_ascii(),
    };
    if fields.length < 0 {
        return Err("the length of the interval is less than nothing".to_owned());
    }
    Ok(fields)
}

/// What is before the next comma, and what is after it.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b',', bytes)?;
    Some((bytes.get(..end)?.trim_ascii(), bytes.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::{Fields, Line, Note, parse};

    #[test]
    fn lines_of_all_writers_are_taken() {
        let interval = |tag: Option<&'static str>, start, length| {
            Line::Interval(Fields {
                tag: tag.map(str::as_bytes),
                start,
                length,
                histogram: b"HIST",
            })
        };
        for (line, said) in [
            ("", Line::Nothing),
            ("  \t\r", Line::Nothing),
            ("#a comment", Line::Nothing),
            ("#[Logged: by someone]", Line::Nothing),
            ("#[Histogram log format version 1.3]\r", Line::Version),
            ("\"StartTimestamp\",\"Interval_Length\"", Line::Legend),
            (
                "#[StartTime: 1700000000.123 (seconds since epoch), Tue Nov 14]",
                Line::StartTime(1_700_000_000_123_000),
            ),
            ("#[StartTime: 17, Tue]", Line::StartTime(17_000_000)),
            (
                "#[BaseTime: 1700000000 (seconds since epoch)]",
                Line::BaseTime(1_700_000_000_000_000),
            ),
            ("#[BaseTime: 1.7E9]", Line::BaseTime(1_700_000_000_000_000)),
            (
                "#[Recorded: 60.004 seconds]",
                Line::Note(Note::Recorded(60_004_000)),
            ),
            (
                "#[Lost: 5 inflight_full]",
                Line::Note(Note::Lost(5, "inflight_full")),
            ),
            (
                "#[Lost at most: 7 recursion]",
                Line::Note(Note::LostAtMost(7, "recursion")),
            ),
            ("#[Lost: unknown]", Line::Note(Note::LostUnknown)),
            ("#[Lost: weight]", Line::Nothing),
            ("0.127,1.007,2.769,HIST", interval(None, 127_000, 1_007_000)),
            (
                "5,1,10.002431, HIST \r",
                interval(None, 5_000_000, 1_000_000),
            ),
            ("Tag=a b,0.5,0,0,HIST", interval(Some("a b"), 500_000, 0)),
            ("Tag=,1,1,1,HIST", interval(Some(""), 1_000_000, 1_000_000)),
        ] {
            assert_eq!(parse(line.as_bytes()), Ok(said), "{line}");
        }
        assert_eq!(parse(b"#\xff\xfe"), Ok(Line::Nothing));
    }

    #[test]
    fn what_is_no_line_is_told() {
        for (line, says) in [
            ("hello", "not a line of a log"),
            ("Tag=a", "not a line of a log"),
            ("Tag=a,1.0,1.0,HIST", "not a line of a log"),
            ("x,1.0,1.0,HIST", "no number of seconds"),
            ("1.0,-1.0,1.0,HIST", "less than nothing"),
            (
                "#[BaseTime: 9999999999999999999.0 (seconds)]",
                "the BaseTime is wrong",
            ),
            ("#[StartTime: yesterday]", "the StartTime is wrong"),
        ] {
            let why = parse(line.as_bytes()).unwrap_err();
            assert!(why.contains(says), "{line}: {why}");
        }
    }
}
