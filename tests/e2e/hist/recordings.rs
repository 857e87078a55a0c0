// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--record`: over nothing, into nothing else, and with what it lacks.

use std::fs;
use std::thread::scope;

use tracewell_tests::Tool;

use super::{hist, open_scratch};
use crate::biolatency;
use crate::disk::Disk;
use crate::doctor::answers;

#[test]
fn a_recording_overwrites_nothing() {
    let directory = open_scratch();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("precious"), "precious\n").unwrap();
    fs::hard_link(at("precious"), at("hard")).unwrap();
    std::os::unix::fs::symlink("precious", at("link")).unwrap();
    let tool = || Tool::new("biolatency").args(["--duration", "0.01", "--record"]);
    for name in ["precious", "link"] {
        let said = tool().arg(at(name)).run().ended_with(2).stderr;
        assert!(
            said.contains("is there already") && said.contains("remove it"),
            "{said}"
        );
    }
    // Nor is it what the output is written to, by whatever name.
    for (record, output) in [
        ("precious", "precious"),
        ("precious", "hard"),
        ("link", "precious"),
        ("new", "new"),
        ("new", "./new"),
    ] {
        let tool = tool().arg(at(record)).output(&at(output));
        let said = tool.run().ended_with(2).stderr;
        assert!(
            said.contains("where the output goes"),
            "{record} {output}: {said}"
        );
    }
    assert!(!at("new").exists());
    let said = tool().arg("-").run().ended_with(2).stderr;
    assert!(said.contains("where the output goes"), "{said}");
    assert_eq!(fs::read_to_string(at("precious")).unwrap(), "precious\n");
    // To standard output, where nothing else goes there; and into a file that is empty.
    let finished = tool().arg("-").output(&at("out")).run().success();
    assert!(
        finished.stdout.starts_with(b"#[Histogram log format"),
        "{finished:?}"
    );
    fs::write(at("empty"), "").unwrap();
    drop(
        tool()
            .arg(at("empty"))
            .output(std::path::Path::new("-"))
            .run()
            .success(),
    );
    assert!(
        fs::read_to_string(at("empty"))
            .unwrap()
            .contains("#[Recorded: ")
    );
}

/// Of a disk that nobody used: a recording, of so many seconds, in which nothing came.
#[test]
fn a_recording_without_requests_is_one() {
    let directory = open_scratch();
    let disk = Disk::new();
    let path = directory.path().join("idle");
    let tool = Tool::new("biolatency").args(["-d", disk.name(), "--duration", "0.3", "--record"]);
    drop(tool.arg(&path).run().success());
    let shown = hist(&["show"], &[&path]).success();
    assert_eq!(shown.lines().len(), 1);
    assert!(
        shown.stderr.contains("nothing was counted"),
        "{}",
        shown.stderr
    );
    drop(hist(&["diff"], &[&path, &path]).success());
    let said = hist(&["diff", "--fail-if", "p99>+20%"], &[&path, &path])
        .ended_with(1)
        .stderr;
    assert!(
        said.contains("p99>+20%: nothing was counted in either file"),
        "{said}"
    );
    // Its seconds count where it is compared.
    let busy = directory.path().join("busy");
    let tool = Tool::new("biolatency")
        .args(["-d", disk.name(), "--record"])
        .arg(&busy)
        .start();
    disk.open().read(50);
    drop(tool.finish().success());
    let compared = hist(&["diff", "--format", "json"], &[&path, &busy]).success();
    let difference = &answers(&compared)[0];
    let before = &difference["before"];
    assert!(before["seconds"].as_f64() >= Some(0.3), "{difference}");
    assert_eq!(
        (&before["count"], &before["rate"]),
        (&0.into(), &0.0.into())
    );
    assert_eq!(difference["after"]["count"], 50);
}

#[test]
fn what_was_lost_is_in_the_recording() {
    const THREADS: u64 = 8;
    let directory = open_scratch();
    let disk = Disk::new();
    let path = directory.path().join("log");
    let tool = biolatency::of(&disk)
        .json()
        .args(["--inflight", "1", "--record"]);
    let tool = tool.arg(&path).start();
    scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| disk.open().read(500));
        }
    });
    let summary = tool.finish().success().summary();
    let lost = summary["lost_by"]["inflight_full"].as_u64().unwrap();
    assert!(lost > 0, "{summary}");
    let log = fs::read_to_string(&path).unwrap();
    let noted = log.lines().filter_map(|line| {
        let rest = line.strip_prefix("#[Lost: ")?;
        rest.strip_suffix(" inflight_full]")?.parse::<u64>().ok()
    });
    assert_eq!(noted.sum::<u64>(), lost, "{log}");
    let shown = hist(&["show", "--format", "json"], &[&path]).success();
    assert_eq!(answers(&shown)[0]["count"], summary["events"]);
    // Some kernels exempt certain tasks from tracing, so that completions are missed, too.
    let says = format!("in-flight map full {lost}");
    assert!(shown.stderr.contains(&says), "{}", shown.stderr);
}
