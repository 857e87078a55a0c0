// SPDX-License-Identifier: MIT OR Apache-2.0
//! What tools leave behind: nothing, however often they start and end, and however many run at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use libbpf_rs::query::{LinkInfoIter, MapInfoIter, ProgInfoIter};
use nix::libc;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tracewell::biolatency::Latencies;
use tracewell::execsnoop::Execs;
use tracewell::opensnoop::{Filter, Opens, Options};
use tracewell::unlinksnoop::Unlinks;
use tracewell_tests::{Actor, Running, Tool, actor, patience, rungs, scratch, until};

use crate::accounts;
use crate::all_tools;
use crate::biolatency as requests;
use crate::disk::Disk;
use crate::kernel::{tmpfs, with_own_mounts, with_tracefs};
use crate::storms::{guest, traced, turn, unique_uid};

/// The programs, maps and links that a process holds, as (kind, id).
pub(crate) fn held(pid: u32) -> Vec<(&'static str, u32)> {
    let mut held = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
        for kind in ["prog_id", "map_id", "link_id"] {
            let id = text
                .lines()
                .find_map(|line| line.strip_prefix(kind)?.strip_prefix(':'));
            // A link names its program, too.
            held.extend(id.map(|id| (kind, id.trim().parse().expect("a number"))));
        }
    }
    held.sort_unstable();
    held.dedup();
    held
}

/// Waits until the kernel has none of these; it frees them a moment after their last descriptor is closed.
pub(crate) fn gone(held: &[(&'static str, u32)]) {
    let has = |kind| held.iter().any(|(of, _)| *of == kind);
    assert!(has("prog_id") && has("map_id"), "{held:?}");
    let until = Instant::now() + patience();
    loop {
        let there: Vec<_> = ProgInfoIter::default()
            .map(|program| ("prog_id", program.id))
            .chain(MapInfoIter::default().map(|map| ("map_id", map.id)))
            .chain(LinkInfoIter::default().map(|link| ("link_id", link.id)))
            .filter(|object| held.contains(object))
            .collect();
        if there.is_empty() {
            return;
        }
        assert!(Instant::now() < until, "left behind: {there:?} of {held:?}");
        sleep(Duration::from_millis(5));
    }
}

/// On every rung: a link of a trampoline, a probe and a tracepoint are let go each in its own way. An emulated machine takes
/// seconds for each, and tries a rung with the first tool that has it.
#[test]
fn a_killed_tool_leaves_nothing_behind() {
    with_own_mounts(|| {
        with_tracefs();
        let mut tried = BTreeSet::new();
        for name in all_tools() {
            for rung in rungs(name, &[]) {
                if !tried.insert(rung.clone()) && guest() {
                    continue;
                }
                let tool = traced(name, unique_uid()).args(["--probe", &rung]);
                // The filter of tasks is none of those that rung tracepoint of biolatency has.
                let tool = if name == "biolatency" {
                    Tool::new(name).args(["--probe", &rung])
                } else {
                    tool
                };
                let tool = tool.start();
                let objects = held(tool.pid());
                tool.signal(Signal::SIGKILL);
                assert_eq!(tool.wait().code(), None);
                gone(&objects);
            }
        }
    });
}

/// The command of a tool that is killed runs on, untraced; it holds nothing of the tool's.
#[test]
fn a_killed_tools_command_holds_nothing() {
    let scratch = scratch();
    let mark = scratch.path().join("runs");
    let text = format!(
        "echo > {0}; while [ -e {0} ]; do sleep 0.05; done",
        mark.display()
    );
    let tool = Tool::new("opensnoop").args(["--", "/bin/sh", "-c", &text]);
    let tool = tool.launch();
    until(|| mark.exists());
    let objects = held(tool.pid());
    tool.signal(Signal::SIGKILL);
    gone(&objects);
    fs::remove_file(&mark).unwrap();
    assert_eq!(tool.wait().code(), None);
}

/// Twenty tools side by side, five of each, over one load: each gives the whole account, and all of them go.
#[test]
fn twenty_at_once() {
    let _turn = turn();
    // A user for each load, since what is executed opens files too.
    let loads = accounts::loads();
    let uids = loads.each_ref().map(|_| unique_uid());
    let of = |name: &str| loads.iter().position(|load| load.tool == name);
    let disk = Disk::new();
    let start = |name: &str| match of(name) {
        Some(load) => loads[load]
            .traced(uids[load])
            .json()
            .args(["--buffer-size", "256k"])
            .start(),
        None => requests::of(&disk).json().start(),
    };
    let each = if guest() { 2 } else { 5 };
    let tools: Vec<_> = scope(|scope| {
        let start = &start;
        let threads: Vec<_> = (0..each)
            .flat_map(|_| all_tools())
            .map(|name| (name, scope.spawn(move || start(name))))
            .collect();
        let joined = threads.into_iter();
        joined
            .map(|(name, thread)| (name, thread.join().unwrap()))
            .collect()
    });
    let objects: Vec<_> = tools
        .iter()
        .flat_map(|(_, tool)| held(tool.pid()))
        .collect();
    let made: Vec<_> = loads
        .iter()
        .zip(uids)
        .map(|(load, uid)| load.make(uid))
        .collect();
    disk.open().read(500);
    for (name, tool) in tools {
        let finished = tool.finish().success();
        match of(name) {
            Some(load) => _ = loads[load].adds_up(&finished, made[load]),
            None => requests::adds_up(&finished, 500),
        }
    }
    gone(&objects);
}

/// Waits for nothing: starts and ends streams in one process, as a program would that looks now and then.
async fn start_and_stop(round: usize, objects: &mut Vec<(&'static str, u32)>) {
    let options = Options {
        filter: Filter {
            uid: unique_uid().into(),
            ..Filter::default()
        },
        ..Options::default()
    };
    macro_rules! stream {
        ($tracer:expr) => {{
            let mut stream = $tracer.start(&options).unwrap();
            objects.extend(held(std::process::id()));
            // By turns: to the end, and dropped as it runs.
            if round % 8 < 4 {
                stream.stop();
                while stream.next().await.unwrap().is_some() {}
            }
        }};
    }
    match round % 4 {
        0 => stream!(Opens::default()),
        1 => stream!(Execs::default()),
        2 => stream!(Unlinks::default()),
        _ => {
            let mut all = Latencies::default().start(&Options::default()).unwrap();
            objects.extend(held(std::process::id()));
            if round % 8 < 4 {
                all.stop();
                drop(all.parts().unwrap());
            }
        }
    }
}

/// The open descriptors of this process, and its own memory in KiB.
fn size() -> (usize, u64) {
    // What was freed is not counted, wherever the allocator keeps it.
    // SAFETY: no pointer is passed.
    unsafe { libc::malloc_trim(0) };
    let fds = fs::read_dir("/proc/self/fd").unwrap().count();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let anon = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let anon = anon.and_then(|rest| rest.split_whitespace().next());
    (fds, anon.unwrap().parse().unwrap())
}

// Its argument: how many times.
actor!(starts_and_stops, |stage| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let times: usize = stage.text(0).parse().unwrap();
    let mut objects = Vec::new();
    // What is made once, and then used again and again, is there after some rounds.
    let warm = 8;
    let mut before = (0, 0);
    for round in 0..times + warm {
        if round == warm {
            before = size();
        }
        runtime.block_on(start_and_stop(round, &mut objects));
    }
    let after = size();
    assert_eq!(held(std::process::id()), []);
    gone(&objects);
    stage.say(json!({"fds": [before.0, after.0], "kib": [before.1, after.1]}).to_string());
});

#[test]
fn two_hundred_runs_in_one_process_leave_nothing_behind() {
    let _turn = turn();
    let times = if guest() { 8 } else { 200 };
    let actor = Actor::new("starts_and_stops")
        .arg(times.to_string())
        .start();
    actor.go();
    let said: Value = serde_json::from_str(&actor.finish()).unwrap();
    assert_eq!(said["fds"][0], said["fds"][1], "{said}");
    // A run takes megabytes, so one in a hundred that stayed would be seen.
    let kib = |at: usize| said["kib"][at].as_u64().unwrap();
    assert!(kib(1) < kib(0) + 2048, "{said}");
}

/// Makes requests until the tool ends, with status 1; gives what it said.
fn reads_until_it_fails(disk: &Disk, tool: Running) -> String {
    let reader = disk.open();
    until_it_fails(tool, || {
        reader.read(20);
        sleep(Duration::from_millis(1));
    })
}

/// Loads the tool until it ends, with status 1; gives what it said.
fn until_it_fails(tool: Running, load: impl Fn()) -> String {
    let finished = scope(|scope| {
        let waiting = scope.spawn(move || tool.wait());
        while !waiting.is_finished() {
            load();
        }
        waiting.join().unwrap()
    });
    let said = finished.ended_with(1).stderr;
    assert!(said.contains("No space left"), "{said}");
    said
}

fn whole_lines(path: &Path) {
    let written = fs::read(path).unwrap();
    assert!(!written.is_empty());
    let tail = String::from_utf8_lossy(&written[written.len().saturating_sub(80)..]);
    assert!(written.ends_with(b"\n"), "half a line: {tail:?}");
}

/// Runs with a file on a small disk.
fn on_a_small_disk(test: impl Fn(&Path) + Sync) {
    with_own_mounts(|| {
        let directory = scratch();
        let _mounted = tmpfs(directory.path(), c"size=8k");
        test(&directory.path().join("small"));
    });
}

/// Where the disk of the log is full, the run ends with an error, and what was written of the log can be read.
#[test]
fn a_recording_that_fills_its_disk() {
    on_a_small_disk(|path| {
        let disk = Disk::new();
        let tool = requests::of(&disk)
            .args(["-D", "-F", "0.005", "--record"])
            .arg(path);
        let said = reads_until_it_fails(&disk, tool.start());
        assert!(said.contains("/small"), "{said}");
        whole_lines(path);
        let show = Tool::new("tracewell")
            .unforced()
            .args(["hist", "show"])
            .arg(path);
        drop(show.run().success());
    });
}

/// The same of what tools print; opensnoop is tried with larger disks elsewhere.
#[test]
fn an_output_that_fills_its_disk() {
    for format in ["table", "json", "csv"] {
        on_a_small_disk(|path| {
            let disk = Disk::new();
            let tool = requests::of(&disk).args(["-D", "-F", "0.005", "--format", format]);
            let said = reads_until_it_fails(&disk, tool.output(path).start());
            assert!(said.contains("/small"), "{said}");
            whole_lines(path);
        });
    }
    for load in [accounts::execs(), accounts::unlinks()] {
        let _turn = turn();
        for format in ["table", "json", "csv"] {
            on_a_small_disk(|path| {
                let uid = unique_uid();
                let tool = load.traced(uid).args(["--format", format]);
                let said = until_it_fails(tool.output(path).start(), || {
                    load.make(uid);
                });
                assert!(said.contains("/small"), "{said}");
                whole_lines(path);
            });
        }
    }
}
