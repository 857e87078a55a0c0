// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::data::loss::{Cause, Lost};
use crate::event::{ErrorName, Event, Moment};
use crate::output::Format;
use crate::output::escape::unescape_cell;
use crate::output::sample::{Args, FRAMES, Random, Sample, Stack, written};

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
        time: Moment { boot_ns: 1 },
        pid: 1,
        ret: -1,
        comm: b"a,b\n",
        path: None,
        args: Some(Args(&[
            Some(b"two words"),
            Some(b""),
            None,
            Some("…".as_bytes()),
            Some(b"-x"),
        ])),
        cut: true,
        error: Some(ErrorName(1)),
        fd: Some(-1),
        frames: Some(Stack(FRAMES)),
        ..Sample::default()
    };
    let expected = concat!(
        "time,pid,ret,comm,path,args,cut,flags,error,uid,fd,frames\n",
        r#"2026-11-22T15:23:08.000000001Z,1,-1,"a,b\n",,"""two words"" """" … \xe2\x80\xa6 -x",true,"#,
        r#"O_RDWR|O_CREAT,EPERM,,-1,"0x1234 ""f(int, int)""+0x4 ""/a \xff\n"" | 0xffffffffffffffff … …""#,
        "\n",
    );
    assert_eq!(String::from_utf8(csv(&[event])).unwrap(), expected);
}

#[test]
fn a_spreadsheet_runs_no_cell_and_each_comes_back() {
    for (name, expected) in [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1,2)", "\"'@SUM(1,2)\""),
        ("'=1", "''=1"),
        ("'", "''"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("\t=1", r"\t=1"),
        ("\r=1", r"\x0d=1"),
        ("a;=1", r"a\x3b=1"),
        ("\"=1", "\"\"\"=1\""),
        ("a=b", "a=b"),
        (" plain", " plain"),
    ] {
        let event = Sample {
            comm: name.as_bytes(),
            ret: -1,
            ..Sample::default()
        };
        let all = csv(&[event]);
        let line = String::from_utf8(all.clone()).unwrap();
        let row = line.lines().nth(1).unwrap();
        // The number that stands before it is one.
        assert!(row.contains(&format!(",-1,{expected},")), "{name}: {row}");
        let mut reader = csv::Reader::from_reader(&all[..]);
        let record = reader.byte_records().next().unwrap().unwrap();
        let back = unescape_cell(&record[3]);
        assert_eq!(back.as_deref(), Some(name.as_bytes()), "{row}");
    }
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
    let names: Vec<_> = Sample::FIELDS.iter().map(|field| field.name).collect();
    assert_eq!(reader.byte_headers().unwrap(), names);
    let mut records = 0;
    for (record, event) in reader.byte_records().zip(&events) {
        let record = record.unwrap();
        assert_eq!(unescape_cell(&record[3]).as_deref(), Some(event.comm));
        assert_eq!(unescape_cell(&record[4]).as_deref(), event.path);
        records += 1;
    }
    assert_eq!(records, events.len());
}
