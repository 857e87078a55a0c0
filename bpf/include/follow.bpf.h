/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Following a process and all that descend from it. Loaded only when asked for.
 *
 * From 7.0 on the kernel may refuse to run the two programs, since it preempts
 * tasks inside such ones. A fork that was missed is made good by whoever asks
 * for the child: its parent tells whose child it is. An exit that was missed
 * does no harm: what is kept of a process is when it started, so that another
 * one of its number is not taken for it. What remains is a child that nobody
 * asked for before its parent had ended; the kernel's count of refused runs is
 * how many of those there can be.
 */
#ifndef TRACEWELL_FOLLOW_BPF_H
#define TRACEWELL_FOLLOW_BPF_H

#include "loss.bpf.h"

/*
 * The followed processes: when each started, by pid. User space puts the first
 * one in, and sets the size. It cannot read the start as exactly as the kernel
 * has it, so it puts in 0 for "not looked at yet": that process cannot have
 * ended, since it waits for the trace.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u64);
} followed SEC(".maps");

/* In the place of a time that no machine has been up for: the process has ended. */
#define FOLLOW_ENDED (1ULL << 63)

/* How many ancestors are asked for. Each of them is one whose fork was missed, and of whom nobody asked since. */
#define ADOPTION_DEPTH 3

static __always_inline __u64 start_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

static __always_inline __u64 current_start(void)
{
	struct task_struct *task = current_task();

	return current_is_typed() ? task->group_leader->start_boottime : start_of(task);
}

static __always_inline bool is_followed(__u32 pid, __u64 start)
{
	__u64 *kept = bpf_map_lookup_elem(&followed, &pid);

	if (!kept)
		return false;
	if (!*kept)
		*kept = start;
	return (*kept & ~FOLLOW_ENDED) == start;
}

static __always_inline void follow(__u32 pid, __u64 start)
{
	__u64 *kept;
	bool ended;

	if (!bpf_map_update_elem(&followed, &pid, &start, BPF_NOEXIST)) {
		__sync_fetch_and_add(&shared_state.followed, 1);
		return;
	}
	/* What an exit that was missed left behind is counted already. */
	kept = bpf_map_lookup_elem(&followed, &pid);
	ended = kept && (*kept & FOLLOW_ENDED);
	if (bpf_map_update_elem(&followed, &pid, &start, BPF_ANY))
		lose(LOSS_FOLLOW_FULL);
	else if (ended)
		__sync_fetch_and_add(&shared_state.followed, 1);
}

/* A process that is followed has ended; its threads, which may not be through, are known all the same. */
static __always_inline void follow_ends(__u32 pid, __u64 start)
{
	__u64 *kept = bpf_map_lookup_elem(&followed, &pid);

	if (!kept || *kept != start)
		return;
	*kept |= FOLLOW_ENDED;
	__sync_fetch_and_add(&shared_state.followed, -1);
}

/* Whether a task's process, which is not known, descends from one that is; then it is known from now on. */
static __always_inline bool is_adopted(struct task_struct *task, __u32 pid, __u64 start)
{
	struct task_struct *ancestor = task;
	int i;

#pragma unroll
	for (i = 0; i < ADOPTION_DEPTH; i++) {
		ancestor = BPF_CORE_READ(ancestor, real_parent);
		if (is_followed(BPF_CORE_READ(ancestor, tgid), start_of(ancestor))) {
			follow(pid, start);
			return true;
		}
	}
	return false;
}

/* Whether the current process is followed. */
static __always_inline bool follows_current(__u32 pid)
{
	__u64 start = current_start();

	return is_followed(pid, start) ||
	       (shared_knobs.adopt &&
		is_adopted((struct task_struct *)bpf_get_current_task(), pid, start));
}

#define PF_EXITING 0x4 /* linux/sched.h */

/*
 * Whether the process of a given task is. One that ends is forgotten while its
 * last thread still runs, and may not be adopted then: nobody would forget it.
 */
static __always_inline bool follows(struct task_struct *task, __u32 pid)
{
	__u64 start = start_of(task);

	if (is_followed(pid, start))
		return true;
	return shared_knobs.adopt && !(BPF_CORE_READ(task, flags) & PF_EXITING) &&
	       is_adopted(task, pid, start);
}

/* Runs before the child does: nothing of it is missed. */
SEC("raw_tp/sched_process_fork")
int follow_fork_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *child = (struct task_struct *)ctx->args[1];
	__u32 parent_pid = bpf_get_current_pid_tgid() >> 32;
	__u32 child_pid = BPF_CORE_READ(child, tgid);

	/* A new thread belongs to a process that is followed or not already. */
	if (child_pid != parent_pid && follows_current(parent_pid))
		follow(child_pid, start_of(child));
	return 0;
}

/*
 * Forgets a process with its last thread, which makes room. Not loaded where
 * process_end.bpf.h does that (FORGETS_FOLLOWED of Hooks in user space).
 */
SEC("raw_tp/sched_process_exit")
int follow_exit_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	/* signal->live has been counted down by now: do_exit() does it first. */
	if (BPF_CORE_READ(task, signal, live.counter) == 0 && !bpf_map_delete_elem(&followed, &pid))
		__sync_fetch_and_add(&shared_state.followed, -1);
	return 0;
}

#endif
