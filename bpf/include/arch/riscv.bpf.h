/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* riscv64; riscv32 has the same numbers: its system calls, and where their registers are. See ../syscall.bpf.h. */

#define ONE_TABLE_OF_CALLS
#define NR_openat 56
#define NR_unlinkat 35
#define NR_execve 221
#define NR_execveat 281
#define NR_sync 81
#define NR_syncfs 267
#define NR_fsync 82
#define NR_fdatasync 83
#define NR_msync 227
#define NR_sync_file_range 84

/* At the exit a0 holds the result already. */
#define CALL_NR(direct, regs) FIELD(direct, regs, a7)
#define CALL_ARG0(direct, regs) FIELD(direct, regs, orig_a0)
#define CALL_ARG1(direct, regs) FIELD(direct, regs, a1)
#define CALL_ARG2(direct, regs) FIELD(direct, regs, a2)
#define CALL_ARG3(direct, regs) FIELD(direct, regs, a3)
#define CALL_ARG4(direct, regs) FIELD(direct, regs, a4)
#define CALL_ARG5(direct, regs) FIELD(direct, regs, a5)

/* asm/csr.h, SR_UXL_32: how wide user space is. */
#define CALL_IS_32(direct, regs, task) ((FIELD(direct, regs, status) >> 32 & 3) == 1)
