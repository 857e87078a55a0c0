/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* powerpc64; powerpc has the same numbers: its system calls, and where their registers are. See ../syscall.bpf.h. */

#define ONE_TABLE_OF_CALLS
#define NR_open 5
#define NR_openat 286
#define NR_creat 8
#define NR_unlink 10
#define NR_unlinkat 292
#define NR_rmdir 40
#define NR_execve 11
#define NR_execveat 362
#define NR_sync 36
#define NR_syncfs 348
#define NR_fsync 118
#define NR_fdatasync 148
#define NR_msync 144
#define NR_sync_file_range2 308

/* At the exit gpr[3] holds the result already. */
#define CALL_NR(direct, regs) FIELD(direct, regs, gpr[0])
#define CALL_ARG0(direct, regs) FIELD(direct, regs, orig_gpr3)
#define CALL_ARG1(direct, regs) FIELD(direct, regs, gpr[4])
#define CALL_ARG2(direct, regs) FIELD(direct, regs, gpr[5])
#define CALL_ARG3(direct, regs) FIELD(direct, regs, gpr[6])
#define CALL_ARG4(direct, regs) FIELD(direct, regs, gpr[7])
#define CALL_ARG5(direct, regs) FIELD(direct, regs, gpr[8])

/* asm/reg.h, MSR_SF: the caller is a 64-bit one. */
#define CALL_IS_32(direct, regs, task) (!(FIELD(direct, regs, msr) >> 63))
