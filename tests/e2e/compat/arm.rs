// SPDX-License-Identifier: MIT OR Apache-2.0
//! 32-bit calls are those of a 32-bit program. None is installed where the tests run, so it is made here, of the few
//! instructions that it needs.

use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;

use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use tracewell_tests::Stage;

use crate::sys;

pub(super) const OPENAT: u32 = 322;
pub(super) const UNLINKAT: u32 = 328;
pub(super) const EXECVEAT: u32 = 387;
pub(super) const SYNCFS: u32 = 373;
/// `sync_file_range2`
pub(super) const SYNC_FILE_RANGE: u32 = 341;

/// Its arguments, whose numbers of 64 bits take two registers each, the first one an even one.
pub(super) fn range(fd: u32, [offset, bytes]: [[u32; 2]; 2], flags: u32) -> [u32; 6] {
    [fd, flags, offset[0], offset[1], bytes[0], bytes[1]]
}

/// What is openat to 64-bit programs is no call at all.
pub(super) const NO_OPENS: [u32; 1] = [56];

/// What are execve and execveat to 64-bit programs: fcntl64 and socket.
pub(super) const NO_EXECS: [u32; 2] = [221, 281];

/// What are fdatasync, msync and syncfs to 64-bit programs: symlink, lsetxattr and fstatfs64.
pub(super) const NO_SYNCS: [u32; 3] = [83, 227, 267];

/// Whether the calls are made by a program of their own.
pub(super) const BY_A_PROGRAM: bool = true;

/// Where the program lies in memory, as it lies in its file: headers and code, what it was given, what it says.
const BASE: u32 = 0x2_0000;
const CODE: u32 = BASE + HEADERS;
const HEADERS: u32 = 52 + 32;
const DATA: u32 = BASE + 0x1000;
const SAID: u32 = BASE + 0x3000;
const END: u32 = BASE + 0x4000;

/// What one result is said in: eight digits and a newline.
const LINE: u32 = 9;

/// Appends r0 in digits to what is said, whose end is in r8.
const SAY: [u32; 10] = [
    0xe3a0_1008, // mov r1, #8
    0xe1a0_2e20, // lsr r2, r0, #28
    0xe352_000a, // cmp r2, #10
    0x3282_2030, // addlo r2, r2, #'0'
    0x2282_2057, // addhs r2, r2, #('a' - 10)
    0xe4c8_2001, // strb r2, [r8], #1
    0xe1a0_0200, // lsl r0, r0, #4
    0xe251_1001, // subs r1, r1, #1
    0x1aff_fff7, // bne the second of these
    0xe3a0_200a, // mov r2, #'\n'
];
const SAY_END: u32 = 0xe4c8_2001; // strb r2, [r8], #1

/// movw and movt: a value into a register.
fn load(register: u32, value: u32) -> [u32; 2] {
    let half = |operation: u32, half: u32| {
        operation | (half >> 12) << 16 | register << 12 | (half & 0xfff)
    };
    [
        half(0xe300_0000, value & 0xffff),
        half(0xe340_0000, value >> 16),
    ]
}

/// A program that makes calls.
pub(super) struct Calls {
    code: Vec<u32>,
    data: Vec<u8>,
    calls: u32,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            code: load(8, SAID).into(),
            data: Vec::new(),
            calls: 0,
        }
    }

    /// Where the program has a copy of this.
    pub(super) fn put(&mut self, bytes: &[u8]) -> u32 {
        let start = self.data.len().next_multiple_of(8);
        self.data.resize(start, 0);
        self.data.extend(bytes);
        DATA + start as u32
    }

    /// Where the program has a copy of this, with its NUL.
    pub(super) fn put_text(&mut self, text: &str) -> u32 {
        self.put(format!("{text}\0").as_bytes())
    }

    pub(super) fn call(&mut self, number: u32, args: &[u32]) {
        self.calls += 1;
        self.make_call(number, args);
        self.code.extend(SAY);
        self.code.push(SAY_END);
    }

    fn make_call(&mut self, number: u32, args: &[u32]) {
        for (register, value) in (0..).zip(args) {
            self.code.extend(load(register, *value));
        }
        self.code.extend(load(7, number));
        self.code.push(0xef00_0000); // svc #0
    }

    /// Becomes the program, which makes the calls and says what each gave.
    pub(super) fn make(mut self, stage: &mut Stage) {
        let length = self.calls * LINE;
        self.make_call(4, &[1, SAID, length]); // write(2)
        self.make_call(1, &[0]); // exit(2)
        // Not by a name, since to write a file is to open it.
        let file = memfd_create(c"arm", MFdFlags::MFD_CLOEXEC).unwrap();
        let mut file = File::from(file);
        file.write_all(&self.image()).unwrap();
        let args = [CString::from(c"arm")];
        let error = sys::execveat(file.as_raw_fd(), c"", &args, libc::AT_EMPTY_PATH);
        assert_eq!(error as i32, libc::ENOEXEC);
        stage.say(super::NONE);
    }

    /// The file: an executable with one segment.
    fn image(self) -> Vec<u8> {
        let halves = |halves: &[u16]| halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let parts: [Vec<u8>; 7] = [
            // 32 bits, little endian.
            b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".into(),
            // An executable for ARM.
            halves(&[2, 40]),
            // Version, start, program headers, no section headers, the ABI's version.
            words(&[1, CODE, 52, 0, 0x0500_0000]),
            // Sizes and counts of the headers.
            halves(&[52, 32, 1, 0, 0, 0]),
            // To be loaded from the file's start, all of it, with every access.
            words(&[1, 0, BASE, BASE, END - BASE, END - BASE, 7, 0x1000]),
            words(&self.code),
            vec![0; (DATA - CODE) as usize - 4 * self.code.len()],
        ];
        let mut image = parts.concat();
        image.extend(self.data);
        assert!(
            image.len() < (SAID - BASE) as usize,
            "what is said is elsewhere"
        );
        image.resize((END - BASE) as usize, 0);
        image
    }
}
