/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* loongarch64, without 32-bit callers: its system calls, and where their registers are. See ../syscall.bpf.h. */

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

/* At the exit regs[4] holds the result already. */
#define CALL_NR(direct, regs) FIELD(direct, regs, regs[11])
#define CALL_ARG0(direct, regs) FIELD(direct, regs, orig_a0)
#define CALL_ARG1(direct, regs) FIELD(direct, regs, regs[5])
#define CALL_ARG2(direct, regs) FIELD(direct, regs, regs[6])
#define CALL_ARG3(direct, regs) FIELD(direct, regs, regs[7])
#define CALL_ARG4(direct, regs) FIELD(direct, regs, regs[8])
#define CALL_ARG5(direct, regs) FIELD(direct, regs, regs[9])

#define CALL_IS_32(direct, regs, task) false
