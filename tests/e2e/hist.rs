// SPDX-License-Identifier: MIT OR Apache-2.0
//! Logs of histograms: what biolatency records, another implementation of the format reads, and the other way round.

mod logs;
mod recordings;
mod shown;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::Uid;
use serde_json::Value;
use tracewell_tests::{Finished, Tool, scratch};

use crate::disk::Disk;
use crate::doctor::answers;

/// The other implementation, which `./setup test` installs.
fn python(program: &str, file: &Path) -> String {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python");
    assert!(
        library.join("hdrh").exists(),
        "{} is absent: run ./setup test",
        library.display()
    );
    let output = Command::new("python3")
        .env("PYTHONPATH", library)
        .args(["-c", program])
        .arg(file)
        .output()
        .expect("python3");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8(output.stdout).unwrap()
}

const READ: &str = r#"
import json, sys
from hdrh.log import HistogramLogReader
from hdrh.histogram import HdrHistogram
new = lambda: HdrHistogram(1, 1 << 43, 3)
reader, all = HistogramLogReader(sys.argv[1], new()), {}
while (one := reader.get_next_interval_histogram()) is not None:
    all.setdefault(one.get_tag(), new()).add(one)
for tag, one in all.items():
    print(json.dumps({"tag": tag, "count": one.get_total_count(), "max": one.get_max_value(),
        **{name: one.get_value_at_percentile(at) for name, at in
            [("p50", 50), ("p90", 90), ("p99", 99), ("p999", 99.9)]}}))
"#;

const WRITE: &str = r#"
import sys
from hdrh.log import HistogramLogWriter
from hdrh.histogram import HdrHistogram
with open(sys.argv[1], "w") as file:
    log = HistogramLogWriter(file)
    log.output_log_format_version()
    log.output_base_time(1700000000000)
    log.output_legend()
    for start in range(3):
        one = HdrHistogram(1, 3600000000000, 2)
        for value in range(1, 1001):
            one.record_value(value * 1000)
        log.output_interval_histogram(one, start + 0.5, start + 1.5)
"#;

fn hist(args: &[&str], files: &[&Path]) -> Finished {
    // It takes no privilege.
    let nobody = Uid::from_raw(65534);
    Tool::new("tracewell")
        .unforced()
        .arg("hist")
        .args(args)
        .args(files)
        .user(nobody)
        .run()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A log that biolatency recorded, of so many reads in two intervals or more, and as many writes.
fn recorded(directory: &Path, reads: u64) -> (PathBuf, Finished) {
    let disk = Disk::new();
    let path = directory.join(format!("{reads}.hlog"));
    let tool = Tool::new("biolatency")
        .json()
        .args(["-d", disk.name(), "-F", "0.02", "--record"]);
    let tool = tool.arg(&path).start();
    for _ in 0..2 {
        let direct = disk.open();
        direct.read(reads / 2);
        direct.write(reads / 2);
        tool.stdout_until(|printed| !printed.is_empty());
    }
    let finished = tool.finish().success();
    (path, finished)
}

/// A directory that others may look into.
fn open_scratch() -> tempfile::TempDir {
    let directory = scratch();
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(directory.path(), all).unwrap();
    directory
}

#[test]
fn another_implementation_reads_what_is_recorded() {
    let directory = open_scratch();
    let (path, finished) = recorded(directory.path(), 2_000);
    let theirs = lines(&python(READ, &path));
    let shown = hist(&["show", "--format", "json"], &[&path]).success();
    let ours = answers(&shown);
    assert!(ours.len() >= 2, "{ours:?}");
    assert_eq!(theirs.len(), ours.len());
    for their in &theirs {
        let our = ours
            .iter()
            .find(|our| our["tag"] == their["tag"])
            .expect("the same tags");
        // They round a rank that is not whole the other way, as there is one where a request was lost.
        let whole = their["count"].as_u64().unwrap() % 1_000 == 0;
        let exact = |name: &str| whole || !name.starts_with('p');
        let numbers = their.as_object().unwrap().iter();
        for (name, value) in numbers.filter(|(name, _)| exact(name)) {
            assert_eq!(&our[name], value, "{name} of {their}");
        }
    }
    let counts: u64 = ours.iter().map(|our| our["count"].as_u64().unwrap()).sum();
    let summary = finished.summary();
    assert_eq!(counts, summary["events"], "{summary}");
    assert_eq!(counts + summary["lost"].as_u64().unwrap(), 4_000);
}

#[test]
fn what_another_implementation_wrote_is_read() {
    let directory = open_scratch();
    let path = directory.path().join("theirs.hlog");
    python(WRITE, &path);
    let shown = hist(&["show", "--format", "json"], &[&path]).success();
    let ours = answers(&shown);
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0]["event"], "distribution");
    for field in ["tag", "start", "length"] {
        assert_eq!(ours[0][field], Value::Null, "{field}");
    }
    assert_eq!(ours[0]["count"], 3_000);
    for (name, exact) in [("p50", 500_000.0), ("p99", 990_000.0), ("max", 1_000_000.0)] {
        let told = ours[0][name].as_f64().unwrap();
        assert!((told / exact - 1.0).abs() < 0.01, "{name}: {told}");
    }
    let shown = hist(&["show", "-i", "--format", "json"], &[&path]).success();
    let intervals = answers(&shown);
    let starts: Vec<_> = intervals
        .iter()
        .map(|one| one["start"].as_f64().unwrap())
        .collect();
    assert_eq!(starts, [1_700_000_000.5, 1_700_000_001.5, 1_700_000_002.5]);
    assert!(intervals.iter().all(|one| one["length"] == 1.0));
}

#[test]
fn differences_are_as_the_schema_says() {
    let directory = open_scratch();
    let (path, _) = recorded(directory.path(), 200);
    let other = directory.path().join("theirs.hlog");
    python(WRITE, &other);
    let show = |file: &Path| {
        let shown = hist(&["show", "--format", "json"], &[file]).success();
        answers(&shown)
    };
    let files = [&path, &other].map(|file| file.as_path());
    let compared = hist(&["diff", "--format", "json"], &files).success();
    // The kind comes first, as in what the tools write.
    for line in compared.lines() {
        assert!(
            line.starts_with(r#"{"event":"difference","tag":"#),
            "{line}"
        );
    }
    let differences = answers(&compared);
    // No tag is in both; each side has what `show` says of its file.
    assert_eq!(differences.len(), show(&path).len() + 1);
    for (file, side, none) in [(&path, "before", "after"), (&other, "after", "before")] {
        for shown in show(file) {
            let mut differences = differences.iter();
            let difference = differences.find(|one| one["tag"] == shown["tag"]);
            let difference = difference.expect("the same tags");
            let numbers = difference[side].as_object().unwrap();
            assert_eq!(numbers.len(), 10);
            let seconds = numbers["seconds"].as_f64().unwrap();
            let rate = numbers["count"].as_f64().unwrap() / seconds;
            assert_eq!(numbers["rate"], rate, "{difference}");
            assert_eq!(difference[none]["rate"], 0.0, "{difference}");
            let told =
                |(name, _): &(&String, &Value)| !["seconds", "rate"].contains(&name.as_str());
            for (name, value) in numbers.iter().filter(told) {
                assert_eq!(*value, shown[name], "{name} of {difference}");
                let empty = if name == "count" {
                    Value::from(0)
                } else {
                    Value::Null
                };
                assert_eq!(difference[none][name], empty, "{name} of {difference}");
            }
        }
    }
}

#[test]
fn merging_adds_up() {
    let directory = open_scratch();
    let (first, _) = recorded(directory.path(), 600);
    let (second, _) = recorded(directory.path(), 800);
    let merged = directory.path().join("merged.hlog");
    let output = merged.to_str().unwrap();
    let done = Tool::new("tracewell")
        .unforced()
        .args(["hist", "merge", "-o", output]);
    drop(done.args([&first, &second]).run().success());
    let both = hist(&["show", "--format", "json"], &[&first, &second]).success();
    let one = hist(&["show", "--format", "json"], &[&merged]).success();
    assert_eq!(both.stdout, one.stdout);
    // As a reader of its own, too.
    assert_eq!(lines(&python(READ, &merged)).len(), one.lines().len());
}

#[test]
fn a_condition_decides_the_exit_status() {
    let directory = open_scratch();
    let (path, _) = recorded(directory.path(), 400);
    let other = directory.path().join("theirs.hlog");
    python(WRITE, &other);
    for (condition, files, status, says) in [
        ("p99>+20%", [&path, &path], 0, ""),
        ("p50>1ns", [&path, &path], 1, "p50>1ns"),
        ("count<1000000", [&path, &path], 1, "count<1000000"),
        ("p99>+20%", [&path, &other], 1, "not in the first file"),
        ("max<1s", [&other, &other], 1, "-: max<1s"),
    ] {
        let finished = hist(
            &["diff", "--fail-if", condition],
            &files.map(|file| file.as_path()),
        );
        let finished = finished.ended_with(status);
        assert!(
            finished.stderr.contains(says),
            "{condition}: {}",
            finished.stderr
        );
        assert!(finished.lines().len() > 3, "{finished:?}");
    }
}

#[test]
fn what_is_no_log_is_told() {
    let directory = open_scratch();
    let path = directory.path().join("bad.hlog");
    let (good, _) = recorded(directory.path(), 200);
    let cases: [(&[u8], &str); 4] = [
        (b"", "no histogram"),
        (b"# only a comment\n", "no histogram"),
        (b"\x7fELF\x02\x01\x01\0\0", "bad.hlog:1:"),
        (b"0.0,1.0,1.0,aGVsbG8=\n", "bad.hlog:1: not a histogram"),
    ];
    for (bytes, says) in cases {
        fs::write(&path, bytes).unwrap();
        let finished = hist(&["show"], &[&path]).ended_with(2);
        assert!(finished.stderr.contains(says), "{}", finished.stderr);
        assert!(finished.stdout.is_empty());
    }
    let finished = hist(&["show"], &[Path::new("/nonexistent")]).ended_with(2);
    assert!(
        finished.stderr.contains("/nonexistent"),
        "{}",
        finished.stderr
    );
    let finished = hist(&["show", "--tag", "nobody"], &[&good]).ended_with(2);
    let said = &finished.stderr;
    assert!(
        said.contains("there are flags=") && said.contains("--tag"),
        "{said}"
    );
    for wrong in [
        &["diff", "--fail-if", "p99"][..],
        &["diff"],
        &["merge"],
        &[],
    ] {
        drop(hist(wrong, &[&good]).ended_with(2));
    }
}

#[test]
fn a_log_that_cannot_be_made_is_told() {
    let tool = Tool::new("biolatency").args(["--record", "/nonexistent/x.hlog"]);
    let finished = tool.run().ended_with(1);
    assert!(
        finished.stderr.contains("/nonexistent/x.hlog"),
        "{}",
        finished.stderr
    );
}
