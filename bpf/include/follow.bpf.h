/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Following a process and all that descend from it. Loaded only when asked for. */
#ifndef TRACEWELL_FOLLOW_BPF_H
#define TRACEWELL_FOLLOW_BPF_H

#include "loss.bpf.h"

/* The followed processes, by pid. User space puts the first one in, and sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u8);
} followed SEC(".maps");

static __always_inline bool is_followed(__u32 pid)
{
	return bpf_map_lookup_elem(&followed, &pid) != NULL;
}

/* Runs before the child does: nothing of it is missed. */
SEC("raw_tp/sched_process_fork")
int follow_fork_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *child = (struct task_struct *)ctx->args[1];
	__u32 parent_pid = bpf_get_current_pid_tgid() >> 32;
	__u32 child_pid = BPF_CORE_READ(child, tgid);
	__u8 yes = 1;

	/* A new thread belongs to a process that is followed or not already. */
	if (child_pid == parent_pid || !is_followed(parent_pid))
		return 0;
	if (bpf_map_update_elem(&followed, &child_pid, &yes, BPF_ANY))
		lose(LOSS_FOLLOW_FULL);
	return 0;
}

/* Forgets a process with its last thread, so that a reused pid is not taken for it. */
SEC("raw_tp/sched_process_exit")
int follow_exit_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	/* signal->live has been counted down by now: do_exit() does it first. */
	if (BPF_CORE_READ(task, signal, live.counter) == 0)
		bpf_map_delete_elem(&followed, &pid);
	return 0;
}

#endif
