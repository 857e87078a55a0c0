// SPDX-License-Identifier: MIT OR Apache-2.0
//! Threads that take one CPU from each other.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use tracewell_tests::{Actor, Finished, Playing, Stage, Tool};

use super::forks::FORKS;
use super::reader::READER;
use crate::storms::guest;
use crate::sys;

/// What a thread does in its round of this number; gives how many events that makes.
pub(super) type Round = Box<dyn Fn(usize) -> u64 + Send>;

/// One thread of a load.
pub(super) struct Part {
    /// The thread's name, which is in all that it does.
    pub(super) name: &'static str,
    /// How long it sleeps before each round. It is a real-time thread then: it takes the CPU from whoever has it, be that
    /// in the middle of a program. Without, it has its fair share.
    pub(super) period: Option<Duration>,
    pub(super) round: Round,
}

/// Keeps this process, and what it makes from now on, on the first CPU that it may use.
pub(super) fn pin() {
    let own = Pid::from_raw(0);
    let allowed = sched_getaffinity(own).unwrap();
    let first = (0..CpuSet::count()).find(|cpu| allowed.is_set(*cpu).unwrap());
    let mut one = CpuSet::new();
    one.set(first.expect("a CPU")).unwrap();
    sched_setaffinity(own, &one).unwrap();
}

/// Makes the calling thread a real-time one. On a machine that is not a guest, this may not be allowed.
pub(super) fn hurry() {
    let priority = libc::sched_param { sched_priority: 10 };
    // SAFETY: the kernel reads the parameter.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const priority) };
    let result = Errno::result(result);
    assert!(result.is_ok() || !guest(), "{result:?}");
}

/// Plays the parts in this actor, so many rounds each; those with a period end with the last of the others. Says when all
/// threads are there, waits, and says at the end how many events they made.
pub(super) fn play(stage: &mut Stage, rounds: usize, parts: Vec<Part>) {
    pin();
    let fair = parts.iter().filter(|part| part.period.is_none()).count();
    let (fair, made) = (AtomicUsize::new(fair), AtomicU64::new(0));
    // What the C library opens for new threads is over when they have come here.
    let (ready, start) = (Barrier::new(parts.len() + 1), Barrier::new(parts.len() + 1));
    scope(|scope| {
        for part in parts {
            let (fair, made, ready, start) = (&fair, &made, &ready, &start);
            scope.spawn(move || {
                sys::set_comm(part.name.as_bytes());
                if part.period.is_some() {
                    hurry();
                }
                ready.wait();
                start.wait();
                let mut own = 0;
                for number in 0..rounds {
                    if let Some(period) = part.period {
                        sleep(period);
                        if fair.load(Ordering::Relaxed) == 0 {
                            break;
                        }
                    }
                    own += (part.round)(number);
                }
                if part.period.is_none() {
                    fair.fetch_sub(1, Ordering::Relaxed);
                }
                made.fetch_add(own, Ordering::Relaxed);
            });
        }
        ready.wait();
        stage.say("ready");
        stage.wait();
        start.wait();
    });
    stage.say(made.into_inner().to_string());
}

/// What happens beside a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    Nothing,
    /// Another program reads a BPF map, which has the kernel skip programs of some kinds on that CPU.
    Reader,
    /// Other processes fork, on the same CPU.
    Forks,
}

impl Beside {
    /// How many rounds of these do: what takes the CPU as well makes up for a load that is smaller.
    pub(super) fn rounds(self, alone: usize) -> usize {
        match self {
            Self::Nothing => alone,
            Self::Reader | Self::Forks => alone / 2,
        }
    }

    /// Its name for the matrix.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Reader => "reader",
            Self::Forks => "forks",
        }
    }

    /// Starts what happens beside; it lasts until it is dropped.
    pub(super) fn start(self) -> Option<Playing> {
        let actor = match self {
            Self::Nothing => return None,
            Self::Reader => READER,
            Self::Forks => FORKS,
        };
        let mut actor = Actor::new(actor).start();
        actor.go();
        assert_eq!(actor.hear(), "begun");
        Some(actor)
    }
}

/// Has the tool trace an actor that [plays](play); gives the run, and how many events were made.
pub(super) fn trace(tool: &str, options: &[&str], actor: Actor, beside: Beside) -> (Finished, u64) {
    trace_by("--pid", tool, options, actor, beside)
}

/// The same by this filter, which takes the actor's process.
pub(super) fn trace_by(
    filter: &str,
    tool: &str,
    options: &[&str],
    actor: Actor,
    beside: Beside,
) -> (Finished, u64) {
    let mut actor = actor.start();
    actor.go();
    assert_eq!(actor.hear(), "ready");
    let tool = Tool::new(tool)
        .json()
        .args(options)
        .args([filter, &actor.pid().to_string()])
        .start();
    let beside = beside.start();
    actor.go();
    let made = actor.finish().trim().parse().expect("a number");
    drop(beside);
    (tool.finish().success(), made)
}
