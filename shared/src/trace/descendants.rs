// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes that descend from some that run: who they are when a trace begins. Those that are made later, the kernel's
//! side adds itself (`bpf/include/follow.bpf.h`).
//!
//! A process may end, and another one have its number, between the look at /proc and the attach. So all are looked at
//! once more after it: what has gone is taken out, and what came between is added.

use std::collections::{HashMap, HashSet};
use std::fs;

use libbpf_rs::{ErrorKind, MapCore, MapFlags, Object};

use crate::data::state::State;
use crate::error::{Error, Result};
use crate::trace::session::find_map;

/// The map of the kernel's side.
const FOLLOWED: &str = "followed";

/// Processes, each with when it was made: clock ticks since the machine started, as /proc/PID/stat has it.
type Living = HashMap<u32, u64>;

/// Those that descend from some processes, these included.
#[derive(Debug)]
pub(crate) struct Descendants {
    roots: Vec<u32>,
    known: Living,
}

impl Descendants {
    /// Those of these processes, as they are now.
    ///
    /// # Errors
    ///
    /// Where /proc cannot be read.
    pub(crate) fn of(roots: &[u32]) -> Result<Self> {
        Ok(Self {
            roots: roots.to_owned(),
            known: look(roots)?,
        })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.known.len()).unwrap_or(u32::MAX)
    }

    /// Puts them into the map of the processes that are followed, before the attach.
    pub(crate) fn put(&self, object: &Object) -> Result<()> {
        let map = find_map(object, FOLLOWED)?;
        for pid in self.known.keys() {
            map.update(&pid.to_ne_bytes(), &NOT_LOOKED_AT, MapFlags::ANY)
                .map_err(|error| full(&error))?;
        }
        Ok(())
    }

    /// After the attach: puts right what changed since. What was forked after it, the kernel's side has added.
    pub(crate) fn complete(self, object: &Object, state: &State) -> Result<()> {
        let map = find_map(object, FOLLOWED)?;
        let mut known = self.known;
        // Until a look finds nobody new: who is known then has all its later children added.
        loop {
            let now = look(&self.roots)?;
            let mut is_changed = false;
            for (pid, ticks) in &now {
                if known.get(pid) == Some(ticks) {
                    continue;
                }
                is_changed = true;
                known.insert(*pid, *ticks);
                match map.update(&pid.to_ne_bytes(), &NOT_LOOKED_AT, MapFlags::NO_EXIST) {
                    Ok(()) => state.follow_more(1),
                    // The kernel's side was first.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(full(&error)),
                }
            }
            if !is_changed {
                break;
            }
        }
        for (pid, ticks) in known {
            // An end that the kernel's side saw has taken it out already.
            if process(pid).is_none_or(|process| process.ticks != ticks)
                && map.delete(&pid.to_ne_bytes()).is_ok()
            {
                state.follow_fewer(1);
            }
        }
        Ok(())
    }
}

/// In the place of the time at which a process was made: the kernel's side finds that out.
const NOT_LOOKED_AT: [u8; 8] = [0; 8];

fn full(error: &libbpf_rs::Error) -> Error {
    Error::usage(format!(
        "--children: not all processes that descend from those of --pid can be followed: {error}"
    ))
    .help("name processes further down in the tree")
}

/// What /proc says of a process.
struct Process {
    ppid: u32,
    ticks: u64,
}

/// All that descend from these processes and run, and these themselves.
fn look(roots: &[u32]) -> Result<Living> {
    let failed = |error| Error::io("cannot look for the children of processes: /proc", &error);
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut ticks = Living::new();
    for entry in fs::read_dir("/proc").map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // It may have ended since.
        if let Some(process) = process(pid) {
            children.entry(process.ppid).or_default().push(pid);
            ticks.insert(pid, process.ticks);
        }
    }
    let mut left = roots.to_owned();
    let mut seen = HashSet::new();
    let mut living = Living::new();
    while let Some(pid) = left.pop() {
        if !seen.insert(pid) {
            continue;
        }
        if let Some(ticks) = ticks.get(&pid) {
            living.insert(pid, *ticks);
        }
        left.extend(children.get(&pid).into_iter().flatten());
    }
    Ok(living)
}

/// `None` where it does not run: a zombie does nothing any more.
fn process(pid: u32) -> Option<Process> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets, and may have some of its own, and any bytes.
    let end = memchr::memrchr(b')', &stat)?;
    let rest = str::from_utf8(stat.get(end + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    // proc(5): the fields from the third on; the 4th is the parent, the 22nd the start.
    let ppid = fields.next()?.parse().ok()?;
    let ticks = fields.nth(17)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(Process { ppid, ticks })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{look, process};

    #[test]
    fn children_and_theirs_are_found() {
        let script = "sleep 60 & sh -c 'sleep 60 & wait' & wait";
        let mut shell = Command::new("sh").args(["-c", script]).spawn().unwrap();
        // Until the shells have made theirs.
        let all = loop {
            let all = look(&[shell.id()]).unwrap();
            if all.len() == 4 {
                break all;
            }
        };
        let own = process(std::process::id()).unwrap();
        assert_eq!(process(shell.id()).unwrap().ppid, std::process::id());
        assert!(all.values().all(|ticks| *ticks >= own.ticks));
        let others = all.keys().filter(|pid| **pid != shell.id());
        let others: Vec<_> = others.map(u32::to_string).collect();
        Command::new("kill").args(&others).status().unwrap();
        shell.wait().unwrap();
        assert!(look(&[shell.id()]).unwrap().is_empty());
    }
}
