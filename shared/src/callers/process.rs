// SPDX-License-Identifier: MIT OR Apache-2.0
//! A process's memory: what is mapped where, and whether it still is the one that called.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};

use super::elf::{self, FileId, Place};
use super::{Frame, PLACES_MAX, Places};
use crate::data::raw::caller_space;
use crate::kernel::clock::{boot_now_ns, namespace_ns};
use crate::kernel::pid;
use crate::symbols::maps::{self, Line};

/// The kernel's clock ticks as it shows them to user space: `USER_HZ`, 100 on all that Rust and BPF run on.
const TICK_NS: u64 = 1_000_000_000 / 100;

/// As much of `/proc/PID/maps` is read, so much is kept of it: a program may have any number of mappings.
const MAPS_BYTES_MAX: u64 = 16 << 20;
const PATHS_BYTES_MAX: usize = 256 << 10;
const MAPPINGS_MAX: usize = 4096;

/// Tells one address space from another: `struct caller_space`, as `/proc/PID/stat` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Space {
    start_ticks: u64,
    start_code: u64,
    end_code: u64,
    start_stack: u64,
}

impl Space {
    pub(super) fn of(raw: &caller_space) -> Self {
        Self {
            // As /proc shows it: in the reader's time namespace.
            start_ticks: raw.start_ns.saturating_add_signed(namespace_ns()) / TICK_NS,
            start_code: raw.start_code,
            end_code: raw.end_code,
            start_stack: raw.start_stack,
        }
    }

    /// The one that the process has now. Without the right to look into it, its numbers are none of the truth's.
    fn now(pid: u32) -> Option<Self> {
        Self::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// From `/proc/PID/stat`: `proc_pid_stat(5)`, fields 22 and 26 to 28.
    fn parse(stat: &[u8]) -> Option<Self> {
        // The name, which may hold anything, ends at the last one.
        let name_end = stat.iter().rposition(|byte| *byte == b')')?;
        let rest = str::from_utf8(stat.get(name_end + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace().skip(22 - 3);
        let mut next = |skip: usize| fields.nth(skip)?.parse().ok();
        Some(Self {
            start_ticks: next(0)?,
            start_code: next(26 - 22 - 1)?,
            end_code: next(0)?,
            start_stack: next(0)?,
        })
    }
}

/// What a process had mapped when it was last looked at.
#[derive(Debug, Default)]
pub(super) struct Process {
    space: Space,
    taken_ns: u64,
    /// Its number in `/proc`, which is that of the namespace there.
    number: u32,
    memory: Memory,
}

/// What can be executed in a process's memory.
#[derive(Debug, Default)]
struct Memory {
    /// By address.
    mappings: Vec<Mapping>,
    /// Whether these are all.
    whole: bool,
}

/// No user's code lies outside of these, on any architecture: the first page is never mapped, and no address has more
/// than 56 bits.
const CODE: std::ops::Range<u64> = 4096..1 << 56;

#[derive(Debug)]
struct Mapping {
    start: u64,
    end: u64,
    /// Where in the file it starts.
    offset: u64,
    path: Box<[u8]>,
    file: Opened,
}

/// Whether a mapping's file was looked at.
#[derive(Debug, Clone, Copy)]
enum Opened {
    NotYet,
    Known(FileId),
    /// There is none, or it may not be read.
    Never,
}

impl Process {
    /// Looks at the process, unless it was since `time_ns`. What was known of the same memory stays, should the
    /// process be gone.
    pub(super) fn look(&mut self, pid: u32, space: &Space, time_ns: u64) {
        let same = self.space == *space;
        if same && self.taken_ns >= time_ns {
            return;
        }
        self.taken_ns = boot_now_ns();
        let number = number(pid, space);
        match number.and_then(|number| mappings(number, space)) {
            Some(memory) => self.memory = memory,
            None if !same => self.memory = Memory::default(),
            None => {}
        }
        self.number = number.unwrap_or(pid);
        self.space = *space;
    }

    /// Whether the address of a call can be one: code was mapped there, as far as that is known. The kernel follows
    /// frame pointers, and in a function that uses the register for something else it takes what lies there for one.
    pub(super) fn may_call(&self, call: u64) -> bool {
        CODE.contains(&call) && (!self.memory.whole || self.memory.at(call).is_some())
    }

    /// The frame of an address, named after the instruction at `call`.
    pub(super) fn frame<'c>(
        &'c mut self,
        address: u64,
        call: u64,
        places: &'c mut Places,
    ) -> Frame<'c> {
        let mut frame = Frame {
            address,
            symbol: None,
            offset: None,
            module: None,
        };
        let mapping = self.memory.at(call);
        let Some(mapping) = mapping.and_then(|index| self.memory.mappings.get_mut(index)) else {
            return frame;
        };
        let at = mapping.offset.saturating_add(call - mapping.start);
        let place = mapping.place(self.number, &self.space, at, places);
        frame.module = (!mapping.path.is_empty()).then_some(&*mapping.path);
        if let Some(place) = place {
            frame.symbol = place.symbol.as_deref();
            frame.offset = Some(place.offset.saturating_add(address - call));
        }
        frame
    }
}

impl Memory {
    /// The index of the mapping at this address.
    fn at(&self, address: u64) -> Option<usize> {
        let index = self.mappings.partition_point(|each| each.end <= address);
        let mapping = self.mappings.get(index)?;
        (mapping.start <= address).then_some(index)
    }
}

impl Mapping {
    /// What is at this position of the mapping's file.
    fn place<'c>(
        &mut self,
        pid: u32,
        space: &Space,
        at: u64,
        places: &'c mut Places,
    ) -> Option<&'c Place> {
        let mut open = None;
        if matches!(self.file, Opened::NotYet) {
            open = self.open(pid, space);
            let id = open.as_ref().and_then(FileId::of);
            self.file = id.map_or(Opened::Never, Opened::Known);
        }
        let Opened::Known(id) = self.file else {
            return None;
        };
        if !places.contains_key(&(id, at)) {
            let file = match open {
                Some(file) => file,
                None => self.open(pid, space)?,
            };
            // It may have been changed, or another one be mapped by now.
            let place = elf::find(&file, at);
            if FileId::of(&file) != Some(id) {
                return None;
            }
            if places.len() >= PLACES_MAX {
                places.clear();
            }
            places.insert((id, at), place);
        }
        places.get(&(id, at))?.as_ref()
    }

    /// The file, whatever has become of its path.
    fn open(&self, pid: u32, space: &Space) -> Option<File> {
        if !self.path.starts_with(b"/") {
            return None;
        }
        let handle = maps::mapped(pid, self.start, self.end).ok()?;
        // The process, or its memory, may have become another one.
        if Space::now(pid) != Some(*space) {
            return None;
        }
        handle.open().ok()
    }
}

/// The number that the process has in `/proc`. In a pid namespace of the tool's own, such as a container's, that is
/// another one than the kernel's programs know it by; there the process is found by its memory. Two that look alike,
/// such as a process and its child of the same moment, are both left without names rather than mixed up.
fn number(pid: u32, space: &Space) -> Option<u32> {
    if Space::now(pid) == Some(*space) {
        return Some(pid);
    }
    if pid::in_initial_namespace() {
        return None;
    }
    let mut found = None;
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if Space::now(number) == Some(*space) && found.replace(number).is_some() {
            return None;
        }
    }
    found
}

/// What can be executed in the process's memory, if that still is this one.
fn mappings(pid: u32, space: &Space) -> Option<Memory> {
    // Which memory this shows is settled as it is opened. Memory that is found in place after that was there then.
    let maps = File::open(format!("/proc/{pid}/maps")).ok()?;
    if Space::now(pid)? != *space {
        return None;
    }
    parse(BufReader::new(maps.take(MAPS_BYTES_MAX)))
}

fn parse(mut maps: impl BufRead) -> Option<Memory> {
    let mut mappings = Vec::new();
    let mut whole = true;
    let mut room = PATHS_BYTES_MAX;
    let mut line = Vec::new();
    while {
        line.clear();
        maps.read_until(b'\n', &mut line).ok()? > 0
    } {
        // The end of what is read, not of a line.
        whole &= line.ends_with(b"\n");
        let Some(mapping) = line.strip_suffix(b"\n").and_then(parse_line) else {
            continue;
        };
        room = match room.checked_sub(mapping.path.len()) {
            Some(room) if mappings.len() < MAPPINGS_MAX => room,
            _ => {
                whole = false;
                break;
            }
        };
        mappings.push(mapping);
    }
    Some(Memory { mappings, whole })
}

/// A line of `/proc/PID/maps`, if its memory can be executed.
fn parse_line(line: &[u8]) -> Option<Mapping> {
    let line = Line::parse(line)?;
    line.executable.then(|| Mapping {
        start: line.start,
        end: line.end,
        offset: line.offset,
        path: line.path.into(),
        file: Opened::NotYet,
    })
}

#[cfg(test)]
mod tests;
