/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* arm64, and ARM in NR32: its system calls, and where their registers are. See ../syscall.bpf.h. */

#define NR_openat 56
#define NR_unlinkat 35
#define NR_execve 221
#define NR_execveat 281
#define NR32_open 5
#define NR32_openat 322
#define NR32_creat 8
#define NR32_unlink 10
#define NR32_unlinkat 328
#define NR32_rmdir 40
#define NR32_execve 11
#define NR32_execveat 387

/* At the exit regs[0] holds the result already; orig_x0 keeps the first argument. */
#define CALL_NR(direct, regs) FIELD(direct, regs, syscallno)
#define CALL_ARG0(direct, regs) FIELD(direct, regs, orig_x0)
#define CALL_ARG1(direct, regs) FIELD(direct, regs, regs[1])
#define CALL_ARG2(direct, regs) FIELD(direct, regs, regs[2])
#define CALL_ARG3(direct, regs) FIELD(direct, regs, regs[3])
#define CALL_ARG4(direct, regs) FIELD(direct, regs, regs[4])

/* asm/thread_info.h, TIF_32BIT. */
#define CALL_IS_32(direct, regs, task)                                                             \
	(FIELD(current_is_typed(), task, thread_info.flags) & 1UL << 22)
