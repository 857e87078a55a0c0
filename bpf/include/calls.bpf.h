/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rungs at system calls, for a tool that tells of a few calls, each once,
 * at its exit. The source that includes this has said before what differs:
 *
 *   enum call                   the calls, CALL_NONE for all others
 *   calls_of(nr)                which of them a number means
 *   struct call_request         what one call asked for, as its arguments say it
 *   call_request_of(&request, call, compat, &args)
 *
 * and says after it, in sys_exit() and call_exit(), what becomes of a request.
 */
#ifndef TRACEWELL_CALLS_BPF_H
#define TRACEWELL_CALLS_BPF_H

#include "core.bpf.h"
#include "filter.bpf.h"
#include "loss.bpf.h"
#include "result.bpf.h"
#include "syscall.bpf.h"

const volatile bool failed_only = false;

/* Which programs a call is seen by. */
enum call_rung {
	RUNG_TP_BTF,
	RUNG_RAW_TP,
	RUNG_RAW_SYSCALLS,
};

/* Whether a call that is one of the tool's, with this result, is one to tell of. */
static __always_inline bool call_passes(int ret)
{
	return !(failed_only && ret >= 0) && filter_passes() && !is_unseen(ret);
}

/*
 * At the exit of any system call: whether it is one to tell of, and then its
 * request. Most are none of the tool's; that answer is the cheap one.
 */
static __always_inline bool exit_request(struct call_request *request, enum call_rung rung,
					 struct pt_regs *regs, int ret)
{
	bool direct = rung != RUNG_RAW_TP;
	struct calls calls = calls_of(syscall_nr(direct, regs));
	struct syscall_args args;
	enum call call;
	bool compat;

	if (calls.native == CALL_NONE && calls.other == CALL_NONE)
		return false;
	compat = syscall_is_compat(direct, regs);
	call = BY_CALLER(compat, calls.native, calls.other);
	if (call == CALL_NONE || !call_passes(ret))
		return false;
	syscall_args(direct, regs, compat, &args);
	call_request_of(request, call, compat, &args);
	return true;
}

/*
 * Programs around sys_exit(ctx, space, rung, regs, ret), one a rung: name_btf,
 * name_raw, name_rawsys.
 *
 * The result of these calls is an int. Up to 5.13, arm64 left the upper half of
 * a 32-bit caller's as it was ("arm64: fix compat syscall return truncation").
 *
 * raw_syscalls is dearer than the others for every other system call, but
 * never preempted, not even on kernels that preempt tasks inside those. (The
 * kernel turns preemption off around all programs on tracepoints through
 * tracefs, except those on one system call, from 7.2 on.)
 */
#define EXIT_OF_ANY_CALL(name)                                                                     \
	SPACE(name##_btf);                                                                         \
	SPACE(name##_raw);                                                                         \
	SPACE(name##_rawsys);                                                                      \
	SEC("tp_btf/sys_exit")                                                                     \
	int BPF_PROG(name##_btf, struct pt_regs *regs, long ret)                                   \
	{                                                                                          \
		return sys_exit(ctx, space_##name##_btf, RUNG_TP_BTF, regs, ret);                  \
	}                                                                                          \
	SEC("raw_tp/sys_exit")                                                                     \
	int name##_raw(struct bpf_raw_tracepoint_args *ctx)                                        \
	{                                                                                          \
		return sys_exit(ctx, space_##name##_raw, RUNG_RAW_TP,                              \
				(struct pt_regs *)ctx->args[0], ctx->args[1]);                     \
	}                                                                                          \
	SEC("tp/raw_syscalls/sys_exit")                                                            \
	int name##_rawsys(struct trace_event_raw_sys_exit *ctx)                                    \
	{                                                                                          \
		return sys_exit(ctx, space_##name##_rawsys, RUNG_RAW_SYSCALLS, current_regs(),     \
				ctx->ret);                                                         \
	}

/*
 * The last rung: the tracepoints of each call. These do not fire for 32-bit
 * callers. The exit does alone where the arguments can be had from the
 * registers (since 5.15, see current_regs()): nothing is joined, so nothing can
 * be joined wrongly.
 *
 * Before, entry and exit are joined by a map. Those kernels do not preempt a
 * task inside a program, nor in a bpf(2) that keeps others out, so neither end
 * of a call is refused. An entry that is kept is of this call: whatever the
 * thread left there before is taken away first, before any filter decides.
 *
 * The map has the call that a thread is in. User space makes it one entry small
 * on the other rungs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u32);
	__type(value, struct call_request);
} inflight SEC(".maps");

static __always_inline int pair_enter(struct trace_event_raw_sys_enter *ctx, enum call call)
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

/* Takes the request out of the map: whether there was one, and it is to be told of. */
static __always_inline bool pair_request(struct call_request *request, int ret)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call_request *kept = bpf_map_lookup_elem(&inflight, &tid);

	if (!kept) {
		if (ret < 0 && is_filtered_by_seccomp() && filter_passes())
			lose(LOSS_ENTRY_MISSED);
		return false;
	}
	*request = *kept;
	bpf_map_delete_elem(&inflight, &tid);
	return (!failed_only || ret < 0) && !is_unseen(ret);
}

/* Programs around call_exit(ctx, space, request, ret): name_exit_tp, or name_exit_pair and name_enter_pair. */
#define EXIT_OF_CALL(name, call)                                                                   \
	SPACE(name##_exit_tp);                                                                     \
	SPACE(name##_exit_pair);                                                                   \
	SEC("tp/syscalls/sys_exit_" #name)                                                         \
	int name##_exit_tp(struct trace_event_raw_sys_exit *ctx)                                   \
	{                                                                                          \
		struct call_request request;                                                       \
		struct syscall_args args;                                                          \
                                                                                                   \
		if (!call_passes(ctx->ret))                                                        \
			return 0;                                                                  \
		syscall_args(true, current_regs(), false, &args);                                  \
		call_request_of(&request, call, false, &args);                                     \
		return call_exit(ctx, space_##name##_exit_tp, &request, ctx->ret);                 \
	}                                                                                          \
	SEC("tp/syscalls/sys_exit_" #name)                                                         \
	int name##_exit_pair(struct trace_event_raw_sys_exit *ctx)                                 \
	{                                                                                          \
		struct call_request request;                                                       \
                                                                                                   \
		if (!pair_request(&request, ctx->ret))                                             \
			return 0;                                                                  \
		return call_exit(ctx, space_##name##_exit_pair, &request, ctx->ret);               \
	}                                                                                          \
	SEC("tp/syscalls/sys_enter_" #name)                                                        \
	int name##_enter_pair(struct trace_event_raw_sys_enter *ctx)                               \
	{                                                                                          \
		return pair_enter(ctx, call);                                                      \
	}

#endif
