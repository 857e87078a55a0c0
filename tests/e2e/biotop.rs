// SPDX-License-Identifier: MIT OR Apache-2.0
//! biotop counts every request once, for who submitted it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread::scope;

use serde_json::Value;
use tracewell_tests::{Finished, Tool, note, scratch};

use crate::biolatency::reader;
use crate::cgroups::Cgroup;
use crate::disk::{BLOCK, Disk};
use crate::schema::check_all;
use crate::storms::{guest, scaled};

/// Requests of one disk only.
pub(crate) fn of(disk: &Disk) -> Tool {
    Tool::new("biotop").args(["--disk", disk.name()])
}

/// The sum of a field over the rows that `wanted` picks.
pub(crate) fn sum(finished: &Finished, field: &str, wanted: impl Fn(&Value) -> bool) -> u64 {
    let rows = finished.events("row");
    let values = rows.iter().filter(|row| wanted(row));
    values.map(|row| row[field].as_u64().unwrap()).sum()
}

/// Everything that was made is counted or told as lost, in the rows and in the summary alike.
fn adds_up(finished: &Finished, made: u64) {
    check_all(finished);
    let seen = finished.summary()["events"].as_u64().unwrap();
    assert_eq!(sum(finished, "count", |_| true), seen);
    finished.adds_up(seen, made);
}

#[test]
fn every_request_is_counted_once_with_its_bytes() {
    let disk = Disk::new();
    let tool = of(&disk).json().arg("60").start();
    let before = disk.stat();
    let direct = disk.open();
    direct.read(2_000);
    direct.write(500);
    direct.flush(7);
    let finished = tool.finish().success();
    let after = disk.stat();
    adds_up(&finished, 2_507);
    let lost = finished.summary()["lost"].as_u64().unwrap();
    for (op, made, each) in [
        ("read", 2_000, BLOCK),
        ("write", 500, BLOCK),
        ("flush", 7, 0),
    ] {
        let is_op = |row: &Value| row["op"] == op;
        let count = sum(&finished, "count", is_op);
        assert!(
            count <= made && count + lost >= made,
            "{op}: {count} of {made}, {lost} lost"
        );
        assert_eq!(sum(&finished, "bytes", is_op), count * each as u64, "{op}");
        assert!(sum(&finished, "took_ns", is_op) > 0, "{op}");
    }
    for row in finished.events("row") {
        assert_eq!(row["disk"], disk.name());
        assert_eq!(row["other"], false);
        let numbers = fs::read_to_string(format!("/sys/block/{}/dev", disk.name())).unwrap();
        let told = format!("{}:{}", row["major"], row["minor"]);
        assert_eq!(told, numbers.trim_end());
        // A flush is made by the block layer, in whichever task has it go on.
        if row["op"] != "flush" {
            assert_eq!(row["pid"], std::process::id());
        }
    }
    // The kernel's own count of what a user sees.
    assert_eq!(after.reads - before.reads, 2_000);
    assert_eq!(after.flushes - before.flushes, 7);
}

/// No byte of a discard is written.
#[test]
fn a_discard_is_no_write() {
    let disk = Disk::new();
    let tool = of(&disk).json().arg("60").start();
    if !disk.open().discard(256) {
        note("without discards: the disk has none");
        return;
    }
    let finished = tool.finish().success();
    let rows = finished.events("row");
    assert!(rows.iter().all(|row| row["op"] == "discard"), "{rows:?}");
    assert_eq!(sum(&finished, "bytes", |_| true), 256 * BLOCK as u64);
}

/// In whichever interval it ended; and what makes requests from several threads is one process.
#[test]
fn every_interval_has_its_own() {
    let disk = Disk::new();
    let tool = of(&disk).json().arg("0.02").start();
    let mut made = 0;
    let rows = |printed: &[u8]| printed.iter().filter(|byte| **byte == b'\n').count();
    for wanted in 1..6 {
        scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| disk.open().read(scaled(100)));
            }
        });
        made += 4 * scaled(100);
        tool.stdout_until(|printed| rows(printed) >= wanted);
    }
    let finished = tool.finish().success();
    adds_up(&finished, made);
    let is_own = |row: &Value| row["pid"] == std::process::id();
    assert_eq!(sum(&finished, "count", |row| !is_own(row)), 0);
}

#[test]
fn a_process_has_its_name_whatever_it_is() {
    if guest() {
        // busybox there does not run by another name.
        return;
    }
    let disk = Disk::new();
    let directory = scratch();
    let program = directory.path().join("a\nb \x1b[1m");
    fs::copy("/bin/dd", &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut words = reader(&disk, 300);
    words[0] = program.to_str().unwrap().to_owned();
    let finished = of(&disk)
        .json()
        .args(["60", "--"])
        .args(&words)
        .run()
        .success();
    adds_up(&finished, 300);
    let rows = finished.events("row");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["comm"], "a\nb \x1b[1m");
    let shown = of(&disk)
        .args(["-C", "60", "--"])
        .args(&words)
        .run()
        .success();
    let text = shown.text();
    let row = text.lines().find(|line| line.contains("300")).unwrap();
    assert!(row.contains(r"a\nb\x20\x1b[1m  R "), "{text}");
}

/// A key of an interval leaves its room to the next one's, and what finds none is counted nevertheless.
#[test]
fn what_finds_no_room_is_counted_as_other() {
    let disk = Disk::new();
    let direct = disk.open();
    let tool = of(&disk).json().args(["--room", "1", "60"]).start();
    direct.read(100);
    direct.write(100);
    let finished = tool.finish().success();
    adds_up(&finished, 200);
    let others = sum(&finished, "count", |row| row["other"] == true);
    assert!((1..=100).contains(&others), "{others}");
    for row in finished.events("row") {
        let other = row["other"] == true;
        for field in ["pid", "comm", "op", "disk", "major", "minor"] {
            assert_eq!(row[field].is_null(), other, "{row}");
        }
    }
}

#[test]
fn a_command_s_own_requests_and_a_cgroup_s() {
    let disk = Disk::new();
    scope(|scope| {
        // Somebody else, meanwhile.
        scope.spawn(|| disk.open().read(scaled(1_000)));
        let tool = of(&disk).json().args(["60", "--"]).args(reader(&disk, 300));
        adds_up(&tool.run().success(), 300);
    });
    if guest() {
        // The line below is for dd.
        return;
    }
    let cgroup = Cgroup::new();
    let path = cgroup.path().to_str().unwrap().to_owned();
    let tool = of(&disk).json().args(["-c", &path, "60"]).start();
    disk.open().read(50);
    let line = reader(&disk, 200).join(" ");
    let line = format!("echo $$ >{path}/cgroup.procs; exec {line}");
    let status = Command::new("sh").args(["-c", &line]).status();
    assert!(status.unwrap().success());
    adds_up(&tool.finish().success(), 200);
}

/// What BCC's has: the columns, their order, and names of what to sort by; and the largest come first.
#[test]
fn the_table_is_bcc_s() {
    let disk = Disk::new();
    let table = |args: &[&str]| {
        let tool = of(&disk).args(["-C", "60"]).args(args).start();
        let direct = disk.open();
        direct.read(100);
        direct.write(300);
        tool.finish().success().text().to_owned()
    };
    let text = table(&[]);
    let mut lines = text.lines().skip_while(|line| !line.starts_with("PID"));
    let titles: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(
        titles,
        [
            "PID", "COMM", "D", "MAJ", "MIN", "DISK", "I/O", "Kbytes", "AVGms"
        ]
    );
    let row: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!((row[2], row[6], row[7]), ("W", "300", "1200"), "{text}");
    for sort in ["all", "io", "time", "bytes", "count", "took_ns"] {
        let text = table(&["-s", sort, "-r", "1"]);
        let shown = text.lines().skip_while(|line| !line.starts_with("PID"));
        assert_eq!(shown.count(), 2, "{text}");
    }
    let said = Tool::new("biotop").unforced().args(["-s", "size"]).run();
    let said = said.ended_with(2).stderr;
    assert!(
        said.contains("there is no such field") && said.contains("took_ns"),
        "{said}"
    );
    for args in [
        &["0"][..],
        &["-C", "--clear"],
        &["-r", "0"],
        &["-d", "/dev/null"],
    ] {
        let refused = Tool::new("biotop").unforced().args(args).run();
        assert_eq!(refused.code(), Some(2), "{}", refused.stderr);
    }
}
