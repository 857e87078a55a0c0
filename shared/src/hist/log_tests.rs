// SPDX-License-Identifier: MIT OR Apache-2.0
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{Record, Recorder, empty, merge, parse, read, tag};

fn record(tag: Option<&str>, start: u64, values: &[u64]) -> Record {
    let mut histogram = empty().unwrap();
    for value in values {
        histogram.record(*value).unwrap();
    }
    Record {
        tag: tag.map(str::to_owned),
        start: Duration::from_secs(start),
        length: Duration::from_secs(1),
        histogram,
    }
}

/// A log of three records.
fn written() -> Vec<u8> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("tracewell-log-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut recorder = Recorder::create(&path, Duration::from_secs(1_000)).unwrap();
    for record in [
        record(Some("disk=a"), 1_000, &[5, 5_000_000]),
        record(None, 1_001, &[7]),
        record(Some("disk=a"), 1_002, &[900]),
    ] {
        recorder.add(&record).unwrap();
    }
    recorder.flush().unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(read(&path).unwrap().len(), 3);
    fs::remove_file(&path).unwrap();
    bytes
}

#[test]
fn what_is_written_is_read() {
    let bytes = written();
    assert!(bytes.starts_with(b"#[Histogram log format version 1.3]\n"));
    let records = parse(&bytes).unwrap();
    let starts: Vec<_> = records
        .iter()
        .map(|record| record.start.as_secs())
        .collect();
    assert_eq!(starts, [1_000, 1_001, 1_002]);
    assert_eq!(records[0].tag.as_deref(), Some("disk=a"));
    assert_eq!(records[1].tag, None);
    let merged = merge(records).unwrap();
    let all = &merged[&Some("disk=a".to_owned())];
    assert_eq!((all.start.as_secs(), all.end.as_secs()), (1_000, 1_003));
    assert_eq!(all.histogram.len(), 3);
    assert_eq!(all.histogram.min(), 5);
    assert_eq!(merged[&None].histogram.len(), 1);
}

#[test]
fn every_cut_is_told_or_harmless() {
    let bytes = written();
    let whole = parse(&bytes).unwrap().len();
    for end in 0..bytes.len() {
        match parse(&bytes[..end]) {
            // Between two lines nobody can tell.
            Ok(records) => assert!(
                records.len() <= whole && (end == 0 || bytes[end - 1] == b'\n'),
                "cut at {end}"
            ),
            Err((line, _)) => assert!(line <= 8, "cut at {end}"),
        }
    }
}

#[test]
fn garbage_is_told_with_its_line() {
    let cases: [(&[u8], usize); 6] = [
        (b"\xff\xfe\n", 1),
        (b"#comment\nhello\n", 2),
        (b"0.0,1.0,1.0,!!!\n", 1),
        (b"#[BaseTime: 1.0 (seconds)]\n0.0,1.0,1.0,AAAA\n", 2),
        (b"0.0,1.0,1.0,HISTFAAAAAAA\n", 1),
        (b"x,1.0,1.0,HISTFAAAAAAA\n", 1),
    ];
    for (bytes, line) in cases {
        let (told, why) = parse(bytes).unwrap_err();
        assert_eq!(told, line, "{why}");
    }
    // Any byte that changes is found, or does not change what is there to be counted.
    let bytes = written();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x15;
        drop(parse(&changed));
    }
}

#[test]
fn tags_have_no_letters_that_end_them() {
    assert_eq!(tag(b"/a b,c;%\n\xff"), "/a%20b%2Cc%3B%25%0A%FF");
    assert_eq!(tag(b"/sys-1.slice"), "/sys-1.slice");
}

/// Found by fuzzing: the length is believed before it is looked at.
#[test]
fn a_length_that_cannot_be_is_told() {
    let mut plain = Vec::new();
    for word in [0x1c84_9303_u32, u32::MAX, 0, 3] {
        plain.extend(word.to_be_bytes());
    }
    for word in [1, 1_u64 << 40, 1_f64.to_bits()] {
        plain.extend(word.to_be_bytes());
    }
    let mut deflated = flate2::read::ZlibEncoder::new(&*plain, flate2::Compression::fast());
    let mut inner = Vec::new();
    std::io::Read::read_to_end(&mut deflated, &mut inner).unwrap();
    let length = u32::try_from(inner.len()).unwrap();
    let outer = [
        &0x1c84_9304_u32.to_be_bytes(),
        &length.to_be_bytes(),
        &*inner,
    ]
    .concat();
    for raw in [plain.clone(), outer] {
        let line = format!("0.0,1.0,1.0,{}\n", data_encoding::BASE64.encode(&raw));
        let (_, why) = parse(line.as_bytes()).unwrap_err();
        assert!(why.contains("4294967295 bytes"), "{why}");
    }
}
