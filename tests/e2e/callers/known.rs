// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions whose frames are known, in assembly, and what they open.

use std::arch::global_asm;
use std::ffi::CStr;

// Two functions with frame pointers, which no option of the compiler takes away. The inner one opens what it is given
// by a system call of its own, so that no library stands between.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".type tracewell_opens, @function",
    "tracewell_opens:",
    "push rbp",
    "mov rbp, rsp",
    "mov rsi, rdi",
    "mov edi, -100",
    "xor edx, edx",
    "mov eax, 257",
    "syscall",
    "pop rbp",
    "ret",
    ".size tracewell_opens, . - tracewell_opens",
    ".globl tracewell_calls",
    ".type tracewell_calls, @function",
    "tracewell_calls:",
    "push rbp",
    "mov rbp, rsp",
    "call tracewell_opens",
    "pop rbp",
    "ret",
    ".size tracewell_calls, . - tracewell_calls",
    ".type tracewell_recurses, @function",
    ".globl tracewell_recurses",
    "tracewell_recurses:",
    "push rbp",
    "mov rbp, rsp",
    "dec rsi",
    "jnz 2f",
    "call tracewell_opens",
    "pop rbp",
    "ret",
    "2: call tracewell_recurses",
    "pop rbp",
    "ret",
    ".size tracewell_recurses, . - tracewell_recurses",
    // Uses the register for something else, as code that is compiled without frame pointers does.
    ".globl tracewell_misleads",
    ".type tracewell_misleads, @function",
    "tracewell_misleads:",
    "push rbp",
    "mov rbp, rsi",
    "mov rsi, rdi",
    "mov edi, -100",
    "xor edx, edx",
    "mov eax, 257",
    "syscall",
    "pop rbp",
    "ret",
    ".size tracewell_misleads, . - tracewell_misleads",
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".type tracewell_opens, %function",
    "tracewell_opens:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "mov x1, x0",
    "mov w0, #-100",
    "mov w2, #0",
    "mov w8, #56",
    "svc #0",
    "ldp x29, x30, [sp], #16",
    "ret",
    ".size tracewell_opens, . - tracewell_opens",
    ".globl tracewell_calls",
    ".type tracewell_calls, %function",
    "tracewell_calls:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "bl tracewell_opens",
    "ldp x29, x30, [sp], #16",
    "ret",
    ".size tracewell_calls, . - tracewell_calls",
    ".globl tracewell_recurses",
    ".type tracewell_recurses, %function",
    "tracewell_recurses:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "subs x1, x1, #1",
    "b.ne 2f",
    "bl tracewell_opens",
    "ldp x29, x30, [sp], #16",
    "ret",
    "2: bl tracewell_recurses",
    "ldp x29, x30, [sp], #16",
    "ret",
    ".size tracewell_recurses, . - tracewell_recurses",
    ".globl tracewell_misleads",
    ".type tracewell_misleads, %function",
    "tracewell_misleads:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, x1",
    "mov x1, x0",
    "mov w0, #-100",
    "mov w2, #0",
    "mov w8, #56",
    "svc #0",
    "ldp x29, x30, [sp], #16",
    "ret",
    ".size tracewell_misleads, . - tracewell_misleads",
);

// The frame's register points above what it saved.
#[cfg(target_arch = "riscv64")]
global_asm!(
    ".type tracewell_opens, %function",
    "tracewell_opens:",
    "addi sp, sp, -16",
    "sd ra, 8(sp)",
    "sd s0, 0(sp)",
    "addi s0, sp, 16",
    "mv a1, a0",
    "li a0, -100",
    "li a2, 0",
    "li a7, 56",
    "ecall",
    "ld ra, 8(sp)",
    "ld s0, 0(sp)",
    "addi sp, sp, 16",
    "ret",
    ".size tracewell_opens, . - tracewell_opens",
    ".globl tracewell_calls",
    ".type tracewell_calls, %function",
    "tracewell_calls:",
    "addi sp, sp, -16",
    "sd ra, 8(sp)",
    "sd s0, 0(sp)",
    "addi s0, sp, 16",
    "call tracewell_opens",
    "ld ra, 8(sp)",
    "ld s0, 0(sp)",
    "addi sp, sp, 16",
    "ret",
    ".size tracewell_calls, . - tracewell_calls",
    ".globl tracewell_recurses",
    ".type tracewell_recurses, %function",
    "tracewell_recurses:",
    "addi sp, sp, -16",
    "sd ra, 8(sp)",
    "sd s0, 0(sp)",
    "addi s0, sp, 16",
    "addi a1, a1, -1",
    "bnez a1, 2f",
    "call tracewell_opens",
    "j 3f",
    "2: call tracewell_recurses",
    "3: ld ra, 8(sp)",
    "ld s0, 0(sp)",
    "addi sp, sp, 16",
    "ret",
    ".size tracewell_recurses, . - tracewell_recurses",
    ".globl tracewell_misleads",
    ".type tracewell_misleads, %function",
    "tracewell_misleads:",
    "addi sp, sp, -16",
    "sd ra, 8(sp)",
    "sd s0, 0(sp)",
    "mv s0, a1",
    "mv a1, a0",
    "li a0, -100",
    "li a2, 0",
    "li a7, 56",
    "ecall",
    "ld ra, 8(sp)",
    "ld s0, 0(sp)",
    "addi sp, sp, 16",
    "ret",
    ".size tracewell_misleads, . - tracewell_misleads",
);

unsafe extern "C" {
    fn tracewell_calls(path: *const std::ffi::c_char) -> isize;
    pub(super) fn tracewell_misleads(path: *const std::ffi::c_char, frame: *const u64) -> isize;
    fn tracewell_recurses(path: *const std::ffi::c_char, depth: usize) -> isize;
}

/// What the functions open; it fails, so that nothing is left open.
pub(super) const ABSENT: &CStr = c"/nonexistent/callers";

pub(super) fn open_by_known_functions() {
    // SAFETY: the path is a string; the function makes one system call.
    let result = unsafe { tracewell_calls(ABSENT.as_ptr()) };
    assert!(result < 0);
}

pub(super) fn open_from_depth(depth: usize) {
    // SAFETY: as above.
    let result = unsafe { tracewell_recurses(ABSENT.as_ptr(), depth) };
    assert!(result < 0);
}
