// SPDX-License-Identifier: MIT OR Apache-2.0
//! The library on its own, on either of tokio's runtimes, against the running kernel.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "all of this is tests, and what they call"
)]

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::process::{Command, id};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use execsnoop::{Buffer, Execs, Filter, Item, Options, Stream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// How many execs succeed while one stream runs, and how many fail.
const MADE: usize = 50;

/// So long without an event is a hang.
const HANG: Duration = Duration::from_secs(120);

/// Children of this process only: nobody else starts any while a test has its turn.
fn options() -> Options {
    let filter = Filter {
        ppid: id().into(),
        ..Filter::default()
    };
    Options {
        filter,
        ..Options::default()
    }
}

/// Runs a program `MADE` times, and as often one that does not exist, each with its number.
fn exec_all() {
    for number in 0..MADE {
        let number = number.to_string();
        assert!(
            Command::new("/bin/true")
                .arg(&number)
                .status()
                .unwrap()
                .success()
        );
        Command::new("/nonexistent/library")
            .arg(&number)
            .status()
            .unwrap_err();
    }
}

/// Reads until so many events have come; gives how often each exec did.
async fn read(execs: &mut Stream<Execs>, most: usize) -> BTreeMap<(Vec<Vec<u8>>, i32), usize> {
    let mut told = BTreeMap::new();
    let mut seen = 0;
    while seen < most {
        let batch = timeout(HANG, execs.next())
            .await
            .expect("no hang")
            .expect("no failure");
        let Some(batch) = batch else { break };
        for item in batch.items() {
            match item {
                Item::Event(exec) => {
                    assert_eq!(exec.ppid, id());
                    let args = exec
                        .args
                        .get()
                        .expect("arguments")
                        .map(|arg| arg.expect("a readable one").to_vec())
                        .collect();
                    *told.entry((args, exec.ret)).or_default() += 1;
                    seen += 1;
                }
                Item::Lost(gap) => panic!("{gap:?}"),
            }
        }
    }
    told
}

/// Each exec is told once, live as well as in what was left when the trace was stopped.
async fn live_and_drained(options: Options) {
    let settings = Execs {
        failed: true,
        ..Execs::default()
    };
    let mut execs = settings.start(&options).expect("a trace");
    exec_all();
    let live = read(&mut execs, 2 * MADE).await;
    exec_all();
    execs.stop();
    exec_all();
    let drained = read(&mut execs, usize::MAX).await;
    for told in [live, drained] {
        assert_eq!(told.len(), 2 * MADE, "{told:?}");
        for number in 0..MADE {
            for (program, ret) in [("/bin/true", 0), ("/nonexistent/library", -2)] {
                let args = vec![program.as_bytes().to_vec(), number.to_string().into_bytes()];
                assert_eq!(
                    told.get(&(args, ret)),
                    Some(&1),
                    "{program} {number}: {told:?}"
                );
            }
        }
    }
    assert!(execs.next().await.unwrap().is_none(), "the end stays");
    let account = execs.account();
    assert_eq!((account.seen, account.lost.total()), (4 * MADE as u64, 0));
}

/// Programs that this process has attached.
fn links() -> usize {
    let files = fs::read_dir("/proc/self/fdinfo").unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap_or_default());
    texts.filter(|text| text.contains("link_id:")).count()
}

/// One at a time: all children of the process are traced.
fn run(runtime: Runtime, test: impl Future<Output = ()>) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    runtime.block_on(test);
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn execs_are_seen_once_on_one_thread() {
    run(current_thread(), live_and_drained(options()));
}

#[test]
fn execs_are_seen_once_in_a_task_that_may_move() {
    run(multi_thread(), async {
        tokio::spawn(live_and_drained(options())).await.unwrap();
    });
}

#[test]
fn perf_buffers_do_as_well() {
    let options = Options {
        buffer: Buffer::Perf,
        ..options()
    };
    run(multi_thread(), async {
        tokio::spawn(live_and_drained(options)).await.unwrap();
    });
}

#[test]
fn successes_only_unless_asked() {
    run(current_thread(), async {
        let mut execs = Execs::default().start(&options()).expect("a trace");
        exec_all();
        execs.stop();
        let told = read(&mut execs, usize::MAX).await;
        assert_eq!(told.len(), MADE, "{told:?}");
        assert!(told.keys().all(|(_, ret)| *ret == 0), "{told:?}");
    });
}

#[test]
fn what_a_small_buffer_loses_is_accounted_for() {
    run(current_thread(), async {
        let options = Options {
            buffer_bytes: Some(4096),
            ..options()
        };
        let mut execs = Execs::default().start(&options).expect("a trace");
        // Nobody reads meanwhile.
        exec_all();
        execs.stop();
        let (mut seen, mut lost) = (0, 0);
        while let Some(batch) = execs.next().await.unwrap() {
            for item in batch.items() {
                match item {
                    Item::Event(_) => seen += 1,
                    Item::Lost(gap) => lost += gap.count,
                }
            }
        }
        let account = execs.account();
        assert!(seen > 0 && lost > 0, "{account:?}");
        assert_eq!(seen + lost, MADE as u64);
        assert_eq!((account.seen, account.lost.total()), (seen, lost));
    });
}

#[test]
fn dropping_detaches() {
    run(current_thread(), async {
        let before = links();
        let mut execs = Execs::default().start(&options()).expect("a trace");
        assert!(links() > before, "a trace is attached");
        execs.stop();
        assert_eq!(links(), before, "stopping detaches");
        let execs = Execs::default().start(&options()).expect("a trace");
        assert!(links() > before, "a trace is attached");
        drop(execs);
        assert_eq!(links(), before, "dropping detaches");
    });
}
