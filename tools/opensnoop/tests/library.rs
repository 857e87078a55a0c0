// SPDX-License-Identifier: MIT OR Apache-2.0
//! The library on its own, on either of tokio's runtimes, against the running kernel.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "all of this is tests, and what they call"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::future::Future;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use opensnoop::{Buffer, Filter, Item, Opens, Options, Stream, Symbols};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// How many opens are made while one stream runs.
const MADE: usize = 5_000;

/// So long without an event is a hang.
const HANG: Duration = Duration::from_secs(120);

/// A thread that opens `MADE` files of different names each time it is told to.
struct Opener {
    tid: u32,
    go: Sender<()>,
    done: Receiver<()>,
}

impl Opener {
    fn start() -> Self {
        let (go, told) = channel();
        let (tell, done) = channel();
        let (tell_tid, tid) = channel();
        thread::spawn(move || {
            tell_tid
                .send(nix::unistd::gettid().as_raw().cast_unsigned())
                .unwrap();
            for () in told {
                for number in 0..MADE {
                    File::open(name(number)).unwrap_err();
                }
                tell.send(()).unwrap();
            }
        });
        let tid = tid.recv().unwrap();
        Self { tid, go, done }
    }

    fn open_all(&self) {
        self.go.send(()).unwrap();
        self.done.recv().unwrap();
    }

    fn options(&self) -> Options {
        let filter = Filter {
            tid: self.tid.into(),
            ..Filter::default()
        };
        Options {
            filter,
            ..Options::default()
        }
    }
}

fn name(number: usize) -> String {
    format!("/nonexistent/library/{number}")
}

/// Reads until so many events have come; gives how often each path did.
async fn read(opens: &mut Stream<Opens>, tid: u32, most: usize) -> BTreeMap<Vec<u8>, usize> {
    let mut paths = BTreeMap::new();
    let mut seen = 0;
    while seen < most {
        let batch = timeout(HANG, opens.next())
            .await
            .expect("no hang")
            .expect("no failure");
        let Some(batch) = batch else { break };
        for item in batch.items() {
            match item {
                Item::Event(open) => {
                    assert_eq!((open.task.tid, open.task.pid), (tid, std::process::id()));
                    assert_eq!((open.fd, open.failure.errno), (None, Some(2)));
                    *paths
                        .entry(open.file.path.bytes.expect("a path").to_vec())
                        .or_default() += 1;
                    seen += 1;
                }
                Item::Lost(gap) => panic!("{gap:?}"),
            }
        }
    }
    paths
}

/// Each open is seen once, live as well as in what was left when the trace was stopped.
async fn live_and_drained(options: Options, opener: Opener) {
    let mut opens = Opens::default().start(&options).expect("a trace");
    opener.open_all();
    let live = read(&mut opens, opener.tid, MADE).await;
    opener.open_all();
    opens.stop();
    opener.open_all();
    let drained = read(&mut opens, opener.tid, usize::MAX).await;
    for paths in [live, drained] {
        assert_eq!(paths.len(), MADE);
        assert!((0..MADE).all(|number| paths.get(name(number).as_bytes()) == Some(&1)));
    }
    assert!(opens.next().await.unwrap().is_none(), "the end stays");
    let account = opens.account();
    assert_eq!((account.seen, account.lost.total()), (2 * MADE as u64, 0));
}

/// Programs that this process has attached.
fn links() -> usize {
    let files = fs::read_dir("/proc/self/fdinfo").unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap_or_default());
    texts.filter(|text| text.contains("link_id:")).count()
}

/// One at a time: what the process holds is looked at.
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
fn opens_are_seen_once_on_one_thread() {
    let opener = Opener::start();
    run(current_thread(), live_and_drained(opener.options(), opener));
}

#[test]
fn opens_are_seen_once_in_a_task_that_may_move() {
    let opener = Opener::start();
    run(multi_thread(), async {
        tokio::spawn(live_and_drained(opener.options(), opener))
            .await
            .unwrap();
    });
}

#[test]
fn perf_buffers_do_as_well() {
    let opener = Opener::start();
    let mut options = opener.options();
    options.buffer = Buffer::Perf;
    // Room for all on one CPU.
    options.buffer_bytes = Some(4 << 20);
    run(multi_thread(), async {
        tokio::spawn(live_and_drained(options, opener))
            .await
            .unwrap();
    });
}

#[test]
fn callers_are_addresses_that_can_be_named() {
    let opener = Opener::start();
    run(multi_thread(), async {
        let tracer = Opens {
            callers: Some(Symbols::default()),
            ..Opens::default()
        };
        let mut opens = tracer.start(&opener.options()).expect("a trace");
        opener.open_all();
        opens.stop();
        let mut seen = 0;
        while let Some(batch) = opens.next().await.unwrap() {
            for item in batch.items() {
                let Item::Event(open) = item else {
                    panic!("{item:?}")
                };
                let callers = open.stack.callers.expect("a stack");
                let addresses: Vec<_> = callers.addresses().collect();
                let mut frames = Vec::new();
                let left_out = callers.frames(&mut |frame| {
                    frames.push(frame.address);
                    if frames.len() == 1 {
                        // The C library's, whatever it calls its function.
                        assert!(
                            frame.symbol.is_some() && frame.module.is_some(),
                            "{frame:?}"
                        );
                    }
                });
                assert!(!addresses.is_empty());
                // What no code is at is left out: some functions keep other things than a frame's address where the kernel
                // looks for one.
                assert_eq!(frames.len() + left_out, addresses.len());
                assert_eq!(frames[0], addresses[0]);
                assert!(frames.iter().all(|frame| addresses.contains(frame)));
                seen += 1;
            }
        }
        assert_eq!(seen, MADE);
    });
}

#[test]
fn what_a_small_buffer_loses_is_accounted_for() {
    let opener = Opener::start();
    run(current_thread(), async {
        let mut options = opener.options();
        options.buffer_bytes = Some(4096);
        let mut opens = Opens::default().start(&options).expect("a trace");
        // Nobody reads meanwhile.
        opener.open_all();
        opens.stop();
        let (mut seen, mut lost) = (0, 0);
        while let Some(batch) = opens.next().await.unwrap() {
            for item in batch.items() {
                match item {
                    Item::Event(_) => seen += 1,
                    Item::Lost(gap) => lost += gap.count,
                }
            }
        }
        let account = opens.account();
        assert!(seen > 0 && lost > 0, "{account:?}");
        assert_eq!(seen + lost, MADE as u64);
        assert_eq!((account.seen, account.lost.total()), (seen, lost));
    });
}

#[test]
fn a_reader_that_gives_up_waiting_loses_nothing() {
    let opener = Opener::start();
    run(current_thread(), async {
        let mut opens = Opens::default().start(&opener.options()).expect("a trace");
        for _ in 0..20 {
            drop(timeout(Duration::from_millis(1), opens.next()).await);
        }
        opener.open_all();
        let mut seen = 0;
        while seen < MADE {
            if let Ok(batch) = timeout(Duration::from_millis(1), opens.next()).await {
                seen += batch.unwrap().expect("it goes on").len();
            }
        }
        assert_eq!(seen, MADE);
    });
}

#[test]
fn dropping_detaches() {
    let opener = Opener::start();
    run(current_thread(), async {
        let before = links();
        let mut opens = Opens::default().start(&opener.options()).expect("a trace");
        assert!(links() > before, "a trace is attached");
        opens.stop();
        assert_eq!(links(), before, "stopping detaches");
        let opens = Opens::default().start(&opener.options()).expect("a trace");
        assert!(links() > before, "a trace is attached");
        drop(opens);
        assert_eq!(links(), before, "dropping detaches");
    });
}

#[test]
fn many_streams_run_side_by_side() {
    let openers: Vec<_> = (0..4).map(|_| Opener::start()).collect();
    run(multi_thread(), async {
        let tasks: Vec<_> = openers
            .into_iter()
            .map(|opener| tokio::spawn(live_and_drained(opener.options(), opener)))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// What this thread may do, as lines of its status.
fn privileges() -> Vec<String> {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let kinds = ["Cap", "NoNewPrivs", "Seccomp"];
    let lines = status.lines();
    let lines = lines.filter(|line| kinds.iter().any(|kind| line.starts_with(kind)));
    lines.map(str::to_owned).collect()
}

#[test]
fn what_its_user_may_do_is_left_alone() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let before = privileges();
        let filter = Filter {
            tid: 1.into(),
            ..Filter::default()
        };
        let options = Options {
            filter,
            ..Options::default()
        };
        let mut opens = Opens::default().start(&options).unwrap();
        assert_eq!(privileges(), before);
        opens.stop();
        while opens.next().await.unwrap().is_some() {}
        assert_eq!(privileges(), before);
    });
}
