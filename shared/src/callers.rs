// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who in a program made a call: the frames of its user stack, and their names.
//!
//! The addresses were taken in the kernel, when the call was made. Names are looked up when they are asked for, in
//! the process as it is by then: through `/proc/PID/maps` to the files that it has mapped, and in their symbol
//! tables. A process that has ended, or runs another program by then, gives no names, and never those of another:
//! its start and the layout of its memory came with the addresses, and must be what `/proc/PID/stat` says.

mod elf;
mod name;
mod process;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::data::raw::caller_space;
pub use crate::event::Frame;
use crate::event::{self, Fields, Group, Truncated, Type, Value};
/// What naming the callers of any process takes.
pub use crate::symbols::CAPABILITIES;

use elf::{FileId, Place};
use process::{Process, Space};

/// `CALLER_FRAMES` of `bpf/include/shared.h`.
const FRAMES_MAX: usize = 16;

/// Room for the callers behind an event: whose memory the addresses are of, and the frames, aligned.
pub const CALLERS_BYTES: usize = 7 + size_of::<caller_space>() + 8 * (FRAMES_MAX + 1);

/// So many processes are remembered at once, and so many places in files.
const PROCESSES_MAX: usize = 64;
const PLACES_MAX: usize = 4096;

/// Gives names to the callers of any number of processes. What it found is remembered, within bounds; clones share
/// that.
#[derive(Debug, Clone, Default)]
pub struct Symbols(Arc<Mutex<Cache>>);

/// What is at a position of a file; `None` where nothing can be said of it.
type Places = HashMap<(FileId, u64), Option<Place>>;

/// What was found.
#[derive(Debug, Default)]
struct Cache {
    processes: HashMap<u32, Process>,
    places: Places,
}

/// The user stack of one call.
#[derive(Debug, Clone, Copy)]
pub struct Callers<'a> {
    pid: u32,
    time_ns: u64,
    space: Space,
    addresses: &'a [u8],
    symbols: &'a Symbols,
}

impl<'a> Callers<'a> {
    /// From the bytes of a `struct callers` (`bpf/include/callers.bpf.h`), of a call of this process at this time of
    /// the boot-time clock. `None` without a frame.
    pub fn decode(bytes: &'a [u8], pid: u32, time_ns: u64, symbols: &'a Symbols) -> Option<Self> {
        let (head, addresses) = bytes.split_at_checked(size_of::<caller_space>())?;
        let mut space = caller_space::default();
        plain::copy_from_bytes(&mut space, head).ok()?;
        (addresses.len() >= size_of::<u64>()).then_some(Self {
            pid,
            time_ns,
            space: Space::of(&space),
            addresses,
            symbols,
        })
    }

    /// The addresses, innermost first: where each function returns to. At most 16.
    pub fn addresses(&self) -> impl Iterator<Item = u64> + 'a {
        let (words, _) = self.addresses.as_chunks::<8>();
        words
            .iter()
            .take(FRAMES_MAX)
            .map(|word| u64::from_ne_bytes(*word))
            // Where a program starts, there is no caller.
            .take_while(|address| *address != 0)
    }

    /// Whether there are outer frames that are not told.
    pub fn truncated(&self) -> bool {
        self.addresses.len() / size_of::<u64>() > FRAMES_MAX
    }

    /// Hands the frames over, innermost first, with names where they can be had now; gives how many addresses are left
    /// out, since none of the process's code is there, nor ever can be. Of a process that is gone less is known, and
    /// fewer are. The calling thread should have
    /// the [`CAPABILITIES`]; without, only processes are looked into that it may trace by itself, or none.
    ///
    /// This reads files of the traced program, and waits for them. `give` must not ask for frames itself.
    pub fn frames(&self, give: &mut dyn FnMut(&Frame<'_>)) -> usize {
        let cache = &mut *self
            .symbols
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Cache { processes, places } = cache;
        if processes.len() >= PROCESSES_MAX && !processes.contains_key(&self.pid) {
            processes.clear();
        }
        let process = processes.entry(self.pid).or_default();
        process.look(self.pid, &self.space, self.time_ns);
        let mut left_out = 0;
        for address in self.addresses() {
            // The call itself: what follows it may be another function's.
            let call = address.saturating_sub(1);
            if process.may_call(call) {
                give(&process.frame(address, call, places));
            } else {
                left_out += 1;
            }
        }
        left_out
    }
}

/// Who in a program made a call, if that was asked for.
#[derive(Debug, Clone, Copy, Group)]
pub struct Stack<'a> {
    /// The user stack of the call, the innermost function first.
    #[field(
        null = "without `-c`, and where there is none",
        truncated = "Some are missing: there are outer functions that are not told, or addresses where the process has no code \
                     were left out."
    )]
    pub callers: Option<Callers<'a>>,
}

impl Stack<'_> {
    /// A line below the row for each caller; none where there is no stack.
    pub fn show_below(&self, cell: &mut event::Cell<'_>) {
        if let Some(callers) = &self.callers {
            callers.show(cell);
        }
    }
}

impl Value for Callers<'_> {
    const TYPE: Type = Type::Frames(FRAMES_MAX);

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.frames(name, Some(&|give| _ = self.frames(give)));
    }

    /// A line below the row for each.
    fn show(&self, cell: &mut event::Cell<'_>) {
        let left_out = self.frames(&mut |frame| {
            cell.below();
            cell.frame(frame);
        });
        // What is no code is where the stack could not be followed any further.
        if self.truncated() || left_out > 0 {
            cell.below();
            cell.cut();
        }
    }
}

impl Truncated for Callers<'_> {
    fn is_truncated(&self) -> bool {
        self.truncated() || self.frames(&mut |_| {}) > 0
    }

    fn give_both(&self, names: [&'static str; 2], to: &mut dyn Fields) {
        // Where frames are missing, whether there were more or these were none: looked at once, as a process may go.
        let left_out = Cell::new(0);
        to.frames(names[0], Some(&|give| left_out.set(self.frames(give))));
        to.bool(names[1], self.truncated() || left_out.get() > 0);
    }
}

#[cfg(test)]
mod test_code;
#[cfg(test)]
mod tests;
