/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls as seen at their exit: number, arguments, and whose numbering it is. */
#ifndef TRACEWELL_SYSCALL_BPF_H
#define TRACEWELL_SYSCALL_BPF_H

#include "core.bpf.h"

/*
 * The registers that the current task came into the kernel with, for programs
 * that are not handed them. The helper is there since 5.15 ("bpf: Add
 * bpf_task_pt_regs() helper"); an older kernel refuses the program.
 */
static __always_inline struct pt_regs *current_regs(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

struct syscall_args {
	__u64 arg[5];
};

#if defined(__TARGET_ARCH_x86)

/* asm/thread_info.h: the call came in through the 32-bit entry. */
#define TS_COMPAT 0x0002

/*
 * The registers of a system call. Their places are part of the interface to
 * user space, the kernel's asm/ptrace.h, so there is nothing to relocate:
 * libbpf takes most of a millisecond to find one more of the kernel's types.
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

#define syscall_nr(direct, regs) ((long)REG(direct, regs, orig_ax))

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
		args->arg[0] = (__u32)REG(direct, regs, bx);
		args->arg[1] = (__u32)REG(direct, regs, cx);
		args->arg[2] = (__u32)REG(direct, regs, dx);
		args->arg[3] = (__u32)REG(direct, regs, si);
		args->arg[4] = (__u32)REG(direct, regs, di);
	} else {
		args->arg[0] = REG(direct, regs, di);
		args->arg[1] = REG(direct, regs, si);
		args->arg[2] = REG(direct, regs, dx);
		args->arg[3] = REG(direct, regs, r10);
		args->arg[4] = REG(direct, regs, r8);
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
