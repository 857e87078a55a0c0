/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long a call takes, on request: its beginning is kept by task and taken at
 * its end (since.bpf.h). Behind its programs at the exit of calls, so that these
 * are attached first and detached last, a tool says what an entry does, by
 *
 *   CALL_ENTERS(ENTER)   call_enter_btf, _raw, _rawsys: ENTER(direct, regs) as
 *                        of FIELD, which comes to call_begins() or does not
 *
 * What is joined is of one call where the kernel refuses neither program. Where
 * it does (shared/src/kernel/preemption.rs), an end that was missed shows at the
 * next beginning, and a beginning at its end; of both in a row, nobody can tell.
 */
#ifndef TRACEWELL_CALL_TIMES_BPF_H
#define TRACEWELL_CALL_TIMES_BPF_H

#include "core.bpf.h"
#include "since.bpf.h"
#include "syscall.bpf.h"

const volatile bool timed = false;

static __always_inline void call_begins(void)
{
	since_begin(bpf_get_current_task(), bpf_ktime_get_ns(), false);
}

/* The call ends: how long it took, or what since_end() gives instead. */
static __always_inline __s64 call_took(void)
{
	return since_end(bpf_get_current_task(), bpf_ktime_get_ns());
}

/* A task's last call does not return. */
SEC("raw_tp/sched_process_exit")
int task_end_raw(void *ctx)
{
	since_forget(bpf_get_current_task());
	return 0;
}

#define CALL_ENTERS(ENTER)                                                                         \
	SEC("tp_btf/sys_enter")                                                                    \
	int BPF_PROG(call_enter_btf, struct pt_regs *regs)                                         \
	{                                                                                          \
		return ENTER(true, regs);                                                          \
	}                                                                                          \
	SEC("raw_tp/sys_enter")                                                                    \
	int BPF_PROG(call_enter_raw, struct pt_regs *regs)                                         \
	{                                                                                          \
		return ENTER(false, regs);                                                         \
	}                                                                                          \
	SEC("tp/raw_syscalls/sys_enter")                                                           \
	int call_enter_rawsys(void *ctx)                                                           \
	{                                                                                          \
		return ENTER(true, current_regs());                                                \
	}

#endif
