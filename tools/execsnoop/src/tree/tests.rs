// SPDX-License-Identifier: MIT OR Apache-2.0

use tracewell_shared::event::{Event as _, Nanos};
use tracewell_shared::run::gathered::{Ended, Gathered};

use super::{Began, Program, Tree};
use crate::skel::types::step_event;
use crate::step::Step;

const FORK: u32 = 512;
const EXIT: u32 = 1024;

/// The record of a step of the process that has this number and was made then.
fn record(detail: u32, time: u64, (pid, start): (u32, u64), ppid: u32, tail: &[u8]) -> Vec<u8> {
    let mut event = step_event::default();
    event.exec.head.time_ns = time;
    event.exec.head.pid = pid;
    event.exec.head.tid = pid;
    event.exec.head.comm[0] = b'c' as _;
    event.exec.start_ns = start;
    event.exec.ppid = ppid;
    event.exec.detail = detail;
    event.end.status = 3 << 8;
    event.end.cpu_known = 1;
    event.end.cpu_ns = 7;
    let whole = |event: &step_event| {
        // SAFETY: integers and arrays of integers, without padding that is not a field.
        unsafe { plain::as_bytes(event) }.to_vec()
    };
    if detail == EXIT {
        return whole(&event);
    }
    event.exec.args_bytes = tail.len() as u32;
    let mut bytes = whole(&event);
    bytes.truncate(size_of_val(&event.exec));
    bytes.extend_from_slice(tail);
    bytes
}

fn fork(time: u64, pid: u32, ppid: u32) -> Vec<u8> {
    record(FORK, time, (pid, time), ppid, b"")
}

fn exec(time: u64, process: (u32, u64), ppid: u32, name: &str) -> Vec<u8> {
    record(0, time, process, ppid, format!("{name}\0").as_bytes())
}

fn exit(time: u64, process: (u32, u64), ppid: u32) -> Vec<u8> {
    record(EXIT, time, process, ppid, b"")
}

/// A tree of a trace from 100 to 1,000.
fn tree(records: &[Vec<u8>], complete: bool) -> Tree {
    let mut tree = Tree::new(5, usize::MAX);
    for record in records {
        tree.add(&Step::decode(record, usize::MAX).unwrap());
    }
    tree.end(Ended {
        begun_ns: 100,
        ended_ns: 1000,
        complete,
    });
    tree
}

/// The rows as lines: what leads to each, the program, and how it ended.
fn lines(tree: &Tree, passes: impl Fn(&Program<'_>) -> bool) -> Vec<String> {
    let rows = tree.rows();
    let passes: Vec<_> = rows.iter().map(passes).collect();
    let line = |row: &Program<'_>| {
        let args = row.args.get().map(|args| {
            let args = args.flatten().map(String::from_utf8_lossy);
            args.collect::<Vec<_>>().join(" ")
        });
        format!("{}{} {:?}", row.lead, args.unwrap_or_default(), row.ended)
    };
    tree.arrange(rows, &passes).iter().map(line).collect()
}

/// A shell that was there before; a child of it that runs two programs, and has a child of its own from each.
fn family() -> Vec<Vec<u8>> {
    vec![
        exec(110, (10, 50), 1, "sh"),
        fork(120, 11, 10),
        exec(130, (11, 120), 10, "env"),
        fork(140, 12, 11),
        exit(150, (12, 140), 11),
        exec(160, (11, 120), 10, "make"),
        fork(170, 13, 11),
        exec(175, (13, 170), 11, "cc"),
        exit(180, (13, 170), 11),
        exit(190, (11, 120), 10),
    ]
}

const FAMILY: [&str; 5] = [
    "sh Running",
    "├─ env Exec",
    "│  └─  Exit",
    "└─ make Exit",
    "   └─ cc Exit",
];

#[test]
fn what_ran_below_what_is_the_same_in_any_order() {
    let mut records = family();
    for _ in 0..records.len() {
        records.rotate_left(1);
        assert_eq!(lines(&tree(&records, true), |_| true), FAMILY);
    }
    records.reverse();
    assert_eq!(lines(&tree(&records, true), |_| true), FAMILY);
}

#[test]
fn times_and_ends_are_those_of_the_steps() {
    let records = family();
    let tree = tree(&records, true);
    let rows = tree.rows();
    let [sh, env, child, make, cc] = &rows[..] else {
        panic!("{rows:?}");
    };
    let times = |row: &Program<'_>| (row.began, row.time.boot_ns, row.duration_ns);
    assert_eq!(times(sh), (Began::Exec, 110, Some(Nanos(890))));
    assert_eq!(times(env), (Began::Fork, 120, Some(Nanos(40))));
    assert_eq!(env.exec_after_ns, Some(Nanos(10)));
    assert_eq!(times(child), (Began::Fork, 140, Some(Nanos(10))));
    assert_eq!(times(make), (Began::Exec, 160, Some(Nanos(30))));
    assert_eq!(make.ending.exit_code, Some(3));
    assert_eq!(env.ending.exit_code, None);
    assert_eq!(cc.cpu.user_ns, Some(Nanos(7)));
    assert_eq!(cc.depth, 2);
    assert!(cc.failed() && !sh.failed());
}

#[test]
fn what_was_lost_is_not_guessed() {
    // Without its end, a process of an incomplete trace may have ended.
    let open = [fork(120, 11, 10), exec(130, (11, 120), 10, "a")];
    assert_eq!(lines(&tree(&open, true), |_| true), ["a Running"]);
    let unknown = tree(&open, false);
    assert_eq!(lines(&unknown, |_| true), ["a Unknown"]);
    assert_eq!(unknown.rows()[0].duration_ns, None);
    // Without its beginning.
    let began = |start| tree(&[exit(500, (11, start), 1)], false).rows()[0].began;
    assert_eq!((began(90), began(120)), (Began::Before, Began::Unseen));
}

#[test]
fn a_number_that_is_given_again_is_another_process() {
    let records = [
        fork(120, 11, 10),
        exec(130, (11, 120), 10, "old"),
        exit(140, (11, 120), 10),
        fork(200, 11, 10),
        // Of the second one, whose own fork and end may be lost.
        fork(210, 12, 11),
        exec(220, (12, 210), 11, "child"),
    ];
    let all = ["old Exit", " Running", "└─ child Running"];
    assert_eq!(lines(&tree(&records, true), |_| true), all);
    let lost: Vec<_> = [0, 1, 2, 4, 5].map(|index| records[index].clone()).into();
    let all = ["old Exit", "child Unknown"];
    assert_eq!(lines(&tree(&lost, false), |_| true), all);
}

#[test]
fn rows_that_are_picked_come_with_those_above_them() {
    let records = family();
    let tree = tree(&records, true);
    let picks = |name: &'static [u8]| {
        lines(&tree, move |row| {
            let mut args = row.args.get().into_iter().flatten().flatten();
            args.any(|arg| arg == name)
        })
    };
    assert_eq!(
        picks(b"cc"),
        ["sh Running", "└─ make Exit", "   └─ cc Exit"]
    );
    assert_eq!(picks(b"env"), ["sh Running", "└─ env Exec"]);
    assert!(picks(b"nothing").is_empty());
}

#[test]
fn what_has_no_room_is_counted() {
    let mut records: Vec<_> = (0..5)
        .map(|pid| fork(120 + pid, 20 + pid as u32, 10))
        .collect();
    assert_eq!(tree(&records, true).without_room(), 0);
    records.extend([
        fork(130, 30, 10),
        exit(140, (30, 130), 10),
        exit(141, (20, 120), 10),
    ]);
    let full = tree(&records, false);
    assert_eq!((full.without_room(), full.rows().len()), (2, 5));
}

#[test]
fn no_parents_make_a_circle() {
    let records = [
        exec(110, (10, 50), 11, "a"),
        exec(110, (11, 50), 10, "b"),
        exec(110, (12, 50), 12, "c"),
    ];
    assert_eq!(tree(&records, true).rows().len(), 3);
}

#[test]
fn a_document_has_a_slice_for_each_program() {
    let records = family();
    let tree = tree(&records, true);
    let rows = tree.rows();
    let passes = vec![true; rows.len()];
    let rows = tree.arrange(rows, &passes);
    let mut document = Vec::new();
    let mut write = |piece: &[u8]| {
        document.extend_from_slice(piece);
        Ok(())
    };
    tree.document(&rows, &mut write).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    let events = document["traceEvents"].as_array().unwrap();
    let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase).count();
    assert_eq!((of("X"), of("s"), of("f")), (5, 3, 3));
    // Two for each process.
    assert_eq!(of("M"), 8);
    let make = events
        .iter()
        .find(|event| event["args"]["args"][0] == "make");
    let make = make.unwrap();
    assert_eq!(
        (make["ts"].as_f64(), make["dur"].as_f64()),
        (Some(0.06), Some(0.03))
    );
    // An arrow begins within the slice of the parent that forked.
    let arrows: Vec<_> = events.iter().filter(|event| event["ph"] == "s").collect();
    assert_eq!(arrows[2]["pid"], 11);
}
