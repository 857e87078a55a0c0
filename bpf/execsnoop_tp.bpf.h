/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last rung of execsnoop: plain tracepoints. Failed execs need entry and
 * exit, joined by a map; those of 32-bit callers have no such tracepoint.
 */

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

SEC("tp/sched/sched_process_exec")
int exec_done_tp(struct trace_event_raw_sched_process_exec *ctx)
{
	__u32 old_tid = ctx->old_pid;
	const char *filename = (void *)ctx + (ctx->__data_loc_filename & 0xffff);

	bpf_map_delete_elem(&inflight, &old_tid);
	return exec_done(ctx, false, current_task(), old_tid, NULL, filename);
}

static __always_inline int enter(__u32 call, __u64 filename, __u64 argv)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct exec_request request = {.filename = filename, .argv = argv, .call = call};

	/* That there was no room is counted if the exec fails: a success needs no entry. */
	if (filter_passes())
		bpf_map_update_elem(&inflight, &tid, &request, BPF_ANY);
	return 0;
}

static __always_inline int leave(struct trace_event_raw_sys_exit *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct exec_request *request = bpf_map_lookup_elem(&inflight, &tid);
	struct exec_request copy;

	if (!request) {
		/* Or it began before the programs were attached. */
		if (ctx->ret < 0 && filter_passes())
			lose(LOSS_INFLIGHT_FULL);
		return 0;
	}
	copy = *request;
	bpf_map_delete_elem(&inflight, &tid);
	return ctx->ret < 0 ? exec_failed(ctx, &copy, ctx->ret) : 0;
}

SEC("tp/syscalls/sys_enter_execve")
int execve_enter_tp(struct trace_event_raw_sys_enter *ctx)
{
	return enter(EXEC_BY_EXECVE, ctx->args[0], ctx->args[1]);
}

SEC("tp/syscalls/sys_exit_execve")
int execve_exit_tp(struct trace_event_raw_sys_exit *ctx)
{
	return leave(ctx);
}

SEC("tp/syscalls/sys_enter_execveat")
int execveat_enter_tp(struct trace_event_raw_sys_enter *ctx)
{
	return enter(EXEC_BY_EXECVEAT, ctx->args[1], ctx->args[2]);
}

SEC("tp/syscalls/sys_exit_execveat")
int execveat_exit_tp(struct trace_event_raw_sys_exit *ctx)
{
	return leave(ctx);
}
