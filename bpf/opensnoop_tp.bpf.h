/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last rung of opensnoop: entry and exit tracepoints, joined by a map.
 * The tracepoints of system calls do not fire for 32-bit callers. Their four
 * exits may share one scratch space: the kernel runs one program of this kind
 * at a time on a CPU.
 */

/* The open that a thread is in. User space makes it one entry small on the other rungs. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u32);
	__type(value, struct open_request);
} inflight SEC(".maps");

static __always_inline int enter(struct trace_event_raw_sys_enter *ctx, enum open_call call)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct open_request request = {};
	struct syscall_args args = {};

	if (!filter_passes())
		return 0;
	args.arg[0] = ctx->args[0];
	args.arg[1] = ctx->args[1];
	args.arg[2] = ctx->args[2];
	args.arg[3] = ctx->args[3];
	open_request_of(&request, call, &args);
	if (bpf_map_update_elem(&inflight, &tid, &request, BPF_ANY))
		lose(LOSS_INFLIGHT_FULL);
	return 0;
}

static __always_inline int leave(struct trace_event_raw_sys_exit *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct open_request *request = bpf_map_lookup_elem(&inflight, &tid);
	struct open_request copy;

	if (!request)
		return 0;
	copy = *request;
	bpf_map_delete_elem(&inflight, &tid);
	if (failed_only && ctx->ret >= 0)
		return 0;
	return open_exit(ctx, &copy, ctx->ret, full_path);
}

#define OPEN_PAIR(name, call)                                                                      \
	SEC("tp/syscalls/sys_enter_" #name)                                                        \
	int name##_enter_tp(struct trace_event_raw_sys_enter *ctx)                                 \
	{                                                                                          \
		return enter(ctx, call);                                                           \
	}                                                                                          \
	SEC("tp/syscalls/sys_exit_" #name)                                                         \
	int name##_exit_tp(struct trace_event_raw_sys_exit *ctx)                                   \
	{                                                                                          \
		return leave(ctx);                                                                 \
	}

OPEN_PAIR(open, CALL_OPEN)
OPEN_PAIR(creat, CALL_CREAT)
OPEN_PAIR(openat, CALL_OPENAT)
OPEN_PAIR(openat2, CALL_OPENAT2)
