// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tree of processes: what ran below what, from steps that come in any order.
//!
//! A process is known by its number and by when it was made, both as the kernel has them, so that another one of its number
//! is never taken for it. Nothing is guessed: of what was lost the beginning or the end is told as not known.

mod order;
mod program;
mod trace_event;

use std::collections::HashMap;

use tracewell_shared::error::Result;
use tracewell_shared::run::gathered::{Ended, Gathered};

use crate::event::Exec;
use crate::processes::Processes;
use crate::step::{Step, What};

pub use self::program::{Began, End, Program, Programs};

/// How many processes a tree has room for, where nobody says.
pub const DEFAULT_MOST: usize = 100_000;

/// The processes of a trace.
///
/// ```no_run
/// use execsnoop::tree::Tree;
/// use execsnoop::{Item, Options, Processes, Result};
/// use tracewell_shared::run::gathered::{Ended, Gathered};
///
/// # async fn run(begun_ns: u64, ended_ns: u64) -> Result<()> {
/// let mut steps = Processes::default().start(&Options::default())?;
/// let mut tree = Tree::default();
/// while let Some(batch) = steps.next().await? {
///     for item in batch.items() {
///         if let Item::Event(step) = item {
///             tree.add(&step);
///         }
///     }
///     steps.stop(); // after the first batch
/// }
/// let complete = steps.account().lost.total() == 0;
/// tree.end(Ended { begun_ns, ended_ns, complete });
/// for program in tree.rows() {
///     println!("{}{:?}", "  ".repeat(program.depth as usize), program.filename.bytes);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Tree {
    processes: Vec<Process>,
    /// Their places, by number and time of making.
    places: HashMap<(u32, u64), usize>,
    most: usize,
    max_args: usize,
    without_room: u64,
    ended: Ended,
}

/// What is known of a process.
#[derive(Debug)]
struct Process {
    pid: u32,
    started_ns: u64,
    /// The parent, as of the first step that was told.
    ppid: u32,
    uid: u32,
    /// When the parent was read.
    seen_ns: u64,
    /// Whether its making was told.
    forked: bool,
    /// The name that it was made with, or had at its end.
    comm: Vec<u8>,
    /// The records of its execs, with their times.
    execs: Vec<(u64, Box<[u8]>)>,
    /// That of its end.
    exit: Option<(u64, Box<[u8]>)>,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new(DEFAULT_MOST, usize::MAX)
    }
}

impl Tree {
    /// A tree with room for so many processes, whose programs have so many arguments at most.
    pub fn new(most: usize, max_args: usize) -> Self {
        Self {
            processes: Vec::new(),
            places: HashMap::new(),
            most,
            max_args,
            without_room: 0,
            ended: Ended {
                begun_ns: 0,
                ended_ns: 0,
                complete: false,
            },
        }
    }

    /// The process of a step; `None` where there is no room for it.
    fn process(&mut self, step: &Step<'_>) -> Option<&mut Process> {
        let key = (step.pid, step.started.boot_ns);
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None if self.processes.len() >= self.most => return None,
            None => {
                let place = self.processes.len();
                self.processes.push(Process {
                    pid: step.pid,
                    started_ns: step.started.boot_ns,
                    ppid: step.ppid,
                    uid: step.uid,
                    seen_ns: step.time.boot_ns,
                    forked: false,
                    comm: step.comm.to_vec(),
                    execs: Vec::new(),
                    exit: None,
                });
                self.places.insert(key, place);
                place
            }
        };
        self.processes.get_mut(place)
    }

    /// A step of a process, from the record that it was kept as.
    fn step<'a>(&self, record: &'a [u8]) -> Option<Step<'a>> {
        Step::decode(record, self.max_args)
    }

    /// An exec, from the record that it was kept as.
    fn exec<'a>(&self, record: &'a [u8]) -> Option<Exec<'a>> {
        Exec::decode(record, self.max_args)
    }
}

impl Gathered for Tree {
    type Of = Processes;
    type Report = Programs;

    fn add(&mut self, step: &Step<'_>) {
        let Some(process) = self.process(step) else {
            self.without_room += 1;
            return;
        };
        // Steps of different CPUs may come in another order than they were made in.
        if step.time.boot_ns < process.seen_ns {
            process.seen_ns = step.time.boot_ns;
            process.ppid = step.ppid;
            process.uid = step.uid;
        }
        let kept = || (step.time.boot_ns, step.record.into());
        match step.what {
            What::Fork => {
                process.forked = true;
                process.comm = step.comm.to_vec();
            }
            What::Exec => process.execs.push(kept()),
            What::Exit => process.exit = Some(kept()),
        }
    }

    fn end(&mut self, ended: Ended) {
        self.ended = ended;
        for process in &mut self.processes {
            process.execs.sort_by_key(|(time_ns, _)| *time_ns);
        }
    }

    fn rows(&self) -> Vec<Program<'_>> {
        order::rows(self)
    }

    fn arrange<'a>(&'a self, rows: Vec<Program<'a>>, passes: &[bool]) -> Vec<Program<'a>> {
        order::arrange(rows, passes)
    }

    fn document<'a>(
        &'a self,
        rows: &[Program<'a>],
        write: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        trace_event::write(rows, self.ended, write)
    }

    fn without_room(&self) -> u64 {
        self.without_room
    }
}

#[cfg(test)]
mod tests;
