/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls as seen at their exit: number, arguments, and whose numbering it is. */
#ifndef TRACEWELL_SYSCALL_BPF_H
#define TRACEWELL_SYSCALL_BPF_H

#include "core.bpf.h"

struct syscall_args {
	__u64 arg[5];
};

#if defined(__TARGET_ARCH_x86)

/* asm/thread_info.h: the call came in through the 32-bit entry. */
#define TS_COMPAT 0x0002

#define syscall_nr(direct, regs) ((long)FIELD(direct, regs, orig_ax))

static __always_inline bool syscall_is_compat(void)
{
	struct task_struct *task = current_task();
	__u32 status;

	if (current_is_typed())
		status = task->thread_info.status;
	else
		status = BPF_CORE_READ(task, thread_info.status);
	return status & TS_COMPAT;
}

static __always_inline void syscall_args(bool direct, struct pt_regs *regs, bool compat,
					 struct syscall_args *args)
{
	if (compat) {
		args->arg[0] = (__u32)FIELD(direct, regs, bx);
		args->arg[1] = (__u32)FIELD(direct, regs, cx);
		args->arg[2] = (__u32)FIELD(direct, regs, dx);
		args->arg[3] = (__u32)FIELD(direct, regs, si);
		args->arg[4] = (__u32)FIELD(direct, regs, di);
	} else {
		args->arg[0] = FIELD(direct, regs, di);
		args->arg[1] = FIELD(direct, regs, si);
		args->arg[2] = FIELD(direct, regs, dx);
		args->arg[3] = FIELD(direct, regs, r10);
		args->arg[4] = FIELD(direct, regs, r8);
	}
}

#elif defined(__TARGET_ARCH_arm64)

/* asm/thread_info.h: TIF_32BIT. */
#define TIF_32BIT_MASK (1UL << 22)

#define syscall_nr(direct, regs) ((long)FIELD(direct, regs, syscallno))

static __always_inline bool syscall_is_compat(void)
{
	struct task_struct *task = current_task();
	unsigned long flags;

	if (current_is_typed())
		flags = task->thread_info.flags;
	else
		flags = BPF_CORE_READ(task, thread_info.flags);
	return flags & TIF_32BIT_MASK;
}

/* At the exit regs[0] holds the result already; orig_x0 keeps the first argument. */
static __always_inline void syscall_args(bool direct, struct pt_regs *regs, bool compat,
					 struct syscall_args *args)
{
	args->arg[0] = FIELD(direct, regs, orig_x0);
	args->arg[1] = FIELD(direct, regs, regs[1]);
	args->arg[2] = FIELD(direct, regs, regs[2]);
	args->arg[3] = FIELD(direct, regs, regs[3]);
	args->arg[4] = FIELD(direct, regs, regs[4]);
}

#else
#error "no system call registers for this architecture"
#endif

#endif
