/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* arm64, and ARM in NR32: its system calls, and where their registers are. See ../syscall.bpf.h. */

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
#define NR32_open 5
#define NR32_openat 322
#define NR32_creat 8
#define NR32_unlink 10
#define NR32_unlinkat 328
#define NR32_rmdir 40
#define NR32_execve 11
#define NR32_execveat 387
#define NR32_sync 36
#define NR32_syncfs 373
#define NR32_fsync 118
#define NR32_fdatasync 148
#define NR32_msync 144
#define NR32_sync_file_range2 341

/* At the exit regs[0] holds the result already; orig_x0 keeps the first argument. */
#define CALL_NR(direct, regs) FIELD(direct, regs, syscallno)
#define CALL_ARG0(direct, regs) FIELD(direct, regs, orig_x0)
#define CALL_ARG1(direct, regs) FIELD(direct, regs, regs[1])
#define CALL_ARG2(direct, regs) FIELD(direct, regs, regs[2])
#define CALL_ARG3(direct, regs) FIELD(direct, regs, regs[3])
#define CALL_ARG4(direct, regs) FIELD(direct, regs, regs[4])
#define CALL_ARG5(direct, regs) FIELD(direct, regs, regs[5])

/* asm/thread_info.h, TIF_32BIT. */
#define CALL_IS_32(direct, regs, task)                                                             \
	(FIELD(current_is_typed(), task, thread_info.flags) & 1UL << 22)
