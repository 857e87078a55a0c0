/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* x86_64, and i386 in NR32: its system calls, and where their registers are. See ../syscall.bpf.h. */

#define NR_open 2
#define NR_openat 257
#define NR_creat 85
#define NR_unlink 87
#define NR_unlinkat 263
#define NR_rmdir 84
#define NR_execve 59
#define NR_execveat 322
#define NR_sync 162
#define NR_syncfs 306
#define NR_fsync 74
#define NR_fdatasync 75
#define NR_msync 26
#define NR_sync_file_range 277
#define NR32_open 5
#define NR32_openat 295
#define NR32_creat 8
#define NR32_unlink 10
#define NR32_unlinkat 301
#define NR32_rmdir 40
#define NR32_execve 11
#define NR32_execveat 358
#define NR32_sync 36
#define NR32_syncfs 344
#define NR32_fsync 118
#define NR32_fdatasync 148
#define NR32_msync 144
#define NR32_sync_file_range 314

/*
 * The registers of a system call. Their places are part of the interface to
 * user space, the kernel's asm/ptrace.h, so there is nothing to relocate.
 */
struct call_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
};

/* direct as of FIELD. */
#define REG(direct, regs, reg)                                                                     \
	({                                                                                         \
		const struct call_regs *__regs = (const struct call_regs *)(regs);                 \
		unsigned long __value = 0;                                                         \
		if (direct)                                                                        \
			__value = __regs->reg;                                                     \
		else                                                                               \
			bpf_probe_read_kernel(&__value, sizeof(__value), &__regs->reg);            \
		__value;                                                                           \
	})

#define CALL_NR(direct, regs) REG(direct, regs, orig_ax)
#define CALL_ARG0(direct, regs) REG(direct, regs, di)
#define CALL_ARG1(direct, regs) REG(direct, regs, si)
#define CALL_ARG2(direct, regs) REG(direct, regs, dx)
#define CALL_ARG3(direct, regs) REG(direct, regs, r10)
#define CALL_ARG4(direct, regs) REG(direct, regs, r8)
#define CALL32_ARG0(direct, regs) REG(direct, regs, bx)
#define CALL32_ARG1(direct, regs) REG(direct, regs, cx)
#define CALL32_ARG2(direct, regs) REG(direct, regs, dx)
#define CALL32_ARG3(direct, regs) REG(direct, regs, si)
#define CALL32_ARG4(direct, regs) REG(direct, regs, di)
#define CALL32_ARG5(direct, regs) REG(direct, regs, bp)

/* asm/thread_info.h, TS_COMPAT: the call came in through the 32-bit entry. */
#define CALL_IS_32(direct, regs, task)                                                             \
	(FIELD(current_is_typed(), task, thread_info.status) & 0x0002)
