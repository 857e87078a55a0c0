// SPDX-License-Identifier: MIT OR Apache-2.0
//! Under load, what was seen and what was lost add up to what was made, exactly.

use std::env;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use tracewell_tests::environment::program;
use tracewell_tests::{Finished, Running, Tool, forced, note, patience, scratch};

/// Storms come one after another: two at once would measure each other.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A user that nothing else runs as, whatever other tests run on this machine.
pub(crate) fn unique_uid() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    (1 << 30) + std::process::id() * 64 + NEXT.fetch_add(1, Ordering::Relaxed) % 64
}

/// Whether this is an emulated machine, where a tenth of the load has to do.
pub(crate) fn guest() -> bool {
    env::var_os("TRACEWELL_GUEST").is_some()
}

pub(crate) fn scaled(operations: u64) -> u64 {
    if guest() { operations / 10 } else { operations }
}

/// Makes a storm as `uid`, and gives how many operations it made.
pub(crate) fn storm(uid: u32, threads: u64, operations: u64, kind: &[&str]) -> u64 {
    let output = Command::new(program("storm"))
        .args(kind)
        .args(["--threads", &threads.to_string()])
        .args(["--ops", &(operations / threads).to_string()])
        .args(["--uid", &uid.to_string()])
        .output()
        .expect("storm runs");
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("storm reports");
    assert_eq!(report["unexpected"], 0, "{report}");
    report["made"].as_u64().expect("a count")
}

/// A tool that traces `uid` only.
pub(crate) fn traced(name: &str, uid: u32) -> Tool {
    Tool::new(name).args(["--uid", &uid.to_string()])
}

/// How many events and losses the line at a table's end tells of.
pub(crate) fn told(finished: &Finished) -> (u64, u64) {
    let line = finished.stderr.lines().last().unwrap_or_default();
    let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(events), Some(lost)) => (events, lost),
        _ => panic!("no account: {:?}", finished.stderr),
    }
}

/// Counts what a table in a growing file tells of: its rows, and the losses between them.
struct Growing {
    file: File,
    rest: Vec<u8>,
    seen: u64,
    lost: u64,
}

impl Growing {
    /// The header must be there.
    fn new(path: &Path) -> Self {
        let mut table = Self {
            file: File::open(path).unwrap(),
            rest: Vec::new(),
            seen: 0,
            lost: 0,
        };
        table.read();
        table.seen -= 1;
        table
    }

    fn read(&mut self) {
        self.file.read_to_end(&mut self.rest).unwrap();
        let end = self.rest.iter().rposition(|byte| *byte == b'\n');
        let lines: Vec<_> = self.rest.drain(..end.map_or(0, |end| end + 1)).collect();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_prefix(b"(lost ") {
                None => self.seen += 1,
                Some(rest) => {
                    let mut words = str::from_utf8(rest).unwrap().split(':');
                    let count: Option<u64> = words.next().and_then(|word| word.parse().ok());
                    self.lost += count.expect("a number");
                }
            }
        }
    }

    /// Reads on until all that was made is accounted for, while nothing else happens.
    fn wait_for(&mut self, made: u64, tool: &Running) {
        let until = Instant::now() + patience();
        loop {
            self.read();
            if self.seen + self.lost == made {
                return;
            }
            assert!(
                self.seen + self.lost < made && Instant::now() < until,
                "{made} made, {} shown and {} told as lost while the tool runs; it said: {:?}",
                self.seen,
                self.lost,
                tool.stderr_so_far()
            );
            sleep(Duration::from_millis(2));
        }
    }
}

/// One storm into a file: the table, the line at its end and what was made agree. Gives how many were lost.
fn into_a_file(
    tool: &str,
    option: Option<&str>,
    threads: u64,
    operations: u64,
    kind: &[&str],
) -> u64 {
    let (uid, directory) = (unique_uid(), scratch());
    let path = directory.path().join("table");
    let running = traced(tool, uid).args(option).output(&path).start();
    let made = storm(uid, threads, operations, kind);
    let finished = running.finish().success();
    let table = Growing::new(&path);
    assert!(table.rest.is_empty(), "half a line: {:?}", table.rest);
    let (events, lost) = told(&finished);
    assert_eq!(events, table.seen, "rows are told of");
    assert_eq!(events + lost, made, "{}", finished.stderr);
    assert_eq!(
        table.lost, lost,
        "losses stand in the table where they were"
    );
    lost
}

/// Nothing is lost, if the machine gives the tool its share of the CPUs in one of three times.
fn nothing_lost(run: impl Fn() -> u64) {
    // An emulated machine, and ways that are slower by nature, may lose; but never unsaid.
    if guest() || forced("--buffer").is_some() || forced("--probe").is_some() {
        run();
        return;
    }
    let lost: Vec<_> = (0..3).map(|_| run()).take_while(|lost| *lost > 0).collect();
    assert!(lost.len() < 3, "lost each time: {lost:?}");
}

#[test]
fn opens_of_one_thread() {
    let _turn = turn();
    nothing_lost(|| into_a_file("opensnoop", None, 1, scaled(1_000_000), &["open"]));
}

#[test]
fn opens_of_two_threads() {
    let _turn = turn();
    nothing_lost(|| into_a_file("opensnoop", None, 2, scaled(1_000_000), &["open"]));
}

#[test]
fn opens_of_four_threads() {
    let _turn = turn();
    into_a_file("opensnoop", None, 4, scaled(1_000_000), &["open"]);
}

#[test]
fn execs() {
    let _turn = turn();
    nothing_lost(|| into_a_file("execsnoop", None, 2, scaled(20_000), &["exec"]));
}

#[test]
fn failing_execs() {
    let _turn = turn();
    into_a_file("execsnoop", Some("-x"), 2, scaled(200_000), &["exec-fail"]);
}

#[test]
fn unlinks() {
    let _turn = turn();
    let directory = scratch();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    let path = directory.path().to_str().unwrap();
    let kind = ["unlink", "--path", path];
    nothing_lost(|| into_a_file("unlinksnoop", None, 2, scaled(200_000), &kind));
}

/// A buffer that is too small: what it could not hold is told, in place and in sum, and can be the exit status.
fn too_small(args: &[&str]) {
    let _turn = turn();
    let uid = unique_uid();
    let running = traced("opensnoop", uid)
        .unforced()
        .json()
        .args(args)
        .arg("--fail-on-loss")
        .start();
    // Nothing is taken out meanwhile, so that it overflows however slow the storm is.
    running.stop();
    let made = storm(uid, 2, scaled(200_000), &["open"]);
    running.signal(Signal::SIGCONT);
    let finished = running.finish().ended_with(3);
    let seen = finished.events("open").len() as u64;
    let summary = finished.summary();
    let count = |object: &Value| object["count"].as_u64().expect("a count");
    let in_place: u64 = finished.events("lost").iter().map(count).sum();
    assert!(in_place > 0, "{args:?} held everything");
    assert_eq!(seen + in_place, made, "{summary}");
    assert_eq!(summary["events"], seen, "{summary}");
    assert_eq!(summary["lost"], in_place, "{summary}");
    let causes = summary["lost_by"].as_object().unwrap().values();
    let by_cause: u64 = causes.filter_map(Value::as_u64).sum();
    assert_eq!(by_cause, in_place, "{summary}");
}

#[test]
fn a_ring_of_one_page() {
    too_small(&["--buffer", "ring", "--buffer-size", "4k"]);
}

#[test]
fn a_ring_of_16_pages() {
    too_small(&["--buffer", "ring", "--buffer-size", "64k"]);
}

/// Each CPU's own, as on machines with many CPUs.
#[test]
fn two_rings_that_overflow() {
    too_small(&[
        "--buffer",
        "ring",
        "--buffer-rings",
        "2",
        "--buffer-size",
        "64k",
    ]);
}

#[test]
fn opens_through_two_rings() {
    if forced("--buffer").as_deref() == Some("perf") {
        note("perf buffers are no rings");
        return;
    }
    let _turn = turn();
    // On few CPUs they fill up sooner than one ring does, so that some may be lost: each of these is told.
    into_a_file(
        "opensnoop",
        Some("--buffer-rings=2"),
        2,
        scaled(1_000_000),
        &["open"],
    );
}

#[test]
fn perf_buffers_of_one_page() {
    too_small(&["--buffer", "perf", "--buffer-size", "4k"]);
}

#[test]
fn nothing_lost_is_no_loss() {
    let _turn = turn();
    let uid = unique_uid();
    let running = traced("opensnoop", uid).arg("--fail-on-loss").start();
    let made = storm(uid, 1, 1_000, &["open"]);
    let finished = running.finish().success();
    assert_eq!(told(&finished), (made, 0));
}

/// A reader that takes nothing for as long as the storm lasts fills the pipe, then the tool, then the buffer.
#[test]
fn a_reader_that_sleeps() {
    let _turn = turn();
    let uid = unique_uid();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let running = traced("opensnoop", uid).stdout(writer).start();
    let made = storm(uid, 2, scaled(400_000), &["open"]);
    // Its own reader, since the tool cannot end before everything was taken.
    let taken = std::thread::spawn(move || {
        let mut table = Vec::new();
        reader.read_to_end(&mut table).unwrap();
        table
    });
    let finished = running.finish().success();
    let table = taken.join().unwrap();
    let rows = table.split_inclusive(|byte| *byte == b'\n');
    let rows = rows.filter(|line| !line.starts_with(b"(lost ")).count() as u64 - 1;
    let (events, lost) = told(&finished);
    assert!(
        lost > 0 || guest(),
        "a pipe cannot hold it: {}",
        finished.stderr
    );
    assert_eq!((rows, events + lost), (events, made), "{}", finished.stderr);
}

/// The reader catches up thousands of times, and must be woken after each. The load of one round fits into the
/// buffer's half, so that nothing but the wake-up for the next event brings it: a reader that missed one would
/// wait for ever.
fn always_woken(args: &[&str]) {
    let _turn = turn();
    let uid = unique_uid();
    // In memory: a reader that writes fast catches up often.
    let path = PathBuf::from(format!("/dev/shm/tracewell-{uid}"));
    let running = traced("opensnoop", uid).args(args).output(&path).start();
    let mut table = Growing::new(&path);
    // The name is not needed any more, and cannot be left behind.
    fs::remove_file(&path).unwrap();
    let mut made = 0;
    for _ in 0..if guest() { 10 } else { 60 } {
        made += storm(uid, 1, 10_000, &["open"]);
        table.wait_for(made, &running);
    }
    drop(running.finish().success());
}

#[test]
fn the_reader_never_stalls() {
    always_woken(&[]);
}

#[test]
fn the_reader_never_stalls_without_batching() {
    always_woken(&["--latency", "0"]);
}
