// SPDX-License-Identifier: MIT OR Apache-2.0
//! The memory that BPF programs and the tool both write: `struct shared_state`, mapped.

use std::mem::offset_of;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use crate::data::loss::Cause;
use crate::data::raw::{loss_slot, shared_state};
use crate::error::{Error, Result};

/// The mapped state of one loaded object. Reading it needs no privilege, whatever the kernel.
#[derive(Debug)]
pub(crate) struct State {
    memory: NonNull<shared_state>,
}

// SAFETY: the mapping belongs to the process, not to a thread, and is used through atomics only.
unsafe impl Send for State {}
// SAFETY: as above.
unsafe impl Sync for State {}

const BYTES: NonZeroUsize = match NonZeroUsize::new(size_of::<shared_state>()) {
    Some(bytes) => bytes,
    None => panic!("shared_state is empty"),
};

const SLOT_BYTES: usize = size_of::<loss_slot>();
/// `LOSS_SLOTS` of the header.
pub(crate) const SLOTS: usize =
    (size_of::<shared_state>() - offset_of!(shared_state, loss)) / SLOT_BYTES;

impl State {
    /// Maps the object's `.bss.shared`.
    pub(crate) fn map(map: impl AsFd) -> Result<Self> {
        // SAFETY: a fresh mapping of a map that was made mappable; nothing else knows the address.
        let memory = unsafe {
            mmap(
                None,
                BYTES,
                ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
                MapFlags::MAP_SHARED,
                map,
                0,
            )
        };
        match memory {
            Ok(memory) => Ok(Self {
                memory: memory.cast(),
            }),
            Err(errno) => Err(Error::io("cannot map the object's counters", &errno.into())),
        }
    }

    /// Lets BPF force a wake-up again.
    pub(crate) fn allow_forced_wake(&self) {
        self.set(offset_of!(shared_state, wake_forced), 0);
    }

    /// Lets no call begin to be followed from its entry to its exit.
    pub(crate) fn close(&self) {
        self.set(offset_of!(shared_state, closing), 1);
    }

    /// Counts the first of the processes that are followed.
    pub(crate) fn follow_first(&self, count: u32) {
        self.set(offset_of!(shared_state, followed), count);
    }

    /// Counts more of them. BPF counts at the same time.
    pub(crate) fn follow_more(&self, count: u32) {
        self.flag(offset_of!(shared_state, followed))
            .fetch_add(count, Ordering::Relaxed);
    }

    /// Counts fewer.
    pub(crate) fn follow_fewer(&self, count: u32) {
        self.flag(offset_of!(shared_state, followed))
            .fetch_sub(count, Ordering::Relaxed);
    }

    /// How many of the processes that are followed live.
    pub(crate) fn followed(&self) -> u32 {
        self.flag(offset_of!(shared_state, followed))
            .load(Ordering::Relaxed)
    }

    /// How many calls have been entered and not left.
    pub(crate) fn calls_under_way(&self) -> u64 {
        self.count_of(&[Cause::KprobeMissed, Cause::FexitMissed])
    }

    /// How many events have been begun and not been sent.
    pub(crate) fn unfinished(&self) -> u64 {
        self.count_of(&[Cause::Unfinished])
    }

    fn count_of(&self, causes: &[Cause]) -> u64 {
        let counted = self.counted().into_iter();
        let counted = counted.filter(|(cause, _)| causes.contains(cause));
        counted.map(|(_, count)| count).sum()
    }

    /// Sets one of the flags: 32 bits wide, of which only this side or only BPF writes each value, while programs are attached.
    fn set(&self, offset: usize, value: u32) {
        self.flag(offset).store(value, Ordering::Relaxed);
    }

    fn flag(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: inside the mapping and aligned; only atomics touch it on this side.
        unsafe { AtomicU32::from_ptr(self.memory.as_ptr().cast::<u8>().add(offset).cast()) }
    }

    /// What BPF has counted so far, over all CPUs.
    pub(crate) fn counted(&self) -> Vec<(Cause, u64)> {
        let mut counts = Vec::new();
        for (cause, index) in Cause::counted() {
            // What one CPU counted another may have taken back: only the sum is a count.
            let mut sum = 0_u64;
            for slot in 0..SLOTS {
                let offset =
                    offset_of!(shared_state, loss) + slot * SLOT_BYTES + index * size_of::<u64>();
                // SAFETY: inside the mapping, and aligned: a slot is its counts.
                let count = unsafe {
                    AtomicU64::from_ptr(self.memory.as_ptr().cast::<u8>().add(offset).cast())
                };
                sum = sum.wrapping_add(count.load(Ordering::Relaxed));
            }
            counts.push((cause, u64::try_from(sum.cast_signed()).unwrap_or(0)));
        }
        counts
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: mapped in `map` with this length, unmapped once. A failure would leave memory mapped; there
        // is nothing else to do about it.
        let _ = unsafe { munmap(self.memory.cast(), BYTES.get()) };
    }
}
