// SPDX-License-Identifier: MIT OR Apache-2.0
//! runqlat counts every wait for a CPU once, as the kernel does for itself.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write, pipe};
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serde_json::Value;
use tracewell_tests::{Actor, Finished, Tool, actor, scratch};

use crate::cgroups::Cgroup;
use crate::schema::check_all;

/// How often a thread was put on a CPU, and how many nanoseconds it had waited for that, as the kernel counts.
fn account(of: &str) -> (u64, u64) {
    let text = fs::read_to_string(format!("/proc/{of}/schedstat")).unwrap();
    let mut words = text.split_whitespace().map(|word| word.parse().unwrap());
    let (_ran, waited, times) = (words.next(), words.next().unwrap(), words.next().unwrap());
    (times, waited)
}

/// Pins the thread to the first CPU that it may use.
fn pin() {
    let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap();
    let first = (0..CpuSet::count()).find(|cpu| allowed.is_set(*cpu).unwrap());
    let mut one = CpuSet::new();
    one.set(first.unwrap()).unwrap();
    sched_setaffinity(Pid::from_raw(0), &one).unwrap();
}

// Its argument: for how many milliseconds it computes, beside a thread that does the same on its CPU and sleeps now and
// then. It says when it is done.
actor!(shares_a_cpu, |stage| {
    let time = Duration::from_millis(stage.text(0).parse().unwrap());
    pin();
    let begun = Instant::now();
    let other = thread::spawn(move || {
        while begun.elapsed() < time {
            let turn = Instant::now();
            while turn.elapsed() < Duration::from_millis(7) {}
            thread::sleep(Duration::from_millis(1));
        }
    });
    while begun.elapsed() < time {}
    other.join().unwrap();
    stage.say("done");
});

// Its argument: how often two threads hand a byte to each other, on one CPU.
actor!(passes_a_byte, |stage| {
    let passes: u32 = stage.text(0).parse().unwrap();
    pin();
    let (mut there, mut to) = pipe().unwrap();
    let (mut back, mut from) = pipe().unwrap();
    let other = thread::spawn(move || {
        let mut byte = [0];
        while there.read(&mut byte).unwrap() == 1 {
            from.write_all(&byte).unwrap();
        }
    });
    for _ in 0..passes {
        to.write_all(b"x").unwrap();
        back.read_exact(&mut [0]).unwrap();
    }
    drop(to);
    other.join().unwrap();
});

fn histograms(finished: &Finished) -> Vec<Value> {
    check_all(finished);
    finished.events("histogram")
}

fn sum(objects: &[Value], field: &str) -> u64 {
    let values = objects.iter().map(|object| object[field].as_u64().unwrap());
    values.sum()
}

/// The waits that ended in a switch which the kernel told nobody of: some kernels exempt certain tasks from tracing.
fn untold(finished: &Finished) -> u64 {
    let causes = &finished.summary()["lost_by"];
    causes["completion_missed"].as_u64().unwrap_or(0)
}

/// What was lost but for these.
fn lost_otherwise(finished: &Finished) -> u64 {
    finished.summary()["lost"].as_u64().unwrap() - untold(finished)
}

/// Measures a thread that shares its CPU with another, beside what `others` starts, and holds it to the kernel's own count.
///
/// The kernel reads its clock when the scheduler begins, and the tool when it is told, a moment later. On a machine that
/// shares its own CPUs a moment may be many milliseconds, so the sums may agree at a second or third try.
pub(crate) fn as_the_kernel_counts<T>(others: impl Fn() -> T) -> Finished {
    let mut differed = Vec::new();
    for _ in 0..3 {
        let (finished, slept, waited) = measured(&others);
        if slept.abs_diff(waited) * 100 <= waited * 3 {
            return finished;
        }
        differed.push(format!("{slept} ns, and the kernel says {waited}"));
    }
    panic!("{differed:?}");
}

/// What the tool says of such a thread, how long that waited by it, and by the kernel.
fn measured<T>(others: impl Fn() -> T) -> (Finished, u64, u64) {
    let mut actor = Actor::new("shares_a_cpu").arg("1500").start();
    let pid = actor.pid().to_string();
    let tool = Tool::new("runqlat").json().args(["-L", "--tid", &pid]);
    let tool = tool.start();
    let others = others();
    // Whoever waits for the signal to go, or for the end, sleeps: from here to there is what the tool sees of it.
    let before = account(&pid);
    actor.go();
    actor.hear();
    drop(others);
    let finished = tool.finish().success();
    let after = account(&pid);
    actor.finish();
    let (times, waited) = (after.0 - before.0, after.1 - before.1);
    let own = histograms(&finished);
    for object in &own {
        assert_eq!(object["tid"], actor_id(&pid));
        assert_eq!(object["pid"], actor_id(&pid));
    }
    let (counted, slept) = (sum(&own, "count"), sum(&own, "sum"));
    assert!(
        counted.abs_diff(times) * 100 <= times * 3 + 2000,
        "{counted} waits, and the kernel says {times}"
    );
    assert_eq!(finished.summary()["events"], counted);
    assert_eq!(lost_otherwise(&finished), 0);
    (finished, slept, waited)
}

#[test]
fn waits_are_those_of_the_kernel() {
    as_the_kernel_counts(|| ());
}

#[test]
fn each_wake_up_is_one_wait() {
    let actor = Actor::new("passes_a_byte").arg("2000").start();
    let pid = actor.pid().to_string();
    let start = |args: &[&str]| {
        let tool = Tool::new("runqlat").json().args(["-p", &pid]);
        tool.args(args).start()
    };
    let tools = [&["-P"][..], &["-L"], &[], &["0.05"]].map(start);
    actor.go();
    actor.finish();
    let [process, threads, all, intervals] = tools.map(|tool| tool.finish().success());
    // Both threads wait once for each byte, and a few times more where others share the CPU.
    for finished in [&process, &threads, &all, &intervals] {
        let seen = histograms(finished);
        let counted = sum(&seen, "count");
        let untold = untold(finished);
        assert!(counted + untold >= 2 * 2000, "{counted} + {untold}");
        assert_eq!(finished.summary()["events"], counted);
        assert_eq!(lost_otherwise(finished), 0);
    }
    let process = histograms(&process);
    assert!(process.iter().all(|object| object["pid"] == actor_id(&pid)));
    assert_eq!(process.len(), 1);
    let tids: BTreeSet<_> = histograms(&threads)
        .iter()
        .map(|object| object["tid"].as_u64().unwrap())
        .collect();
    assert_eq!(tids.len(), 2);
}

fn actor_id(pid: &str) -> Value {
    pid.parse::<u64>().unwrap().into()
}

#[test]
fn filters_ask_who_waits_not_who_wakes() {
    let cgroup = Cgroup::new();
    let actors = ["300", "300"].map(|passes| Actor::new("passes_a_byte").arg(passes).start());
    cgroup.add(&actors[0]);
    let (inside, outside): (Value, Value) = (actors[0].pid().into(), actors[1].pid().into());
    let start = |args: &[&OsStr]| {
        let tool = Tool::new("runqlat").json().args(["-P", "-C"]);
        tool.args(args).start()
    };
    let wanted = start(&["-c".as_ref(), cgroup.path().as_ref()]);
    let both = actors[0].pid().to_string() + "," + &actors[1].pid().to_string();
    let mut excluded = OsString::from("!");
    excluded.push(cgroup.path());
    let other = start(&["-c".as_ref(), &excluded, "-p".as_ref(), both.as_ref()]);
    for actor in actors {
        actor.go();
        actor.finish();
    }
    let (wanted, other) = (wanted.finish().success(), other.finish().success());
    let name = cgroup
        .path()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    for (finished, pid) in [(&wanted, inside), (&other, outside)] {
        let seen = histograms(finished);
        assert!(seen.iter().all(|object| object["pid"] == pid), "{seen:#?}");
        assert!(sum(&seen, "count") >= 600);
    }
    let shown = histograms(&wanted);
    let path = shown[0]["cgroup"].as_str().unwrap();
    assert!(path.ends_with(&name), "{path}");
}

#[test]
fn a_command_s_own_waits() {
    let script = "/bin/true; /bin/true";
    let tool = Tool::new("runqlat")
        .json()
        .args(["-P", "--", "sh", "-c", script]);
    let seen = histograms(&tool.run().success());
    let pids: BTreeSet<_> = seen
        .iter()
        .map(|object| object["pid"].as_u64().unwrap())
        .collect();
    assert!(pids.len() >= 3, "{seen:#?}");
    let tool = Tool::new("runqlat").json().args(["--pidnss", "--", "true"]);
    let inode = fs::metadata("/proc/self/ns/pid").unwrap().ino();
    let seen = histograms(&tool.run().success());
    // The last switch is of a task that is gone.
    assert!(
        seen.iter().any(|object| object["pidns"] == inode),
        "{seen:#?}"
    );
    assert!(
        seen.iter()
            .all(|object| object["pidns"] == inode || object["pidns"] == 0)
    );
}

#[test]
fn the_table_has_a_histogram_for_each() {
    let tool = Tool::new("runqlat").args(["-P", "-mTe", "--", "true"]);
    let finished = tool.run().success();
    let lines = finished.lines();
    let has = |start: &str| lines.iter().any(|line| line.starts_with(start));
    assert!(
        has("pid = ") && has("     msecs ") && has("p50 ") && has("avg = "),
        "{lines:#?}"
    );
}

#[test]
fn what_finds_no_room_is_counted_as_others() {
    let actor = Actor::new("passes_a_byte").arg("500").start();
    let pid = actor.pid().to_string();
    let args = ["-L", "--room", "1", "-p", &pid];
    let tool = Tool::new("runqlat").json().args(args).start();
    actor.go();
    actor.finish();
    let finished = tool.finish().success();
    let seen = histograms(&finished);
    assert!(seen.iter().any(|object| object["other"] == true));
    assert!(sum(&seen, "count") >= 1000);
    assert_eq!(finished.summary()["events"], sum(&seen, "count"));
}

#[test]
fn waits_without_room_are_lost() {
    let actor = Actor::new("passes_a_byte").arg("300").start();
    let pid = actor.pid().to_string();
    let args = ["--inflight", "1", "-p", &pid];
    let tool = Tool::new("runqlat").json().args(args).start();
    actor.go();
    actor.finish();
    let finished = tool.finish().success();
    let summary = finished.summary();
    let count = |field: &str| summary[field].as_u64().unwrap();
    assert!(count("events") + count("lost") >= 600, "{summary}");
    // Two that hand a byte to each other need not wait at once.
    let full = summary["lost_by"]["inflight_full"].as_u64();
    assert_eq!(full.unwrap_or(0), lost_otherwise(&finished));
}

#[test]
fn a_recording_has_each_process() {
    let directory = scratch();
    let log = directory.path().join("waits.hlog");
    let tool = Tool::new("runqlat").args(["-P", "-r"]).arg(&log);
    drop(tool.args(["--", "true"]).run().success());
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains("Tag=pid="), "{text}");
}
