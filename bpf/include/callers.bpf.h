/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who in the program called: the user stack, and whose memory its addresses are of. */
#ifndef TRACEWELL_CALLERS_BPF_H
#define TRACEWELL_CALLERS_BPF_H

#include "core.bpf.h"

/* Only the frames that are there are sent. */
struct callers {
	struct caller_space space;
	__u64 frame[CALLER_FRAMES + 1]; /* innermost first */
};

_Static_assert(sizeof(struct callers) == 32 + 8 * (CALLER_FRAMES + 1), "callers");

/*
 * Fills in the callers of the current system call; gives the bytes that are
 * used, or 0 where there is no user stack (a task of the kernel's own) or it
 * cannot be had.
 */
static __always_inline __u64 callers_of(void *ctx, struct callers *callers)
{
	long bytes = bpf_get_stack(ctx, callers->frame, sizeof(callers->frame), BPF_F_USER_STACK);
	struct task_struct *task = current_task();

	if (bytes <= 0)
		return 0;
	callers->space.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	callers->space.start_code = BPF_CORE_READ(task, mm, start_code);
	callers->space.end_code = BPF_CORE_READ(task, mm, end_code);
	callers->space.start_stack = BPF_CORE_READ(task, mm, start_stack);
	return sizeof(callers->space) + at_most(bytes, sizeof(callers->frame));
}

#endif
