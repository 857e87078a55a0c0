// SPDX-License-Identifier: MIT OR Apache-2.0
//! CPUs that go and come while a tool runs. Only guests are made to lose one: others use this machine.

use std::fs;
use std::thread::scope;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use tracewell_tests::note;

use crate::storms::{guest, storm, traced, turn, unique_uid};

const ONLINE: &str = "/sys/devices/system/cpu/cpu1/online";

/// Takes the second CPU away; it comes back when this is dropped, at the latest.
struct Unplugged;

impl Unplugged {
    fn new() -> Self {
        fs::write(ONLINE, "0").expect("the second CPU goes");
        Self
    }
}

impl Drop for Unplugged {
    fn drop(&mut self) {
        let plugged = fs::write(ONLINE, "1");
        assert!(plugged.is_ok() || std::thread::panicking());
    }
}

/// Runs this, with what it starts, on the second CPU.
pub(crate) fn on_the_second_cpu<R: Send>(run: impl FnOnce() -> R + Send) -> R {
    let run = || {
        let mut second = CpuSet::new();
        second.set(1).expect("a number of a CPU");
        sched_setaffinity(Pid::from_raw(0), &second).expect("the second CPU is there");
        run()
    };
    scope(|scope| scope.spawn(run).join()).expect("it ends")
}

/// As many opens on the second CPU, as this user.
fn opens(uid: u32) -> u64 {
    on_the_second_cpu(|| storm(uid, 1, 50, &["open"]))
}

/// The ring has events of all CPUs. Perf buffers are opened for those that are online, and dead once they are not: what is
/// lost so is told by its own cause.
#[test]
fn a_cpu_that_comes_online_is_accounted_for() {
    if !guest() || !fs::exists(ONLINE).unwrap() {
        note("skipped CPUs that go and come: this is no guest with two of them");
        return;
    }
    let _turn = turn();
    for buffer in ["ring", "perf"] {
        for comes_first in [true, false] {
            let uid = unique_uid();
            let start = || {
                let options = ["--buffer", buffer, "--fail-on-loss"];
                traced("opensnoop", uid)
                    .unforced()
                    .json()
                    .args(options)
                    .start()
            };
            let (tool, mut made) = if comes_first {
                let tool = start();
                let made = opens(uid);
                drop(Unplugged::new());
                (tool, made)
            } else {
                let unplugged = Unplugged::new();
                let tool = start();
                drop(unplugged);
                (tool, 0)
            };
            let seen = if buffer == "ring" { made + 50 } else { made };
            made += opens(uid);
            let status = if buffer == "ring" { 0 } else { 3 };
            let finished = tool.finish().ended_with(status);
            finished.adds_up(seen, made);
            let summary = finished.summary();
            assert_eq!(summary["events"], seen, "{summary}");
            let lost = summary["lost_by"]["no_buffer"].as_u64().unwrap_or(0);
            assert_eq!(lost, made - seen, "{buffer}: {summary}");
        }
    }
}
