// SPDX-License-Identifier: MIT OR Apache-2.0
//! HdrHistogram logs: any file is a log or is refused, in the memory of one histogram; and what is written is read.

use std::io::Cursor;
use std::time::Duration;

use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;
use tracewell_shared::error::Error;
use tracewell_shared::hist::log::{self, Log, Record, Recorder, Tags, Told, tag, tag_shown};
use tracewell_shared::output::sink::Sink;

use super::escapes::visible;

/// Reads the bytes as a log, and adds its intervals up.
fn read(bytes: &[u8]) -> Result<(Tags, Told), Error> {
    let mut tags = Tags::default();
    let mut log = Log::new("log", Box::new(Cursor::new(bytes.to_vec())));
    let told = log.read(&mut |interval| tags.add(interval))?;
    Ok((tags, told))
}

/// Reads the bytes as a log; of one that is whole, what is shown and merged can be worked out.
pub(crate) fn any_bytes(bytes: &[u8]) {
    match read(bytes) {
        Ok((tags, told)) => {
            visible(&told.losses.to_string());
            let count = tags.iter().count() as u64;
            assert!(count <= told.intervals, "{told:?}");
            for (tag, merged) in tags.iter() {
                visible(&tag_shown(tag.unwrap_or_default()));
                assert!(merged.start <= merged.end);
                let values = &merged.values;
                let logged = values.to_logged().expect("what is read can be written");
                assert_eq!((logged.len(), logged.max()), (values.len(), values.max()));
                assert!(values.quantile(0.5) <= values.max());
            }
            if tags
                .iter()
                .all(|(tag, _)| tag.is_none_or(|tag| !tag.contains([' ', '\r'])))
            {
                comes_back_merged(&tags, &told);
            }
        }
        Err(error) => {
            let said = error.to_string();
            assert!(
                said.starts_with("log:") || said.contains("can be counted"),
                "{said}"
            );
        }
    }
}

/// Whatever was read is the same after it was merged: no time and no count makes that fail.
fn comes_back_merged(tags: &Tags, told: &Told) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log");
    let first = tags.iter().map(|(_, merged)| merged.start).min();
    let mut recorder = Recorder::new(
        Sink::file(&path).expect("a file"),
        first.unwrap_or_default(),
    )
    .expect("room");
    for (tag, merged) in tags.iter() {
        let record = Record {
            tag,
            start: merged.start,
            length: merged.end - merged.start,
            histogram: &merged.values.to_logged().expect("it was read"),
        };
        recorder.add(&record).expect("it was read");
    }
    recorder.losses(&told.losses);
    recorder.recorded(told.recorded);
    recorder.flush().expect("room");
    let (again, said) = read(&std::fs::read(&path).expect("a file")).expect("a log");
    assert_eq!(said.losses, told.losses);
    for (tag, merged) in tags.iter() {
        let written = again.get(tag).expect("the same tags");
        assert_eq!(written.values.len(), merged.values.len());
        assert_eq!(written.values.max(), merged.values.max());
    }
}

/// Reads a log whose histogram is these bytes: as they are, behind the head of one that is not compressed, and
/// compressed.
pub(crate) fn any_histogram(bytes: &[u8]) {
    // "V2" of the format: where a search would otherwise end is only the beginning.
    let plain = [&0x1c84_9313_u32.to_be_bytes(), bytes].concat();
    let mut inner = ZlibEncoder::new(Vec::new(), Compression::fast());
    inner.write_all(&plain).expect("memory takes it");
    let inner = inner.finish().expect("memory takes it");
    let length = u32::try_from(inner.len()).expect("it is short");
    let head = [0x1c84_9314_u32.to_be_bytes(), length.to_be_bytes()].concat();
    for histogram in [bytes.to_vec(), plain, [head, inner].concat()] {
        let encoded = BASE64.encode(&histogram);
        any_bytes(format!("Tag=t,0.5,1.5,2.5,{encoded}\n").as_bytes());
    }
}

/// Writes a log of these values under a tag of these bytes, and reads it.
pub(crate) fn comes_back(tag_bytes: &[u8], values: &[u64], start: Duration, length: Duration) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log");
    let mut histogram = log::empty().expect("three digits");
    for value in values {
        histogram.record(*value).expect("it grows");
    }
    let tag = (!tag_bytes.is_empty()).then(|| tag(tag_bytes));
    let mut recorder = Recorder::create(&path, start).expect("a file");
    let record = Record {
        tag: tag.as_deref(),
        start,
        length,
        histogram: &histogram,
    };
    recorder.add(&record).expect("a record");
    recorder.flush().expect("a file");
    let (tags, told) = read(&std::fs::read(&path).expect("a file")).expect("a log");
    assert_eq!(told.intervals, 1);
    let merged = tags.get(tag.as_deref()).expect("the same tag");
    // To the millisecond, as the format has it.
    let close = |one: Duration, other: Duration| one.abs_diff(other) <= Duration::from_millis(1);
    assert!(
        close(merged.start, start) && close(merged.end - merged.start, length),
        "{merged:?}"
    );
    assert_eq!(merged.values.len(), values.len() as u64);
    assert!(
        merged.values.to_logged().expect("it was read") == histogram,
        "other values came back"
    );
}
