/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last rung at system calls, for kernels where a program at a call's exit
 * cannot have the arguments (before 5.15, see current_regs()): its entry keeps
 * what was asked for in a map, NAME_enter_pair and NAME_exit_pair. Included
 * behind calls.bpf.h. What an entry without room means differs from tool to
 * tool, so the one that includes this says
 *
 *   pair_enter(ctx, call)     what the entry does, beginning with pair_begin()
 *   pair_exit(ctx, space)     what the exit does, beginning with pair_take()
 *
 * and makes the programs by CALLS(PAIR_OF_CALL).
 *
 * Those kernels do not preempt a task inside a program, nor in a bpf(2) that
 * keeps others out, so neither end of a call is refused. An entry that is kept
 * is of this call: whatever the thread left there before is taken away first,
 * before any filter decides.
 */
#ifndef TRACEWELL_PAIRS_BPF_H
#define TRACEWELL_PAIRS_BPF_H

#include "calls.bpf.h"

/* The call that a thread is in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u32);
	__type(value, struct call_request);
} inflight SEC(".maps");

/* What the thread left there before is none of this call's. */
static __always_inline void pair_begin(__u32 tid)
{
	if (!bpf_map_delete_elem(&inflight, &tid))
		lose(LOSS_EXIT_MISSED);
}

/* Takes out what the entry kept: whether it did. */
static __always_inline bool pair_take(__u32 tid, struct call_request *request)
{
	struct call_request *kept = bpf_map_lookup_elem(&inflight, &tid);

	if (!kept)
		return false;
	*request = *kept;
	bpf_map_delete_elem(&inflight, &tid);
	return true;
}

/* An exit without an entry: seccomp has refused the call before its tracepoint, or the trace began in the middle of it. */
static __always_inline void pair_without_entry(int ret)
{
	if (ret < 0 && is_filtered_by_seccomp() && filter_passes())
		lose(LOSS_ENTRY_MISSED);
}

/* Exits before entries, so that none is missed. */
#define PAIR_OF_CALL(name, call)                                                                   \
	SPACE(name##_exit_pair);                                                                   \
	SEC("tp/syscalls/sys_exit_" #name)                                                         \
	int name##_exit_pair(struct trace_event_raw_sys_exit *ctx)                                 \
	{                                                                                          \
		return pair_exit(ctx, SPACE_OF(name##_exit_pair));                                 \
	}                                                                                          \
	SEC("tp/syscalls/sys_enter_" #name)                                                        \
	int name##_enter_pair(struct trace_event_raw_sys_enter *ctx)                               \
	{                                                                                          \
		return pair_enter(ctx, call);                                                      \
	}

#endif
