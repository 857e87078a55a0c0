// SPDX-License-Identifier: MIT OR Apache-2.0
//! HdrHistogram logs: any file is a log or is refused, and what is written is read.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use data_encoding::BASE64;
use nix::sys::memfd::{MFdFlags, memfd_create};
use tracewell_shared::hist::log::{self, Record, Recorder, merge, tag, tag_shown};

use super::escapes::visible;

/// Reads the bytes as a log; of one that is whole, what its records come to can be worked out.
pub(crate) fn any_bytes(bytes: &[u8]) {
    let mut file = File::from(memfd_create(c"log", MFdFlags::MFD_CLOEXEC).expect("memory"));
    file.write_all(bytes).expect("memory takes it");
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    match log::read(&path) {
        Ok(records) => {
            assert!(!records.is_empty());
            for record in &records {
                if let Some(tag) = &record.tag {
                    visible(&tag_shown(tag));
                }
            }
            // More values than can be counted are an error, too.
            drop(merge(records));
        }
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains(path.to_str().expect("a text")), "{said}");
        }
    }
}

/// Reads a log whose histogram is these bytes: as they are, and behind the head of one that is not compressed.
pub(crate) fn any_histogram(bytes: &[u8]) {
    // "V2" of the format, without compression: where a search would otherwise end is only the beginning.
    let plain = 0x1c84_9303_u32.to_be_bytes();
    for histogram in [bytes.to_vec(), [&plain, bytes].concat()] {
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
    let written = Record {
        tag: (!tag_bytes.is_empty()).then(|| tag(tag_bytes)),
        start,
        length,
        histogram,
    };
    let mut recorder = Recorder::create(&path, start).expect("a file");
    recorder.add(&written).expect("a record");
    recorder.flush().expect("a file");
    let read = log::read(&path).expect("a log");
    let [read] = read.as_slice() else {
        panic!("{} records", read.len());
    };
    assert_eq!(read.tag, written.tag);
    // To the millisecond, as the format has it.
    let close = |one: Duration, other: Duration| one.abs_diff(other) <= Duration::from_millis(1);
    assert!(
        close(read.start, start) && close(read.length, length),
        "{read:?}"
    );
    assert_eq!(read.histogram.len(), values.len() as u64);
    assert!(
        read.histogram == written.histogram,
        "other values came back"
    );
}
