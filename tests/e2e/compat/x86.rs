// SPDX-License-Identifier: MIT OR Apache-2.0
//! A 64-bit program may make 32-bit calls, by an entry of their own.

use std::arch::asm;
use std::num::NonZeroUsize;
use std::slice;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use tracewell_tests::Stage;

pub(super) const OPENAT: u32 = 295;
pub(super) const UNLINKAT: u32 = 301;
pub(super) const EXECVEAT: u32 = 358;
pub(super) const SYNCFS: u32 = 344;
pub(super) const SYNC_FILE_RANGE: u32 = 314;

/// Its arguments, whose numbers of 64 bits take two registers each.
pub(super) fn range(fd: u32, [offset, bytes]: [[u32; 2]; 2], flags: u32) -> [u32; 6] {
    [fd, offset[0], offset[1], bytes[0], bytes[1], flags]
}

/// What are creat and openat to 64-bit programs: readlink and `remap_file_pages`. (What is open to them is fork.)
pub(super) const NO_OPENS: [u32; 2] = [85, 257];

/// What are execve and execveat to 64-bit programs: oldolduname and `timerfd_create`.
pub(super) const NO_EXECS: [u32; 2] = [59, 322];

/// What are sync, `sync_file_range` and syncfs to 64-bit programs: nanosleep, `mq_open` and fchmodat.
pub(super) const NO_SYNCS: [u32; 3] = [162, 277, 306];

/// Whether the calls are made by a program of their own.
pub(super) const BY_A_PROGRAM: bool = false;

/// A system call by `int 0x80`. Its pointers must be below 4 GiB.
fn call(number: u32, args: [u32; 6]) -> i32 {
    let result: u64;
    // SAFETY: the calls that are made here only read what they are pointed at. The compiler keeps rbx and rbp for itself, so
    // they are put back; older kernels do not keep r8 to r11.
    unsafe {
        asm!(
            // In this order: either may be in rbx already.
            "xchg {sixth:r}, rbp",
            "xchg {first:r}, rbx",
            "int 0x80",
            "xchg {first:r}, rbx",
            "xchg {sixth:r}, rbp",
            first = inout(reg) u64::from(args[0]) => _,
            sixth = inout(reg) u64::from(args[5]) => _,
            inlateout("rax") u64::from(number) => result,
            in("rcx") u64::from(args[1]),
            in("rdx") u64::from(args[2]),
            in("rsi") u64::from(args[3]),
            in("rdi") u64::from(args[4]),
            lateout("r8") _,
            lateout("r9") _,
            lateout("r10") _,
            lateout("r11") _,
        );
    }
    result as i32
}

/// Calls to be made, and memory that a 32-bit pointer can name; it is never freed.
pub(super) struct Calls {
    memory: &'static mut [u8],
    used: usize,
    calls: Vec<(u32, [u32; 6])>,
}

impl Calls {
    pub(super) fn new() -> Self {
        let length = NonZeroUsize::new(4096).unwrap();
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let kind = MapFlags::MAP_PRIVATE | MapFlags::MAP_32BIT;
        // SAFETY: it is new memory, of this length, and nobody else has it.
        let memory = unsafe {
            let start = mmap_anonymous(None, length, access, kind).unwrap();
            slice::from_raw_parts_mut(start.cast().as_ptr(), length.get())
        };
        Self {
            memory,
            used: 0,
            calls: Vec::new(),
        }
    }

    /// Where a copy of this is.
    pub(super) fn put(&mut self, bytes: &[u8]) -> u32 {
        let start = self.used.next_multiple_of(8);
        self.used = start + bytes.len();
        self.memory[start..self.used].copy_from_slice(bytes);
        u32::try_from(self.memory[start..].as_ptr().addr()).unwrap()
    }

    /// Where a copy of this is, with its NUL.
    pub(super) fn put_text(&mut self, text: &str) -> u32 {
        self.put(format!("{text}\0").as_bytes())
    }

    /// Arguments that are not given are 0.
    pub(super) fn call(&mut self, number: u32, args: &[u32]) {
        let mut all = [0; 6];
        all[..args.len()].copy_from_slice(args);
        self.calls.push((number, all));
    }

    /// Makes the calls, and says what each gave.
    pub(super) fn make(self, stage: &mut Stage) {
        for (number, args) in self.calls {
            super::say(stage, call(number, args));
        }
    }
}
