/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last rung at system calls, for kernels where a program at a call's exit
 * cannot have the arguments (before 5.15, see current_regs()): its entry keeps
 * what was asked for in a map, NAME_enter_pair and NAME_exit_pair. Included
 * behind calls.bpf.h, by a tool to which an entry without room is a loss.
 *
 * Those kernels do not preempt a task inside a program, nor in a bpf(2) that
 * keeps others out, so neither end of a call is refused. An entry that is kept
 * is of this call: whatever the thread left there before is taken away first,
 * before any filter decides.
 */
#ifndef TRACEWELL_CALL_PAIRS_BPF_H
#define TRACEWELL_CALL_PAIRS_BPF_H

#include "calls.bpf.h"

/* The call that a thread is in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u32);
	__type(value, struct call_request);
} inflight SEC(".maps");

static __always_inline int pair_enter(struct trace_event_raw_sys_enter *ctx, __u32 call)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call_request request = {};
	struct syscall_args args = {};

	if (!bpf_map_delete_elem(&inflight, &tid))
		lose(LOSS_EXIT_MISSED);
	if (!filter_passes())
		return 0;
	args.arg[0] = ctx->args[0];
	args.arg[1] = ctx->args[1];
	args.arg[2] = ctx->args[2];
	args.arg[3] = ctx->args[3];
	call_request_of(&request, call, false, &args);
	if (bpf_map_update_elem(&inflight, &tid, &request, BPF_ANY))
		lose(LOSS_INFLIGHT_FULL);
	return 0;
}

static __always_inline int pair_exit(struct trace_event_raw_sys_exit *ctx, __u32 space)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call_request *kept = bpf_map_lookup_elem(&inflight, &tid);
	struct call_request request;
	int ret = ctx->ret;

	if (!kept) {
		if (ret < 0 && is_filtered_by_seccomp() && filter_passes())
			lose(LOSS_ENTRY_MISSED);
		return 0;
	}
	request = *kept;
	bpf_map_delete_elem(&inflight, &tid);
	if ((failed_only && ret >= 0) || is_unseen(ret))
		return 0;
	return call_exit(ctx, space, PROBE_TRACEPOINT, &request, ret);
}

/* Exits before entries, so that none is missed. */
#define PAIR_OF_CALL(name, call)                                                                   \
	SPACE(name##_exit_pair);                                                                   \
	SEC("tp/syscalls/sys_exit_" #name)                                                         \
	int name##_exit_pair(struct trace_event_raw_sys_exit *ctx)                                 \
	{                                                                                          \
		return pair_exit(ctx, space_##name##_exit_pair);                                   \
	}                                                                                          \
	SEC("tp/syscalls/sys_enter_" #name)                                                        \
	int name##_enter_pair(struct trace_event_raw_sys_enter *ctx)                               \
	{                                                                                          \
		return pair_enter(ctx, call);                                                      \
	}

CALLS(PAIR_OF_CALL)

#endif
