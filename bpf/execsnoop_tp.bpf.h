/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last rung of execsnoop: plain tracepoints. Failed execs of 32-bit callers
 * have none. As in calls.bpf.h, the exit does alone where the arguments can be
 * had from the registers; before, entry and exit are joined by a map.
 */

SPACE(exec_done_tp);
SPACE(exec_done_pair);

static __always_inline int exec_done_at(struct trace_event_raw_sched_process_exec *ctx, __u32 space)
{
	const char *filename = (void *)ctx + (ctx->__data_loc_filename & 0xffff);

	return exec_done(ctx, space, false, current_task(), ctx->old_pid, NULL, filename);
}

SEC("tp/sched/sched_process_exec")
int exec_done_tp(struct trace_event_raw_sched_process_exec *ctx)
{
	return exec_done_at(ctx, space_exec_done_tp);
}

/*
 * The exec that a thread is in. A successful one by a thread that is not the
 * leader takes over the leader's id and never comes to its exit, so the entry
 * is taken out by the id that the thread had.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u32);
	__type(value, struct exec_request);
} inflight SEC(".maps");

/*
 * The threads whose exec found no room, each where its id says. That is a loss
 * if the exec fails: a success needs no entry. An exit without an entry is none
 * by itself, since the exec may have begun before the trace did.
 */
#define ROOMLESS 1024
__u32 roomless[ROOMLESS];

static __always_inline bool roomless_take(__u32 tid)
{
	__u32 *place = &roomless[tid & (ROOMLESS - 1)];

	if (*place != tid)
		return false;
	*place = 0;
	return true;
}

SEC("tp/sched/sched_process_exec")
int exec_done_pair(struct trace_event_raw_sched_process_exec *ctx)
{
	__u32 old_tid = ctx->old_pid;

	bpf_map_delete_elem(&inflight, &old_tid);
	roomless_take(old_tid);
	return exec_done_at(ctx, space_exec_done_pair);
}

static __always_inline int enter(__u32 call, __u64 filename, __u64 argv)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct exec_request request = {.filename = filename, .argv = argv, .call = call};

	/* What the thread left there before is none of this exec's. */
	if (!bpf_map_delete_elem(&inflight, &tid))
		lose(LOSS_EXIT_MISSED);
	if (!filter_passes() || !bpf_map_update_elem(&inflight, &tid, &request, BPF_ANY))
		return 0;
	/* Another one that waits there loses its place, and is lost unless it succeeds. */
	if (roomless[tid & (ROOMLESS - 1)])
		lose(LOSS_INFLIGHT_FULL);
	roomless[tid & (ROOMLESS - 1)] = tid;
	return 0;
}

static __always_inline int leave(struct trace_event_raw_sys_exit *ctx, __u32 space)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct exec_request *request = bpf_map_lookup_elem(&inflight, &tid);
	struct exec_request copy;

	if (!request) {
		if (roomless_take(tid))
			lose(LOSS_INFLIGHT_FULL);
		return 0;
	}
	copy = *request;
	bpf_map_delete_elem(&inflight, &tid);
	return ctx->ret < 0 ? exec_failed(ctx, space, &copy, ctx->ret) : 0;
}

/* Exits before entries, so that none is missed. */
#define FAILURES_OF(name, call, filename, argv)                                                    \
	SPACE(name##_exit_tp);                                                                     \
	SPACE(name##_exit_pair);                                                                   \
	SEC("tp/syscalls/sys_exit_" #name)                                                         \
	int name##_exit_tp(struct trace_event_raw_sys_exit *ctx)                                   \
	{                                                                                          \
		return sys_exit(ctx, space_##name##_exit_tp, true, current_regs(), ctx->ret);      \
	}                                                                                          \
	SEC("tp/syscalls/sys_exit_" #name)                                                         \
	int name##_exit_pair(struct trace_event_raw_sys_exit *ctx)                                 \
	{                                                                                          \
		return leave(ctx, space_##name##_exit_pair);                                       \
	}                                                                                          \
	SEC("tp/syscalls/sys_enter_" #name)                                                        \
	int name##_enter_pair(struct trace_event_raw_sys_enter *ctx)                               \
	{                                                                                          \
		return enter(call, ctx->args[filename], ctx->args[argv]);                          \
	}

FAILURES_OF(execve, EXEC_BY_EXECVE, 0, 1)
FAILURES_OF(execveat, EXEC_BY_EXECVEAT, 1, 2)
