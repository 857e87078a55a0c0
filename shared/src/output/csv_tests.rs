// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::event::Event;
use crate::loss::{Cause, Lost};
use crate::output::Format;
use crate::output::escape::unescape;
use crate::output::sample::{FRAMES, Random, Sample, written};

fn csv(events: &[Sample<'_>]) -> Vec<u8> {
    written(Format::Csv, |writer| {
        writer.header().unwrap();
        for event in events {
            writer.event(event).unwrap();
        }
    })
}

#[test]
fn every_kind_of_field() {
    let event = Sample {
        time_ns: 1,
        pid: 1,
        returned: -1,
        comm: b"a,b\n",
        path: None,
        args: Some(&[b"two words", b"", b"-x"]),
        frames: Some(FRAMES),
    };
    let expected = concat!(
        "time,pid,ret,comm,path,args,cut,flags,error,uid,fd,frames\n",
        r#"2026-11-22T15:23:08.000000001Z,1,-1,"a,b\n",,"""two words"" """" -x",true,"#,
        r#"O_RDWR|O_CREAT,EPERM,,-1,"0x1234 ""f(int, int)""+0x4 ""/a \xff\n"" | 0xffffffffffffffff … …""#,
        "\n",
    );
    assert_eq!(String::from_utf8(csv(&[event])).unwrap(), expected);
}

#[test]
fn losses_have_no_place() {
    let all = written(Format::Csv, |writer| {
        writer
            .lost(&Lost {
                time_ns: None,
                count: 1,
                cause: Cause::BufferFull,
            })
            .unwrap();
    });
    assert_eq!(all, b"");
}

#[test]
fn random_bytes_come_back() {
    let mut random = Random(0xc5f);
    let values: Vec<Vec<u8>> = (0..20_000).map(|_| random.bytes()).collect();
    let events: Vec<Sample<'_>> = values
        .iter()
        .map(|value| Sample {
            comm: value,
            path: Some(value),
            ..Sample::default()
        })
        .collect();
    let all = csv(&events);
    assert_eq!(memchr::memchr_iter(b'\n', &all).count(), events.len() + 1);
    let mut reader = csv::Reader::from_reader(&all[..]);
    assert_eq!(reader.byte_headers().unwrap(), Sample::FIELDS);
    let mut records = 0;
    for (record, event) in reader.byte_records().zip(&events) {
        let record = record.unwrap();
        assert_eq!(unescape(&record[3]).as_deref(), Some(event.comm));
        assert_eq!(unescape(&record[4]).as_deref(), event.path);
        records += 1;
    }
    assert_eq!(records, events.len());
}
