/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System calls as seen at their exit: number, arguments, and whose numbering it
 * is. What differs between architectures is in arch/: the numbers (NR_name, and
 * NR32_name where 32-bit callers have others), CALL_NR() and CALL_ARG0() to 4,
 * CALL32_ARG0() to 5 where these find their arguments elsewhere, else CALL_ARG5()
 * as well, CALL_IS_32().
 */
#ifndef TRACEWELL_SYSCALL_BPF_H
#define TRACEWELL_SYSCALL_BPF_H

#include "core.bpf.h"

#if defined(__TARGET_ARCH_x86)
#include "arch/x86.bpf.h"
#elif defined(__TARGET_ARCH_arm64)
#include "arch/arm64.bpf.h"
#elif defined(__TARGET_ARCH_riscv)
#include "arch/riscv.bpf.h"
#elif defined(__TARGET_ARCH_powerpc)
#include "arch/powerpc.bpf.h"
#elif defined(__TARGET_ARCH_s390)
#include "arch/s390.bpf.h"
#elif defined(__TARGET_ARCH_loongarch)
#include "arch/loongarch.bpf.h"
#else
#error "no file in arch/ for this architecture"
#endif

/* One number for all. */
#define NR_openat2 437

/* A number that no call has. */
#define NO_CALL (-1)

#ifndef NR_open
#define NR_open NO_CALL
#define NR_creat NO_CALL
#define NR_unlink NO_CALL
#define NR_rmdir NO_CALL
#endif
/* One of the two: what takes 64-bit numbers has its arguments where a 32-bit caller has pairs of registers for them. */
#ifndef NR_sync_file_range
#define NR_sync_file_range NO_CALL
#endif
#ifndef NR_sync_file_range2
#define NR_sync_file_range2 NO_CALL
#endif

/*
 * Of a call by number: what it is to 64-bit callers, or to 32-bit ones. Where
 * both have one table, only the first is ever set.
 */
#ifdef ONE_TABLE_OF_CALLS
#define NR32_open NO_CALL
#define NR32_openat NO_CALL
#define NR32_openat2 NO_CALL
#define NR32_creat NO_CALL
#define NR32_unlink NO_CALL
#define NR32_unlinkat NO_CALL
#define NR32_rmdir NO_CALL
#define NR32_execve NO_CALL
#define NR32_execveat NO_CALL
#define NR32_sync NO_CALL
#define NR32_syncfs NO_CALL
#define NR32_fsync NO_CALL
#define NR32_fdatasync NO_CALL
#define NR32_msync NO_CALL
#define NR32_sync_file_range NO_CALL
#define NR32_sync_file_range2 NO_CALL
#define BY_CALLER(compat, native, other) (native)
#else
#define NR32_openat2 NR_openat2
#ifndef NR32_sync_file_range
#define NR32_sync_file_range NO_CALL
#endif
#ifndef NR32_sync_file_range2
#define NR32_sync_file_range2 NO_CALL
#endif
#define BY_CALLER(compat, native, other) ((compat) ? (other) : (native))
#endif

#ifndef CALL32_ARG0
#define CALL32_ARG0 CALL_ARG0
#define CALL32_ARG1 CALL_ARG1
#define CALL32_ARG2 CALL_ARG2
#define CALL32_ARG3 CALL_ARG3
#define CALL32_ARG4 CALL_ARG4
#define CALL32_ARG5 CALL_ARG5
#endif

/*
 * The registers that the current task came into the kernel with, for programs
 * that are not handed them. The helper is there since 5.15 ("bpf: Add
 * bpf_task_pt_regs() helper"); an older kernel refuses the program.
 */
static __always_inline struct pt_regs *current_regs(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/* The sixth is read of 32-bit callers alone, who pass a 64-bit number as two: no call that is told of has as many else. */
struct syscall_args {
	__u64 arg[6];
};

static __always_inline long syscall_nr(bool direct, struct pt_regs *regs)
{
	return CALL_NR(direct, regs);
}

/* task is the current one. */
static __always_inline bool syscall_is_compat(bool direct, struct pt_regs *regs,
					      struct task_struct *task)
{
	return CALL_IS_32(direct, regs, task);
}

static __always_inline void syscall_args(bool direct, struct pt_regs *regs, bool compat,
					 struct syscall_args *args)
{
	if (compat) {
		args->arg[0] = (__u32)CALL32_ARG0(direct, regs);
		args->arg[1] = (__u32)CALL32_ARG1(direct, regs);
		args->arg[2] = (__u32)CALL32_ARG2(direct, regs);
		args->arg[3] = (__u32)CALL32_ARG3(direct, regs);
		args->arg[4] = (__u32)CALL32_ARG4(direct, regs);
		args->arg[5] = (__u32)CALL32_ARG5(direct, regs);
	} else {
		args->arg[0] = CALL_ARG0(direct, regs);
		args->arg[1] = CALL_ARG1(direct, regs);
		args->arg[2] = CALL_ARG2(direct, regs);
		args->arg[3] = CALL_ARG3(direct, regs);
		args->arg[4] = CALL_ARG4(direct, regs);
		args->arg[5] = 0;
	}
}

#endif
