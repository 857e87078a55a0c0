// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whatever is lost on the way, and wherever: seen and lost come to what was made, to the event.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread::{scope, sleep, spawn};
use std::time::Duration;

use nix::libc;
use nix::sys::signal::Signal;
use tempfile::TempDir;
use tracewell_tests::{Finished, Tool, buffers, note, rungs, scratch};

use crate::bashreadline;
use crate::disk::Disk;
use crate::kernel::{with_own_mounts, with_tracefs};
use crate::plugged::on_the_second_cpu;
use crate::sockets::closed_port;
use crate::storms::{scaled, storm, traced, turn, unique_uid};
use crate::sys;

/// More than there are CPUs anywhere that this is tested.
pub(crate) const THREADS: u64 = 8;

/// A tool with a load of exactly what it shows.
pub(crate) struct Load {
    pub(crate) tool: &'static str,
    /// The kind of its events in JSON.
    event: &'static str,
    /// What it needs to show the load.
    pub(crate) options: Vec<String>,
    /// What the storm is to make.
    kind: Vec<String>,
    operations: u64,
    /// Where it happens.
    _directory: TempDir,
    _disk: Option<Disk>,
}

impl Load {
    fn new(tool: &'static str, event: &'static str, kind: &str, operations: u64) -> Self {
        let directory = scratch();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
        let mut words = vec![kind.to_owned()];
        let mut options = Vec::new();
        let disk = (kind == "read").then(Disk::new);
        match kind {
            "unlink" => words.extend(["--path".to_owned(), path(directory.path())]),
            "read" => {
                let disk = disk.as_ref().unwrap();
                // Any user may.
                fs::set_permissions(disk.device(), Permissions::from_mode(0o666)).unwrap();
                words.extend(["--path".to_owned(), disk.device().to_owned()]);
                options.extend(["--disk".to_owned(), disk.name().to_owned()]);
            }
            "exec-fail" => options.push("-x".to_owned()),
            "connect" => {
                let port = closed_port().to_string();
                words.extend(["--port".to_owned(), port.clone()]);
                // The other end is told of as well, where it is closed before the kernel resets it.
                if tool == "tcplife" {
                    options.extend(["-D".to_owned(), port]);
                }
            }
            "readline" => {
                let library = path(&bashreadline::library(directory.path()));
                words.extend(["--path".to_owned(), library.clone()]);
                options.extend(["-s".to_owned(), library]);
            }
            _ => {}
        }
        Self {
            tool,
            event,
            options,
            kind: words,
            // More than two pages hold, also on an emulated machine.
            operations: scaled(operations).max(THREADS * 12),
            _directory: directory,
            _disk: disk,
        }
    }

    /// Its tool, that traces this user only.
    pub(crate) fn traced(&self, uid: u32) -> Tool {
        traced(self.tool, uid).args(&self.options)
    }

    /// The ways into the kernel that its tool has here.
    pub(crate) fn rungs(&self) -> Vec<String> {
        let options: Vec<_> = self.options.iter().map(String::as_str).collect();
        rungs(self.tool, &options)
    }

    /// Makes it once, as this user, on many threads.
    pub(crate) fn make(&self, uid: u32) -> u64 {
        let kind: Vec<_> = self.kind.iter().map(String::as_str).collect();
        // The storm is a process of this user, too.
        let own = u64::from(self.event == "exit");
        storm(uid, THREADS, self.operations, &kind) + own
    }

    /// Checks that a run accounts for what was made, by cause, and gives how much that lost.
    pub(crate) fn adds_up(&self, finished: &Finished, made: u64) -> u64 {
        let summary = finished.summary();
        let told = Told::of_json(finished, self.event);
        assert_eq!(told.seen, summary["events"], "{}: {summary}", self.tool);
        let by_cause: BTreeMap<String, u64> =
            serde_json::from_value(summary["lost_by"].clone()).expect("counts");
        assert_eq!(told.lost, by_cause, "{}: in place and in sum", self.tool);
        finished.adds_up(told.seen, made);
        by_cause.values().sum()
    }
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

pub(crate) fn execs() -> Load {
    Load::new("execsnoop", "exec", "exec", 500)
}

pub(crate) fn exits() -> Load {
    Load::new("exitsnoop", "exit", "exec", 500)
}

pub(crate) fn failing_execs() -> Load {
    Load::new("execsnoop", "exec", "exec-fail", 8_000)
}

pub(crate) fn opens() -> Load {
    Load::new("opensnoop", "open", "open", 16_000)
}

pub(crate) fn lines() -> Load {
    Load::new("bashreadline", "line", "readline", 16_000)
}

pub(crate) fn lookups() -> Load {
    Load::new("gethostlatency", "lookup", "lookup", 16_000)
}

/// In a guest, with the turn on the disk that all tests use.
pub(crate) fn requests() -> Load {
    Load::new("biosnoop", "request", "read", 16_000)
}

pub(crate) fn syncs() -> Load {
    Load::new("syncsnoop", "sync", "sync", 16_000)
}

pub(crate) fn attempts() -> Load {
    Load::new("tcpconnlat", "connect", "connect", 8_000)
}

pub(crate) fn connections() -> Load {
    Load::new("tcplife", "connection", "connect", 8_000)
}

pub(crate) fn unlinks() -> Load {
    Load::new("unlinksnoop", "unlink", "unlink", 4_000)
}

/// A load for each tool that prints events.
pub(crate) fn loads() -> [Load; 10] {
    [
        lines(),
        requests(),
        execs(),
        exits(),
        lookups(),
        opens(),
        syncs(),
        attempts(),
        connections(),
        unlinks(),
    ]
}

#[test]
fn every_tool_that_prints_events_has_a_load() {
    let loads = loads();
    let of_loads: Vec<_> = loads.iter().map(|load| load.tool).collect();
    // How often the kernel sends a segment again is not for a load to say: it has an account of its own.
    let tools = crate::event_tools().filter(|tool| *tool != "tcpretrans");
    assert_eq!(of_loads, tools.collect::<Vec<_>>());
}

/// What a run told of, one by one: events, and losses by cause.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    seen: u64,
    lost: BTreeMap<String, u64>,
}

impl Told {
    fn of_json(finished: &Finished, event: &str) -> Self {
        let mut told = Self {
            seen: finished.events(event).len() as u64,
            ..Self::default()
        };
        for object in finished.events("lost") {
            let count = object["count"].as_u64().expect("a count");
            assert!(count > 0, "{object}");
            let cause = object["cause"].as_str().expect("a cause");
            *told.lost.entry(cause.to_owned()).or_default() += count;
        }
        told
    }

    /// Of lines that are a header and rows, and lines with `(lost N: CAUSE)` among these or others.
    fn of_lines<'a>(rows: u64, others: impl Iterator<Item = &'a str>) -> Self {
        let mut told = Self {
            seen: rows,
            ..Self::default()
        };
        for line in others {
            let Some((_, gap)) = line.split_once("(lost ") else {
                continue;
            };
            let gap = gap.strip_suffix(')').expect("a gap's end");
            let (count, cause) = gap.split_once(": ").expect("a cause");
            *told.lost.entry(cause.to_owned()).or_default() += count.parse::<u64>().unwrap();
        }
        told
    }

    /// Of the sentence at the end: `opensnoop: 3 events, 5 lost (buffer full 4, inflight map full 1), at most 2 more
    /// (recursion 2)`; and how many more there may be.
    fn of_summary(finished: &Finished) -> (Self, u64) {
        let line = finished.stderr.lines().last().expect("a summary");
        let words = line.split_once(": ").expect("a tool's name").1;
        let (words, more) = words.split_once(", at most ").unwrap_or((words, "0 more"));
        let more = more.split_once(" more").expect("a bound").0;
        let (seen, rest) = words.split_once(" event").expect("events");
        let causes = rest.split_once(" lost (").map_or("", |(_, causes)| causes);
        let causes = causes.trim_end_matches(')').split(", ");
        let causes = causes.filter_map(|cause| cause.rsplit_once(' '));
        let told = Self {
            seen: seen.parse().expect("a number"),
            lost: causes
                .map(|(cause, count)| (cause.to_owned(), count.parse().expect("a number")))
                .collect(),
        };
        (told, more.parse().expect("a number"))
    }

    fn total(&self) -> u64 {
        self.seen + self.lost.values().sum::<u64>()
    }
}

/// Through each way in, with a buffer of one page whose reader stands still for half of the load.
fn overflows(load: &Load) {
    let _turn = turn();
    with_own_mounts(|| {
        with_tracefs();
        for (index, rung) in load.rungs().into_iter().enumerate() {
            // The rungs send by the same code, so perf buffers are tried on the best one.
            let buffers = buffers().into_iter().take(if index == 0 { 2 } else { 1 });
            for buffer in buffers {
                let uid = unique_uid();
                let tool = load
                    .traced(uid)
                    .json()
                    .args(["--probe", &rung, "--buffer", &buffer])
                    .args(["--buffer-size", "4k", "--fail-on-loss"])
                    .start();
                tool.stop();
                let mut made = load.make(uid);
                tool.signal(Signal::SIGCONT);
                made += load.make(uid);
                let finished = tool.finish().ended_with(3);
                let summary = finished.summary();
                assert_eq!(summary["rung"], rung);
                assert_eq!(summary["buffer"], buffer);
                assert!(load.adds_up(&finished, made) > 0, "it held everything");
                let full = &summary["lost_by"]["buffer_full"];
                assert!(full.as_u64() > Some(0), "{summary}");
            }
        }
    });
}

#[test]
fn execs_beyond_a_page() {
    overflows(&execs());
}

#[test]
fn failing_execs_beyond_a_page() {
    overflows(&failing_execs());
}

#[test]
fn opens_beyond_a_page() {
    overflows(&opens());
}

#[test]
fn lines_beyond_a_page() {
    overflows(&lines());
}

#[test]
fn lookups_beyond_a_page() {
    overflows(&lookups());
}

#[test]
fn requests_beyond_a_page() {
    overflows(&requests());
}

#[test]
fn syncs_beyond_a_page() {
    overflows(&syncs());
}

#[test]
fn attempts_beyond_a_page() {
    overflows(&attempts());
}

#[test]
fn connections_beyond_a_page() {
    overflows(&connections());
}

#[test]
fn unlinks_beyond_a_page() {
    overflows(&unlinks());
}

/// A reader that is stopped again and again, for a good part of a second each time, while the load goes on.
#[test]
fn a_reader_that_is_stopped_again_and_again() {
    let _turn = turn();
    for load in loads() {
        let uid = unique_uid();
        let tool = load
            .traced(uid)
            .json()
            .args(["--buffer-size", "64k"])
            .start();
        let made: u64 = scope(|scope| {
            let storm = scope.spawn(|| (0..4).map(|_| load.make(uid)).sum());
            let mut stops = 0;
            while !storm.is_finished() || stops < 2 {
                tool.stop();
                sleep(Duration::from_millis(300));
                tool.signal(Signal::SIGCONT);
                sleep(Duration::from_millis(50));
                stops += 1;
            }
            storm.join().expect("the storm ends")
        });
        load.adds_up(&tool.finish().success(), made);
    }
}

/// In each format, each gap where it is, and the end, tell the same, though the reader of the pipe is slow.
#[test]
fn a_slow_reader_of_each_format() {
    let _turn = turn();
    let load = opens();
    for format in ["table", "json", "csv"] {
        let uid = unique_uid();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let tool = load
            .traced(uid)
            .args(["--format", format, "--buffer-size", "64k"])
            .stdout(writer)
            .start();
        let taken = spawn(move || {
            let (mut all, mut piece) = (Vec::new(), [0; 8192]);
            loop {
                match reader.read(&mut piece).unwrap() {
                    0 => return all,
                    length => all.extend_from_slice(&piece[..length]),
                }
                sleep(Duration::from_millis(1));
            }
        });
        let made = load.make(uid);
        let mut finished = tool.finish().success();
        finished.stdout = taken.join().unwrap();
        if format == "json" {
            load.adds_up(&finished, made);
            continue;
        }
        let lines = finished.lines();
        let gaps = |line: &&&str| line.starts_with("(lost ");
        let rows = (lines.len() - lines.iter().filter(gaps).count() - 1) as u64;
        let beside = finished.stderr.lines().filter(|_| format == "csv");
        let told = Told::of_lines(rows, lines.iter().copied().chain(beside));
        let (summed, more) = Told::of_summary(&finished);
        assert_eq!(told, summed, "{format}");
        assert!(
            (told.total()..=told.total() + more).contains(&made),
            "{format}: {made} made: {told:?}"
        );
    }
}

/// The list of CPUs that may ever be there, as it would be if the others' numbers were beyond it.
const POSSIBLE: &str = "/sys/devices/system/cpu/possible";

/// What happens on a CPU that user space has no memory for is lost for that reason, and on no other.
#[test]
fn a_cpu_beyond_the_list_is_accounted_for() {
    let _turn = turn();
    let online = fs::read_to_string("/sys/devices/system/cpu/online").unwrap();
    if online.trim() == "0" {
        note("skipped a list of CPUs that is too short: there is one CPU");
        return;
    }
    let scratch = scratch();
    let list = scratch.path().join("possible");
    fs::write(&list, "0\n").unwrap();
    with_own_mounts(|| {
        sys::mount(Some(&list), Path::new(POSSIBLE), None, libc::MS_BIND);
        for load in loads() {
            let uid = unique_uid();
            let tool = load
                .traced(uid)
                .json()
                .args(["--buffer-size", "16m"])
                .start();
            let made = load.make(uid);
            // Some of it on another CPU in any case.
            let made = made + on_the_second_cpu(|| load.make(uid));
            let finished = tool.finish().success();
            load.adds_up(&finished, made);
            let summary = finished.summary();
            // Where an entry is kept for an exit, that finds no room to build the event in, and the entry stays.
            // A request's event is put together in the entry of the request.
            if load.tool == "biosnoop" {
                continue;
            }
            let causes = ["no_room", "fexit_missed", "kprobe_missed"];
            let lost = causes.map(|cause| summary["lost_by"][cause].as_u64().unwrap_or(0));
            // What lies in a map for as long as it is under way takes no memory of a CPU's.
            let stored = load.kind[0] == "connect";
            assert_eq!(lost.iter().sum::<u64>() > 0, !stored, "{summary}");
        }
    });
}

/// A run of so many events ends in the middle of what came: losses behind it are told like all others.
#[test]
fn losses_beyond_so_many_events_are_told() {
    let _turn = turn();
    let (load, uid) = (opens(), unique_uid());
    let tool = load
        .traced(uid)
        .json()
        .args(["--max-events", "5", "--buffer-size", "4k"])
        .start();
    tool.stop();
    load.make(uid);
    tool.signal(Signal::SIGCONT);
    let finished = tool.wait().success();
    let summary = finished.summary();
    let told = Told::of_json(&finished, load.event);
    assert_eq!((told.seen, &summary["events"]), (5, &5.into()));
    let by_cause: BTreeMap<String, u64> =
        serde_json::from_value(summary["lost_by"].clone()).expect("counts");
    assert!(by_cause.contains_key("buffer_full"), "{summary}");
    assert_eq!(told.lost, by_cause, "in place and in sum");
}
