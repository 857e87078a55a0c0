/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the scheduler's tracepoints say of a task. Their programs run under the
 * lock of the task's run queue: it is on a CPU or it is not while it is told of.
 */
#ifndef TRACEWELL_SCHED_BPF_H
#define TRACEWELL_SCHED_BPF_H

#include "core.bpf.h"

/* linux/sched.h */
#define TASK_RUNNING 0x0
#define TASK_DEAD 0x80

/* Up to 5.13 the state is a long of another name ("sched: Change task_struct::state", 5.14). */
struct task_struct___state {
	long state;
} __attribute__((preserve_access_index));

static __always_inline __u32 task_state(bool direct, struct task_struct *task)
{
	struct task_struct___state *old = (struct task_struct___state *)task;

	if (bpf_core_field_exists(old->state))
		return FIELD(direct, old, state);
	return FIELD(direct, task, __state);
}

/* An int, but 7.3 has a byte of it, with others behind. */
struct task_struct___byte {
	__u8 on_cpu;
} __attribute__((preserve_access_index));

/*
 * Whether a task that is woken is on a CPU already: it was about to sleep, and
 * has not to wait. Kernels for one CPU do not say it.
 */
static __always_inline bool is_on_cpu(bool direct, struct task_struct *task)
{
	struct task_struct___byte *byte = (struct task_struct___byte *)task;

	if (bpf_core_field_exists(task->on_cpu)) {
		if (bpf_core_field_size(task->on_cpu) == sizeof(byte->on_cpu))
			return FIELD(direct, byte, on_cpu);
		return FIELD(direct, task, on_cpu);
	}
	return (__u64)task == bpf_get_current_task();
}

#endif
