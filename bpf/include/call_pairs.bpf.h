/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* pairs.bpf.h for a tool to which an entry without room is a loss. */
#ifndef TRACEWELL_CALL_PAIRS_BPF_H
#define TRACEWELL_CALL_PAIRS_BPF_H

#include "pairs.bpf.h"

static __always_inline int pair_enter(struct trace_event_raw_sys_enter *ctx, __u32 call)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call_request request = {};
	struct syscall_args args = {};

	pair_begin(tid);
	if (!filter_passes())
		return 0;
	args.arg[0] = ctx->args[0];
	args.arg[1] = ctx->args[1];
	args.arg[2] = ctx->args[2];
	args.arg[3] = ctx->args[3];
	call_request_of(&request, call, false, &args);
#ifdef CALL_TIMES
	/* Until it ends. */
	if (timed)
		request.took_ns = bpf_ktime_get_ns();
#endif
	if (bpf_map_update_elem(&inflight, &tid, &request, BPF_ANY))
		lose(LOSS_INFLIGHT_FULL);
	return 0;
}

static __always_inline int pair_exit(struct trace_event_raw_sys_exit *ctx, __u32 space)
{
	struct call_request request;
	int ret = ctx->ret;

	if (!pair_take(bpf_get_current_pid_tgid(), &request)) {
		pair_without_entry(ret);
		return 0;
	}
	if (!CALL_TAKES(&request, bpf_ktime_get_ns() - request.took_ns))
		return 0;
	if (!result_passes(ret) || is_unseen(ret))
		return 0;
	return call_exit(ctx, space, PROBE_TRACEPOINT, &request, ret);
}

CALLS(PAIR_OF_CALL)

#endif
