// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{Column, Table};
use crate::data::loss::{Cause, Lost};
use crate::event::Value;
use crate::output::Format;
use crate::output::sample::{FRAMES, Random, Sample, Samples, Stack, clock, columns, written};
use crate::output::table::Cell;
use crate::text::stamp::Stamp;

fn table(events: &[Sample<'_>]) -> String {
    let all = written(Format::Table, |writer| {
        for event in events {
            writer.event(event).unwrap();
        }
    });
    String::from_utf8(all).expect("a table is UTF-8")
}

fn row(comm: &str, path: &str) -> String {
    table(&[Sample {
        pid: 42,
        comm: comm.as_bytes(),
        path: Some(path.as_bytes()),
        ..Sample::default()
    }])
}

fn cell(show: fn(&Sample<'_>, &mut Cell<'_>)) -> String {
    let only = Column::<Samples>::left("", 6, show);
    let bar = Column::left("", 0, |_, cell| cell.text("|"));
    let mut out = Vec::new();
    let table = Table::new(vec![only, bar], false);
    table.event(&mut out, &mut Stamp::new(clock()), &Sample::default());
    String::from_utf8(out).unwrap().replace('\n', "")
}

#[test]
fn columns_are_padded_and_never_cut() {
    let all = written(Format::Table, |writer| {
        writer.header().unwrap();
        for pid in [7, 1_234_567] {
            let event = Sample {
                pid,
                ret: -2,
                comm: if pid == 7 { b"sh" } else { b"long-name" },
                path: Some(b"/tmp"),
                ..Sample::default()
            };
            writer.event(&event).unwrap();
        }
    });
    let expected = "\
COMM        PID RET     PATH
sh            7 -ENOENT /tmp
long-name 1234567 -ENOENT /tmp
";
    assert_eq!(String::from_utf8(all).unwrap(), expected);
}

#[test]
fn width_is_what_a_terminal_shows() {
    assert_eq!(row("sh", "/"), "sh           42 0       /\n");
    assert_eq!(row("né", "/"), "né           42 0       /\n");
    assert_eq!(row("漢字", "/"), "漢字         42 0       /\n");
    assert_eq!(row("e\u{301}", "/"), "e\u{301}            42 0       /\n");
    assert_eq!(row("\u{1b}a", "/"), "\\x1ba        42 0       /\n");
}

#[test]
fn no_name_makes_a_line_or_a_control() {
    let mut random = Random(0x7ab1e);
    let values: Vec<Vec<u8>> = (0..20_000).map(|_| random.bytes()).collect();
    let events: Vec<Sample<'_>> = values
        .iter()
        .map(|value| Sample {
            comm: value,
            path: Some(value),
            ..Sample::default()
        })
        .collect();
    let all = table(&events);
    assert_eq!(all.lines().count(), events.len());
    assert!(!all.replace('\n', "").contains(char::is_control));
    assert!(!all.contains(['\u{202e}', '\u{feff}', '…']));
}

#[test]
fn a_gap_cannot_be_forged() {
    let gap = written(Format::Table, |writer| {
        writer
            .lost(&Lost {
                time_ns: None,
                count: 5,
                cause: Cause::InflightFull,
            })
            .unwrap();
    });
    assert_eq!(gap, b"(lost 5: in-flight map full)\n");
    let forged = row("(lost 5: buffer full)", "");
    assert_eq!(forged, "\\x28lost 5: buffer full)     42 0       \n");
    assert_eq!(row("(sd-pam)", "")[..8], *"(sd-pam)");
}

#[test]
fn a_terminal_gets_bold_and_red() {
    let table = Table::new(columns(), true);
    let mut stamp = Stamp::new(clock());
    let mut out = Vec::new();
    table.header(&mut out, &mut stamp);
    let mut event = Sample::default();
    table.event(&mut out, &mut stamp, &event);
    event.ret = -1;
    event.comm = b"(lost 1: ";
    table.event(&mut out, &mut stamp, &event);
    let expected = "\u{1b}[1mCOMM        PID RET     PATH\u{1b}[0m\n\
        \u{20}             0 0       \n\
        \u{1b}[31m\\x28lost 1:       0 -EPERM  \u{1b}[0m\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn cells_show_every_kind_of_value() {
    assert_eq!(
        cell(|_, cell| cell.u64(u64::MAX)),
        format!("{} |", u64::MAX)
    );
    assert_eq!(cell(|_, cell| cell.i64(-12)), "-12    |");
    assert_eq!(cell(|_, cell| cell.octal(0o644)), "0644   |");
    assert_eq!(cell(|_, cell| cell.octal(0)), "0      |");
    let most = format!("0{:o} |", u64::MAX);
    assert_eq!(cell(|_, cell| cell.octal(u64::MAX)), most);
    assert_eq!(cell(|_, cell| cell.signed_errno(3)), "3      |");
    assert_eq!(cell(|_, cell| cell.signed_errno(-13)), "-EACCES |");
    assert_eq!(cell(|_, cell| cell.signed_errno(-41)), "-41    |");
    let least = format!("{} |", i64::MIN);
    assert_eq!(cell(|_, cell| cell.signed_errno(i64::MIN)), least);
    assert_eq!(cell(|_, cell| cell.quoted(b"a")), "\"a\"    |");
    let time = cell(|_, cell| cell.time(1_000));
    assert_eq!(time, "16:23:08.000001 |");
    assert_eq!(cell(|_, cell| cell.elapsed(0)), "0.000000 |");
    let arguments = cell(|_, cell| {
        cell.argument(b"a");
        cell.space();
        cell.argument(b"");
        cell.cut();
    });
    assert_eq!(arguments, "a \"\"…  |");
}

#[test]
fn values_at_the_right_may_have_several_parts() {
    type Show = fn(&Sample<'_>, &mut Cell<'_>);
    let shows: [(Show, &str); 7] = [
        (|_, cell| cell.u64(12), "    12\n"),
        (|_, cell| cell.u64(1_234_567), "1234567\n"),
        (|_, _| {}, "      \n"),
        (|_, cell| cell.bytes("漢".as_bytes()), "    漢\n"),
        (|_, cell| cell.elapsed(0), "0.000000\n"),
        (
            |_, cell| {
                cell.u64(12);
                cell.text("ms");
            },
            "  12ms\n",
        ),
        (
            |_, cell| {
                cell.cut();
                cell.u64(1_234_567);
            },
            "…1234567\n",
        ),
    ];
    for (show, expected) in shows {
        // The same in the last column as before another.
        for columns in 1..=2 {
            let column = Column::<Samples>::right("", 6, show);
            let table = Table::new(vec![column; columns], false);
            let mut out = Vec::new();
            table.event(&mut out, &mut Stamp::new(clock()), &Sample::default());
            let value = expected.trim_end_matches('\n');
            let row = vec![value; columns].join(" ") + "\n";
            assert_eq!(String::from_utf8(out).unwrap(), row);
        }
    }
}

#[test]
fn frames_stand_below_their_row() {
    let only = Column::<Samples>::left("", 6, |event, cell| {
        cell.bytes(event.comm);
        Stack(FRAMES).show(cell);
    });
    let event = Sample {
        comm: b"sh",
        ..Sample::default()
    };
    let mut out = Vec::new();
    Table::new(vec![only], false).event(&mut out, &mut Stamp::new(clock()), &event);
    let expected = concat!(
        "sh\n",
        "        0x1234 \"f(int, int)\"+0x4 \"/a \\xff\\n\"\n",
        "        0xffffffffffffffff … …\n",
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
