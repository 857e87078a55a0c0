// SPDX-License-Identifier: MIT OR Apache-2.0
use std::io::Cursor;
use std::time::Duration;

use super::super::{Record, Recorder, Spread, Tags, empty, tag};
use super::{Log, Told};
use crate::data::loss::Cause;
use crate::error::Error;

/// What a log comes to, and what it says.
fn read(bytes: &[u8]) -> Result<(Tags, Told), Error> {
    let mut tags = Tags::default();
    let mut log = Log::new("log", Box::new(Cursor::new(bytes.to_vec())));
    let told = log.read(&mut |interval| tags.add(interval))?;
    Ok((tags, told))
}

fn starts(bytes: &[u8]) -> Vec<f64> {
    let mut starts = Vec::new();
    let mut log = Log::new("log", Box::new(Cursor::new(bytes.to_vec())));
    log.read(&mut |interval| {
        starts.push(interval.start.as_secs_f64());
        Ok(())
    })
    .unwrap();
    starts
}

/// A log of three records, and what was lost meanwhile.
fn written() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut recorder = Recorder::create(&path, Duration::from_secs(1_000)).unwrap();
    for (tag, start, values) in [
        (Some("disk=a"), 1_000, &[5, 5_000_000][..]),
        (None, 1_001, &[7]),
        (Some("disk=a"), 1_002, &[900]),
    ] {
        let mut histogram = empty().unwrap();
        for value in values {
            histogram.record(*value).unwrap();
        }
        let record = Record {
            tag,
            start: Duration::from_secs(start),
            length: Duration::from_secs(1),
            histogram: &histogram,
        };
        recorder.add(&record).unwrap();
    }
    recorder.lost(Cause::InflightFull, 3, false);
    recorder.recorded(Duration::from_millis(60_500));
    recorder.flush().unwrap();
    std::fs::read(&path).unwrap()
}

/// One interval's fields, in any log.
const ONE: &str = "HISTFAAAACN4nJNpmSzMwMDAygABzFCaEULV/7f/AGHNjWWqZQIAYiMFeA==";

#[test]
fn what_is_written_is_read() {
    let bytes = written();
    assert!(bytes.starts_with(b"#[Histogram log format version 1.3]\n"));
    assert_eq!(starts(&bytes), [1_000.0, 1_001.0, 1_002.0]);
    let (tags, told) = read(&bytes).unwrap();
    assert_eq!((told.intervals, told.cut), (3, None));
    assert_eq!(told.recorded, Duration::from_millis(60_500));
    assert_eq!(
        told.losses.to_string(),
        "3 values were lost (in-flight map full 3)"
    );
    let all = tags.get(Some("disk=a")).unwrap();
    assert_eq!((all.start.as_secs(), all.end.as_secs()), (1_000, 1_003));
    assert_eq!(all.values, Spread::of(&[5, 5_000_000, 900]));
    assert_eq!(tags.get(None).unwrap().values.len(), 1);
    let order: Vec<_> = tags.iter().map(|(tag, _)| tag).collect();
    assert_eq!(order, [None, Some("disk=a")]);
}

/// Wherever it is cut, the lines before are used, and what is left out is said.
#[test]
fn a_last_line_that_is_cut_is_left_out() {
    let bytes = written();
    let head = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let lines = |end: usize| bytes[..end].iter().filter(|byte| **byte == b'\n').count() as u64;
    for end in head + 1..bytes.len() {
        let (_, told) = read(&bytes[..end]).unwrap();
        let whole = lines(end).saturating_sub(5).min(3);
        if let Some(cut) = told.cut {
            assert_eq!(cut, lines(end) + 1, "cut at {end}");
            assert_eq!(told.intervals, whole, "cut at {end}");
        } else {
            // A comment that is cut says nothing, and of a line all but its end may be there.
            assert!(
                told.intervals == whole || bytes[end] == b'\n',
                "cut at {end}"
            );
        }
    }
    // In the middle it is no cut.
    let broken = [&bytes[..bytes.len() - 90], b"\n", &bytes[head + 1..]].concat();
    assert!(read(&broken).is_err());
}

#[test]
fn what_editors_and_systems_add_is_no_matter() {
    let plain =
        format!("#[Histogram log format version 1.3]\n1.5,1.0,1.0,{ONE}\n2.5,1.0,1.0,{ONE}\n");
    let (_, right) = read(plain.as_bytes()).unwrap();
    assert_eq!(right.intervals, 2);
    let crlf = plain.replace('\n', "\r\n");
    let blank = plain.replace('\n', "\n\n  \n\t\r\n");
    let mark = format!("\u{feff}{plain}");
    let mark_only = format!("\u{feff}1.5,1.0,1.0,{ONE}\n2.5,1.0,1.0,{ONE}");
    for text in [&crlf, &blank, &mark, &mark_only, plain.trim_end()] {
        let (_, told) = read(text.as_bytes()).unwrap();
        assert_eq!((told.intervals, told.cut), (2, None), "{text:?}");
        assert_eq!(starts(text.as_bytes()), [1.5, 2.5], "{text:?}");
    }
}

#[test]
fn garbage_is_told_with_its_line() {
    let cases: [(&[u8], &str); 9] = [
        (b"\xff\xfe1\0.\0", "log:1: it is UTF-16"),
        (b"\x1f\x8b\x08\0", "log:1: it is compressed"),
        (b"\x7fELF\x02\x01\x01\0\0", "log:1: not a line"),
        (b"#comment\nhello\n", "log:2: not a line"),
        (b"0.0,1.0,1.0,!!!\n", "log:1: not a histogram"),
        (
            b"#[BaseTime: 1.0 (seconds)]\n0.0,1.0,1.0,AAAA\n",
            "log:2: not a histogram",
        ),
        (b"x,1.0,1.0,HISTFAAAAAAA\n", "log:1: 'x' is no number"),
        (b"", "log: there is no histogram"),
        (b"# only a comment\n\n", "log: there is no histogram"),
    ];
    for (bytes, says) in cases {
        let said = read(bytes).unwrap_err().to_string();
        assert!(said.starts_with(says), "{said}");
    }
    // Any byte that changes is found, or does not change what is there to be counted.
    let bytes = written();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x15;
        drop(read(&changed));
    }
}

#[test]
fn a_recording_in_which_nothing_came_is_one() {
    for head in [
        "#[Histogram log format version 1.3]\n",
        "#[StartTime: 17.0 (seconds since epoch)]",
        "\"StartTimestamp\",\"Interval_Length\"\n",
    ] {
        let (tags, told) = read(head.as_bytes()).unwrap();
        assert!(tags.is_empty() && told.intervals == 0, "{head}");
    }
}

#[test]
fn logs_that_were_put_together_are_one() {
    let one = |head: &str, start: &str| {
        format!("#[Histogram log format version 1.3]\n{head}\nTag=a,{start},2.0,1.0,{ONE}\n")
    };
    // The second has no BaseTime of its own, and does not inherit one.
    let both = [
        one(
            "#[StartTime: 1700000000.0]\n#[BaseTime: 1700000000.0]",
            "3.0",
        ),
        one("#[StartTime: 1800000000.0]", "1.0"),
    ];
    let both = both.concat();
    assert_eq!(starts(both.as_bytes()), [1_700_000_003.0, 1_800_000_001.0]);
    // From each StartTime to the last end.
    let (_, told) = read(both.as_bytes()).unwrap();
    assert_eq!(told.recorded, Duration::from_secs(5 + 3));
    let said = format!("{both}#[Recorded: 10.0 seconds]\n");
    let (_, told) = read(said.as_bytes()).unwrap();
    assert_eq!(told.recorded, Duration::from_secs(5 + 10));
}

#[test]
fn a_file_without_lines_is_not_read_to_its_end() {
    let mut log = Log::new(
        "zeros",
        Box::new(std::io::BufReader::new(std::io::repeat(0))),
    );
    let said = log.read(&mut |_| Ok(())).unwrap_err().to_string();
    assert!(said.starts_with("zeros:1: not a line"), "{said}");
}

#[test]
fn tags_have_no_letters_that_end_them() {
    assert_eq!(tag(b"/a b,c;%\n\xff"), "/a%20b%2Cc%3B%25%0A%FF");
    assert_eq!(tag(b"/sys-1.slice"), "/sys-1.slice");
    // One of another program's may be no text.
    let bytes = [b"Tag=caf\xe9\x1b,1.0,1.0,1.0,", ONE.as_bytes(), b"\n"].concat();
    let (tags, _) = read(&bytes).unwrap();
    assert!(tags.get(Some("caf%E9\u{1b}")).is_some());
}
