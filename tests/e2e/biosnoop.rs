// SPDX-License-Identifier: MIT OR Apache-2.0
//! biosnoop tells of every request once, with who submitted it and what became of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::Command;
use std::thread::scope;
use std::time::Instant;

use serde_json::{Value, json};
use tracewell_tests::{Finished, Tool, note};

use crate::accounts::THREADS;
use crate::biolatency::reader;
use crate::biolatency_picks::{IDENTIFY, UNKNOWN, command};
use crate::cgroups::Cgroup;
use crate::disk::{BLOCK, Disk};
use crate::schema::check_all;
use crate::storms::{guest, scaled};

/// The bytes of a sector.
const SECTOR: u64 = 512;

/// Requests of one disk only.
pub(crate) fn of(disk: &Disk) -> Tool {
    Tool::new("biosnoop").args(["--disk", disk.name()])
}

/// Everything that was made is told or lost. Gives what was told.
fn adds_up(finished: &Finished, made: u64) -> Vec<Value> {
    check_all(finished);
    let events = finished.events("request");
    assert_eq!(finished.summary()["events"], events.len());
    finished.adds_up(events.len() as u64, made);
    events
}

fn number(event: &Value, field: &str) -> u64 {
    let value = event[field].as_u64();
    value.unwrap_or_else(|| panic!("{field} of {event}"))
}

/// Of each operation as many as were made, with its place, its bytes, its disk, its submitter and its times.
#[test]
fn every_request_is_told_once() {
    let disk = Disk::new();
    // In its queue each request waits.
    let waits = disk.schedule("mq-deadline");
    let began = Instant::now();
    let tool = of(&disk).json().arg("-P").start();
    let before = disk.stat();
    let direct = disk.open();
    direct.read(500);
    direct.write(200);
    direct.flush(7);
    let discards = direct.discard(256);
    let finished = tool.finish().success();
    let all_ns = u64::try_from(began.elapsed().as_nanos()).unwrap();
    let after = disk.stat();
    let events = adds_up(&finished, 707 + u64::from(discards));
    let lost = number(&finished.summary(), "lost");
    let numbers = fs::read_to_string(format!("/sys/block/{}/dev", disk.name())).unwrap();
    let mut blocks = BTreeMap::from([("read", 0), ("write", 0)]);
    let mut patterns = BTreeMap::<String, u64>::new();
    for event in &events {
        assert_eq!(event["disk"], disk.name());
        assert_eq!(
            format!("{}:{}", event["major"], event["minor"]),
            numbers.trim_end()
        );
        assert_eq!(
            (number(event, "merged"), number(event, "requeued")),
            (0, 0),
            "{event}"
        );
        assert_eq!(
            (&event["status"], &event["error"]),
            (&Value::Null, &Value::Null)
        );
        let took_ns = number(event, "duration_ns");
        let queued_ns = event["queued_ns"].as_u64();
        assert!(
            took_ns > 0 && took_ns + queued_ns.unwrap_or(0) < all_ns,
            "{event}"
        );
        // A flush is made by the block layer, in whichever task has it go on, and stands in no queue.
        let op = event["op"].as_str().unwrap();
        if op == "flush" {
            assert_eq!(
                (&event["sector"], &event["bytes"]),
                (&Value::Null, &json!(0))
            );
            continue;
        }
        assert_eq!(event["pid"], std::process::id());
        assert!(queued_ns.is_some() || !waits, "{event}");
        let expected = blocks.get_mut(op);
        let Some(expected) = expected else {
            assert_eq!(
                (op, number(event, "bytes")),
                ("discard", 256 * BLOCK as u64)
            );
            continue;
        };
        assert_eq!(number(event, "bytes"), BLOCK as u64);
        let block = number(event, "sector") * SECTOR / BLOCK as u64;
        // One waited for the other: they ended in the order in which they were made, on whichever CPU.
        if lost == 0 && !guest() {
            assert_eq!(block, *expected, "{event}");
        }
        *expected += 1;
        let pattern = event["pattern"].as_str().unwrap_or("first");
        *patterns.entry(pattern.to_owned()).or_default() += 1;
    }
    if lost == 0 {
        // The first write goes back to the beginning. The disk may have been read to know its partitions.
        assert_eq!((blocks["read"], blocks["write"]), (500, 200));
        assert_eq!(patterns["sequential"], 698, "{patterns:?}");
    }
    // The kernel's own count of what a user sees.
    assert_eq!(
        (after.reads - before.reads, after.flushes - before.flushes),
        (500, 7)
    );
}

/// An error has its name, and a part of a request that is asked for again is no request of its own.
#[test]
fn what_fails_is_told_with_its_error() {
    let cut = 2 * BLOCK as u64 + BLOCK as u64 / 2;
    let Some(disk) = Disk::cut_off(cut) else {
        return;
    };
    for only in [None, Some("-x"), Some("--successes")] {
        let tool = of(&disk).json().args(only).start();
        let direct = disk.open();
        let results = [0, 2, 3].map(|block| direct.read_block(block).is_ok());
        if results == [true; 3] {
            note("this kernel's loop devices have zeros behind the end of their files");
            return;
        }
        assert_eq!(results, [true, false, false]);
        let finished = tool.finish().success();
        let expected: &[u64] = match only {
            None => &[0, 2, 3],
            Some("-x") => &[2, 3],
            Some(_) => &[0],
        };
        let events = adds_up(&finished, expected.len() as u64);
        for (event, block) in events.iter().zip(expected) {
            assert_eq!(number(event, "sector"), block * BLOCK as u64 / SECTOR);
            let failed = *block > 0;
            let error = if failed { json!("EIO") } else { Value::Null };
            assert_eq!(event["error"], error, "{event}");
            assert!(
                event["status"].is_null() || (failed && event["status"] == 10),
                "{event}"
            );
            // The driver gives what the file has of the block, and has the rest asked for again.
            assert_eq!(number(event, "requeued"), u64::from(*block == 2), "{event}");
            assert_eq!(number(event, "bytes"), BLOCK as u64);
        }
    }
}

/// Those are at no place of any disk.
#[test]
fn commands_to_a_controller_may_fail() {
    let Ok(controller) = fs::File::open("/dev/nvme0") else {
        note("not tried: this machine has no NVMe controller");
        return;
    };
    let tool = Tool::new("biosnoop")
        .args(["--disk", "no-disk"])
        .json()
        .start();
    assert!(command(&controller, IDENTIFY));
    assert!(!command(&controller, UNKNOWN));
    let events = adds_up(&tool.finish().success(), 2);
    for (event, error) in events.iter().zip([Value::Null, json!("EOPNOTSUPP")]) {
        assert_eq!(event["error"], error, "{event}");
        assert_eq!(
            (&event["disk"], &event["pid"]),
            (&json!("no-disk"), &json!(std::process::id()))
        );
        for field in ["major", "minor", "sector"] {
            assert!(event[field].is_null(), "{event}");
        }
    }
}

/// The kernel's own count of what was merged, and every byte.
#[test]
fn what_is_merged_is_counted() {
    let disk = Disk::new();
    disk.set("nomerges", "0");
    let tool = of(&disk).json().start();
    let before = disk.stat();
    let mut buffered = fs::File::options()
        .read(true)
        .write(true)
        .open(disk.device())
        .unwrap();
    buffered.write_all(&[3; 64 * BLOCK]).unwrap();
    buffered.sync_data().unwrap();
    let after = disk.stat();
    let finished = tool.finish().success();
    disk.set("nomerges", "2");
    let events = finished.events("request");
    let writes = events.iter().filter(|event| event["op"] == "write");
    let (merged, bytes) = writes.fold((0, 0), |(merged, bytes), event| {
        (
            merged + number(event, "merged"),
            bytes + number(event, "bytes"),
        )
    });
    assert_eq!(finished.summary()["lost"], 0);
    assert_eq!(bytes, 64 * BLOCK as u64, "{events:?}");
    assert_eq!(
        merged,
        after.writes_merged - before.writes_merged,
        "{events:?}"
    );
}

/// Only what is asked for, in the kernel: who, where, and how long it took.
#[test]
fn filters_leave_what_they_say() {
    let disk = Disk::new();
    scope(|scope| {
        // Somebody else, meanwhile.
        scope.spawn(|| disk.open().read(scaled(1_000)));
        let tool = of(&disk).json().arg("--").args(reader(&disk, 300));
        adds_up(&tool.run().success(), 300);
    });
    let own = std::process::id().to_string();
    for (args, made) in [
        // Milliseconds, as BCC has them.
        (&["-m", "3600000"][..], 0),
        (&["-m", "0.000001"], 30),
        (&["-m", "1us", "-p", &own], 30),
        (&["-p", "1"], 0),
        (&["--where", "duration_ns > 1h"], 0),
        (&["--where", "op == 'read' && bytes == 4k"], 30),
    ] {
        let tool = of(&disk).json().args(args).start();
        disk.open().read(30);
        let finished = tool.finish().success();
        adds_up(&finished, made);
    }
    // What others do to a disk counts for what is sequential.
    let tool = of(&disk).json().args(["-P", "-p", &own]).start();
    let direct = disk.open();
    direct.read_block(0).unwrap();
    let words = reader(&disk, 3);
    let status = Command::new(&words[0]).args(&words[1..]).status();
    assert!(status.unwrap().success());
    for block in 1..3 {
        direct.read_block(block).unwrap();
    }
    let events = adds_up(&tool.finish().success(), 3);
    let patterns = events.iter().map(|event| &event["pattern"]);
    let expected = [Value::Null, json!("random"), json!("sequential")];
    assert!(patterns.eq(&expected), "{events:?}");
    if guest() {
        // The line below is for dd.
        return;
    }
    let cgroup = Cgroup::new();
    let path = cgroup.path().to_str().unwrap().to_owned();
    let tool = of(&disk).json().args(["-c", &path]).start();
    disk.open().read(50);
    let line = reader(&disk, 200).join(" ");
    let line = format!("echo $$ >{path}/cgroup.procs; exec {line}");
    let status = Command::new("sh").args(["-c", &line]).status();
    assert!(status.unwrap().success());
    adds_up(&tool.finish().success(), 200);
}

/// What stands behind an event is that of the submitter, and not of whoever runs when the disk answers.
#[test]
fn the_submitter_has_its_names() {
    let disk = Disk::new();
    let words = reader(&disk, 40);
    let tool = of(&disk).json().args(["--names", "--exe", "--ancestors"]);
    let finished = tool.arg("--").args(&words).run().success();
    for event in adds_up(&finished, 40) {
        // A flag of the shell's: the program takes its place.
        assert_eq!(event["ancestors"][0], "biosnoop", "{event}");
        assert_eq!(event["ancestor_pids"][0], event["ppid"]);
        assert!(
            event["cgroup"]
                .as_str()
                .is_some_and(|path| path.starts_with('/')),
            "{event}"
        );
        let exe = event["exe"].as_str().unwrap();
        let expected = if guest() { "/storm" } else { "/dd" };
        assert!(exe.ends_with(expected), "{event}");
    }
}

/// A request that finds no room is lost, and counted; none is told for another's.
#[test]
fn requests_beyond_the_map_are_lost() {
    let disk = Disk::new();
    let tool = of(&disk).json().args(["--inflight", "1"]).start();
    scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| disk.open().read(scaled(400)));
        }
    });
    let finished = tool.finish().success();
    let events = adds_up(&finished, THREADS * scaled(400));
    assert!(finished.summary()["lost_by"]["inflight_full"].as_u64() > Some(0));
    assert!(
        events
            .iter()
            .all(|event| event["pid"] == std::process::id())
    );
}

/// What BCC's has: the columns, their order, and the options.
#[test]
fn the_table_is_bcc_s() {
    let disk = Disk::new();
    let shown = |args: &[&str]| {
        let tool = of(&disk).args(args).start();
        disk.open().write(3);
        tool.finish().success().text().to_owned()
    };
    let titles = |text: &str| {
        text.lines()
            .next()
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let plain = shown(&[]);
    let bcc = ["TIME", "COMM", "PID", "DISK", "T", "SECTOR", "BYTES"];
    assert_eq!(titles(&plain), [&bcc[..], &["LAT(ms)", "ERR"]].concat());
    let last: Vec<_> = plain.lines().last().unwrap().split_whitespace().collect();
    let own = std::process::id().to_string();
    assert_eq!(
        (last[2], last[3], last[5], last[6]),
        (&own[..], disk.name(), "16", "4096")
    );
    assert!(last[4].starts_with('W') && last[4].contains('S'), "{plain}");
    let more = shown(&["-Q", "-P", "-t"]);
    assert_eq!(
        titles(&more),
        [&bcc[..], &["P", "QUE(ms)", "LAT(ms)", "ERR"]].concat()
    );
    // The first may be any; the others follow it.
    let patterns = more
        .lines()
        .skip(2)
        .map(|line| line.split_whitespace().nth(7).unwrap());
    assert_eq!(patterns.collect::<Vec<_>>(), ["S", "S"], "{more}");
    // An idle run ends with the reason.
    for (args, reason) in [
        (&["0.02"][..], "had no request meanwhile"),
        (&["0.02", "-x"], "--failed"),
    ] {
        let idle = of(&disk).args(args).run().success();
        assert_eq!(idle.lines().len(), 1);
        assert!(idle.stderr.contains(reason), "{}", idle.stderr);
    }
    for args in [
        &["0"][..],
        &["-m", "0"],
        &["-m", "a"],
        &["1", "--duration", "1"],
        &["-d", "/dev/null"],
    ] {
        let refused = Tool::new("biosnoop").unforced().args(args).run();
        assert_eq!(refused.code(), Some(2), "{}", refused.stderr);
    }
}
