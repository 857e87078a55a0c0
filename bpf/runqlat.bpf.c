// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How long tasks that could run wait for a CPU.
 *
 * Not counted: a wait that began before the trace, and what a CPU's idle task
 * does.
 */
#include "core.bpf.h"
#include "given.bpf.h"
#include "hist.bpf.h"
#include "sched.bpf.h"
#include "since.bpf.h"

/* What waits are told apart by. What is not asked for is 0. */
struct wait_key {
	__u64 cgroup; /* id of the cgroup that the task is in */
	__u32 pid; /* also of a thread */
	__u32 id; /* thread, or the number of the pid namespace */
	__u8 comm[COMM_BYTES]; /* of the process's first thread, or of the thread */
};
_Static_assert(sizeof(struct wait_key) == 32, "wait_key");
struct wait_key *unused_wait_key __attribute__((unused));

/* Whose waits have a histogram of their own. */
enum waits_by {
	WAITS_BY_NOBODY = 0,
	WAITS_BY_PROCESS = 1,
	WAITS_BY_THREAD = 2,
	WAITS_BY_PID_NAMESPACE = 3,
};

const volatile enum waits_by by_task = WAITS_BY_NOBODY;
const volatile bool by_cgroup = false;

KEYED_HISTOGRAMS(struct wait_key);

/* The namespace in which the task has its own number; 0 of a task that is gone. */
static __always_inline __u32 pid_namespace_of(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	unsigned int level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	bpf_core_read(&upid, sizeof(upid), &pid->numbers[level]);
	return BPF_CORE_READ(upid.ns, ns.inum);
}

static __always_inline void count(bool direct, struct task_struct *task, __u64 waited_ns)
{
	struct keyed keyed = {};
	struct wait_key *key = &keyed.key;

	if (by_task == WAITS_BY_NOBODY && !by_cgroup) {
		whole_count(waited_ns);
		return;
	}
	if (by_task == WAITS_BY_PROCESS) {
		key->pid = FIELD(direct, task, tgid);
		given_comm(FIELD(direct, task, group_leader), key->comm);
	} else if (by_task == WAITS_BY_THREAD) {
		key->pid = FIELD(direct, task, tgid);
		key->id = FIELD(direct, task, pid);
		given_comm(task, key->comm);
	} else if (by_task == WAITS_BY_PID_NAMESPACE) {
		key->id = pid_namespace_of(task);
	}
	if (by_cgroup)
		key->cgroup = cgroup_id(BPF_CORE_READ(task, cgroups, dfl_cgrp));
	keyed_count(&keyed, waited_ns);
}

/* Wake-ups are told of. Until they are, no task gets an entry whose next wait would lack its beginning. */
__u8 wakes_are_told = 0;

static __always_inline int task_wake(bool direct, struct task_struct *task)
{
	if (!wakes_are_told)
		wakes_are_told = 1;
	/* What is preempted on its way to sleep may be woken while it waits already. */
	if (!is_on_cpu(direct, task) && given_passes(direct, task))
		since_begin_or_go_on((__u64)task, bpf_ktime_get_ns());
	return 0;
}

/* What is preempted stays in the queue, whatever state it was about to sleep in. */
static __always_inline int task_switch(bool direct, bool preempted, struct task_struct *from,
				       struct task_struct *to)
{
	__u64 now_ns = bpf_ktime_get_ns();
	__u32 state = task_state(direct, from);
	__s64 waited_ns;

	if (preempted || state == TASK_RUNNING) {
		/* The idle tasks, of which the number is 0, wait for nothing. */
		if (wakes_are_told && FIELD(direct, from, pid) && given_passes(direct, from))
			since_begin((__u64)from, now_ns, state != TASK_RUNNING);
	} else {
		since_sleep((__u64)from);
		if (state == TASK_DEAD)
			since_forget((__u64)from);
	}
	waited_ns = since_end((__u64)to, now_ns);
	if (waited_ns >= 0)
		count(direct, to, waited_ns);
	else if (waited_ns == SINCE_UNSEEN && given_passes(direct, to))
		since_lose_beginning();
	return 0;
}

/*
 * The switch comes first: programs are attached in the order of this file and
 * detached from its end, so that no wait begins whose end would not be seen.
 */
SEC("tp_btf/sched_switch")
int task_switch_btf(__u64 *ctx)
{
	return task_switch(true, ctx[0], (struct task_struct *)ctx[1],
			   (struct task_struct *)ctx[2]);
}

SEC("raw_tp/sched_switch")
int task_switch_raw(__u64 *ctx)
{
	return task_switch(false, ctx[0], (struct task_struct *)ctx[1],
			   (struct task_struct *)ctx[2]);
}

#define WAKE_HOOK(name, tracepoint)                                                                \
	SEC("tp_btf/" #tracepoint)                                                                 \
	int name##_btf(__u64 *ctx)                                                                 \
	{                                                                                          \
		return task_wake(true, (struct task_struct *)ctx[0]);                              \
	}                                                                                          \
                                                                                                   \
	SEC("raw_tp/" #tracepoint)                                                                 \
	int name##_raw(__u64 *ctx)                                                                 \
	{                                                                                          \
		return task_wake(false, (struct task_struct *)ctx[0]);                             \
	}

WAKE_HOOK(task_wake, sched_wakeup)
WAKE_HOOK(task_wake_new, sched_wakeup_new)
