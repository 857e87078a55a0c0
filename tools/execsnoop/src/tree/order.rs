// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rows of a tree in their order: each program, below it what it started, then the program that its process ran next.

use std::collections::HashMap;

use tracewell_shared::event::ending::{Cpu, Ending};
use tracewell_shared::event::path::Path;
use tracewell_shared::event::{Bytes, Moment, Nanos};

use super::program::{Began, End, Program};
use super::{Process, Tree};
use crate::event::Args;

/// How many lines lead to a row at most; what is deeper stands below these.
const LEAD_MOST: usize = 64;

/// All rows, the first of each tree before what is below it.
pub(super) fn rows(tree: &Tree) -> Vec<Program<'_>> {
    let children = children(tree);
    let mut rows = Vec::with_capacity(tree.processes.len());
    // A stack of its own: a tree may be deeper than the thread's.
    let mut left: Vec<(u32, Step)> = Vec::new();
    push(&mut left, 0, children.get(&None));
    while let Some((depth, step)) = left.pop() {
        match step {
            Step::Process(place) => {
                let Some(process) = tree.processes.get(place) else {
                    continue;
                };
                let programs = programs(tree, process, depth);
                // In turn: a program, its children, the next program.
                let all = children.get(&Some(place)).map_or(&[][..], Vec::as_slice);
                let last = programs.len().saturating_sub(1);
                for (index, (program, until_ns)) in programs.into_iter().enumerate().rev() {
                    let from_ns = if index == 0 { 0 } else { program.time.boot_ns };
                    let until_ns = if index == last { u64::MAX } else { until_ns };
                    let below = all.iter().filter(|child| {
                        let made_ns = tree
                            .processes
                            .get(**child)
                            .map_or(0, |child| child.started_ns);
                        (from_ns..until_ns).contains(&made_ns)
                    });
                    left.extend(
                        below
                            .rev()
                            .map(|child| (depth.saturating_add(1), Step::Process(*child))),
                    );
                    left.push((depth, Step::Row(Box::new(program))));
                }
            }
            Step::Row(program) => rows.push(*program),
        }
    }
    rows
}

/// What is still to be put in order.
enum Step<'a> {
    Process(usize),
    Row(Box<Program<'a>>),
}

fn push(left: &mut Vec<(u32, Step<'_>)>, depth: u32, places: Option<&Vec<usize>>) {
    let places = places.into_iter().flatten().rev();
    left.extend(places.map(|place| (depth, Step::Process(*place))));
}

/// The places of the processes that each made, in the order of their making; those of `None` have no parent in the tree.
fn children(tree: &Tree) -> HashMap<Option<usize>, Vec<usize>> {
    let mut by_pid: HashMap<u32, Vec<usize>> = HashMap::new();
    for (place, process) in tree.processes.iter().enumerate() {
        by_pid.entry(process.pid).or_default().push(place);
    }
    let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for (place, process) in tree.processes.iter().enumerate() {
        let parent = by_pid
            .get(&process.ppid)
            .and_then(|places| parent(tree, process, places));
        children.entry(parent).or_default().push(place);
    }
    for places in children.values_mut() {
        places.sort_by_key(|place| tree.processes.get(*place).map(|process| process.started_ns));
    }
    children
}

/// Of the processes with the number of a process's parent, the one that was there when the parent was told. It was made
/// before, so that there is no circle.
fn parent(tree: &Tree, process: &Process, places: &[usize]) -> Option<usize> {
    let there = |place: &&usize| {
        tree.processes.get(**place).is_some_and(|parent| {
            let ended_ns = parent
                .exit
                .as_ref()
                .map_or(u64::MAX, |(time_ns, _)| *time_ns);
            parent.started_ns < process.started_ns && process.seen_ns <= ended_ns
        })
    };
    let latest = |place: &&usize| tree.processes.get(**place).map(|parent| parent.started_ns);
    places.iter().filter(there).max_by_key(latest).copied()
}

/// The programs that a process ran, each with when the next one began.
fn programs<'a>(tree: &Tree, process: &'a Process, depth: u32) -> Vec<(Program<'a>, u64)> {
    let exit = process.exit.as_ref();
    let exit = exit.and_then(|(_, record)| tree.step(record));
    let (mut ended, mut end_ns) = match &exit {
        Some(exit) => (End::Exit, Some(exit.time.boot_ns)),
        None if tree.ended.complete => (End::Running, Some(tree.ended.ended_ns)),
        None => (End::Unknown, None),
    };
    let began = match process {
        process if process.forked => Began::Fork,
        process if process.started_ns < tree.ended.begun_ns => Began::Before,
        _ => Began::Unseen,
    };
    let row = |time_ns, began| Program {
        time: Moment { boot_ns: time_ns },
        pid: process.pid,
        ppid: process.ppid,
        uid: process.uid,
        comm: process.comm.as_slice(),
        depth,
        began,
        ended: End::Unknown,
        duration_ns: None,
        exec_after_ns: None,
        ending: Ending::UNKNOWN,
        cpu: Cpu::UNKNOWN,
        peak_rss_bytes: None::<Bytes>,
        filename: Path {
            bytes: None,
            truncated: false,
        },
        args: Args::NONE,
        lead: String::new(),
    };
    let mut programs: Vec<_> = process
        .execs
        .iter()
        .enumerate()
        .filter_map(|(index, (time_ns, record))| {
            let exec = tree.exec(record)?;
            // Its process began with it, where that was told.
            let with_process = index == 0 && began == Began::Fork;
            let mut program = match with_process {
                true => row(process.started_ns, began),
                false => row(*time_ns, Began::Exec),
            };
            if with_process {
                let after_ns = time_ns.saturating_sub(process.started_ns);
                program.exec_after_ns = Some(Nanos(after_ns));
            }
            program.uid = exec.uid;
            program.comm = exec.comm;
            program.filename = exec.filename;
            program.args = exec.args;
            Some(program)
        })
        .collect();
    if programs.is_empty() {
        programs.push(row(process.started_ns, began));
    }
    let mut all = Vec::with_capacity(programs.len());
    // From the last one back: each ends where the next one begins.
    while let Some(mut program) = programs.pop() {
        if let (End::Exit, Some(exit)) = (ended, &exit) {
            program.ending = exit.ending;
            program.cpu = exit.cpu;
            program.peak_rss_bytes = exit.peak_rss_bytes;
        }
        program.ended = ended;
        let began_ns = program.time.boot_ns;
        program.duration_ns = end_ns.map(|end_ns| Nanos(end_ns.saturating_sub(began_ns)));
        all.push((program, end_ns.unwrap_or(u64::MAX)));
        (ended, end_ns) = (End::Exec, Some(began_ns));
    }
    all.reverse();
    all
}

/// Leaves the rows that pass, and those above them; draws the lines that lead to each.
pub(super) fn arrange<'a>(rows: Vec<Program<'a>>, passes: &[bool]) -> Vec<Program<'a>> {
    // From below: a row is above what comes behind it and is deeper.
    let mut wanted = 0;
    let mut shown: Vec<_> = rows
        .into_iter()
        .zip(passes)
        .rev()
        .filter_map(|(program, passes)| {
            let depth = program.depth;
            let shows = *passes || wanted > depth;
            if shows {
                wanted = depth;
            }
            shows.then_some(program)
        })
        .collect();
    // Still from below: which depths have one more row further down.
    let mut open = Vec::new();
    for program in &mut shown {
        let depth = program.depth as usize;
        let has_more = open.get(depth).copied().unwrap_or(false);
        program.lead = lead(&open, depth, has_more);
        open.truncate(depth);
        open.resize(depth + 1, false);
        if let Some(own) = open.last_mut() {
            *own = true;
        }
    }
    shown.reverse();
    shown
}

fn lead(open: &[bool], depth: usize, has_more: bool) -> String {
    let mut lead = String::new();
    let Some(above) = depth.checked_sub(1) else {
        return lead;
    };
    for level in 1..=above.min(LEAD_MOST) {
        let goes_on = open.get(level).copied().unwrap_or(false);
        lead.push_str(if goes_on { "│  " } else { "   " });
    }
    lead.push_str(if has_more { "├─ " } else { "└─ " });
    lead
}
