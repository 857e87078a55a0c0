// SPDX-License-Identifier: MIT OR Apache-2.0
//! Long runs, which `make soak` asks for: loads that go on for minutes, and what they do to a tool's memory.
//!
//! `TRACEWELL_SOAK` says for how many seconds each storm goes on; 120 without.

use std::env;
use std::thread::scope;
use std::time::{Duration, Instant};

use tracewell_tests::{note, scratch};

use crate::accounts::{Load, execs, opens, unlinks};
use crate::hostile::{many_threads, own_kib};
use crate::storms::{told, traced, turn, unique_uid};

fn duration() -> Duration {
    let text = env::var("TRACEWELL_SOAK").unwrap_or_else(|_| "120".to_owned());
    Duration::from_secs(text.parse().expect("a number of seconds"))
}

/// A load again and again, for as long as asked. The tool's own memory is what it was after the first tenth.
fn stays_as_large(load: &Load, options: &[&str]) {
    let _turn = turn();
    let (uid, directory) = (unique_uid(), scratch());
    let path = directory.path().join("told");
    let tool = traced(load.tool, uid)
        .args(options)
        .args(["--format", "csv"])
        .output(&path)
        .start();
    let (start, long) = (Instant::now(), duration());
    let mut made = 0;
    let mut sizes = Vec::new();
    while start.elapsed() < long {
        scope(|scope| {
            let storm = scope.spawn(|| load.make(uid));
            while !storm.is_finished() {
                sizes.push((start.elapsed(), own_kib(&tool)));
                std::thread::sleep(Duration::from_millis(100));
            }
            made += storm.join().expect("the storm ends");
        });
        // What was told so far is of no use, and would fill the disk.
        std::fs::File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_len(0))
            .expect("the tool's file");
    }
    let finished = tool.finish().success();
    let (events, lost) = told(&finished);
    let warm = sizes.iter().filter(|(at, _)| *at < long / 10);
    let warm = warm.map(|(_, kib)| *kib).max().expect("a first look");
    let most = sizes.iter().map(|(_, kib)| *kib).max().expect("a look");
    let last = sizes.last().expect("a look").1;
    note(&format!(
        "{} {options:?}: {made} made, {events} seen, {lost} lost in {} s; own memory {warm} KiB after the first tenth, \
         {most} at most, {last} at the end",
        load.tool,
        start.elapsed().as_secs()
    ));
    assert_eq!(events + lost, made, "{}", finished.stderr);
    assert!(most <= warm + 1024, "from {warm} KiB to {most}");
}

#[test]
#[ignore = "takes minutes: make soak"]
fn opens_go_on() {
    stays_as_large(&opens(), &[]);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn opens_with_callers_go_on() {
    stays_as_large(&opens(), &["-c", "-F"]);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn execs_go_on() {
    stays_as_large(&execs(), &[]);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn unlinks_go_on() {
    stays_as_large(&unlinks(), &["-F"]);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn a_hundred_thousand_threads() {
    let _turn = turn();
    for options in [&[][..], &["-c"]] {
        many_threads(100_000, options);
    }
}
