/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rungs of execsnoop at tracepoints through tracefs. The last one's are
 * those of each call; failed execs of 32-bit callers have none. As in
 * calls.bpf.h, the exit does alone where the arguments can be had from the
 * registers; before, entry and exit are joined by a map.
 *
 * sched_process_exec does not say there whether an interpreter runs. So an
 * earlier tracepoint of the same exec, sched_prepare_exec (since 6.10, "tracing:
 * Add sched_prepare_exec tracepoint"), which has both names, leaves a note. An
 * older kernel preempts no task at raw tracepoints: successes come from there.
 */

/*
 * How the exec that a thread is in came about: bits of enum exec_detail, where
 * there are any. An exec that fails behind the first tracepoint leaves its note
 * to the thread's next one, which replaces it; those of threads that have ended
 * go when the room is needed.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} kinds SEC(".maps");

#define DATA_LOC_AT(data_loc) ((data_loc)&0xffff)
#define DATA_LOC_BYTES(data_loc) ((data_loc) >> 16)
#define PIECE_BYTES 64

/* Whether two strings in the kernel's memory are the same, of bytes bytes each. */
static __always_inline bool is_same_text(const char *one, const char *other, __u32 bytes)
{
	__u64 left[PIECE_BYTES / 8] = {}, right[PIECE_BYTES / 8] = {};
	__u32 at, i;

	for (at = 0; at < FILENAME_BYTES; at += PIECE_BYTES) {
		__u64 piece;

		if (at >= bytes)
			return true;
		piece = at_most(bytes - at, PIECE_BYTES);
		bpf_probe_read_kernel(left, piece, one + at);
		bpf_probe_read_kernel(right, piece, other + at);
		for (i = 0; i < PIECE_BYTES / 8; i++) {
			if (left[i] != right[i])
				return false;
		}
	}
	return true;
}

/*
 * Whether execveat(2) found the file by a descriptor: its name neither starts
 * at the root nor at the working directory. The caller's memory still is there.
 */
static __always_inline bool is_by_descriptor(void)
{
	struct pt_regs *regs = current_regs();
	struct syscall_args args;
	struct self self;
	bool compat;
	char first = 0;

	if (call_of(true, regs, &self, &compat) != EXEC_BY_EXECVEAT)
		return false;
	syscall_args(true, regs, compat, &args);
	bpf_probe_read_user(&first, sizeof(first), (void *)args.arg[1]);
	return (int)args.arg[0] != AT_FDCWD && first != '/';
}

SEC("tp/sched/sched_prepare_exec")
int exec_prepare_tp(struct trace_event_raw_sched_prepare_exec *ctx)
{
	__u32 interp = ctx->__data_loc_interp, filename = ctx->__data_loc_filename;
	__u32 tid = bpf_get_current_pid_tgid();
	__u32 kind = 0;

	if (DATA_LOC_BYTES(interp) != DATA_LOC_BYTES(filename) ||
	    !is_same_text((void *)ctx + DATA_LOC_AT(interp), (void *)ctx + DATA_LOC_AT(filename),
			  DATA_LOC_BYTES(filename)))
		kind |= EXEC_BY_SCRIPT;
	if (is_by_descriptor())
		kind |= EXEC_BY_EXECVEAT;
	if (kind)
		bpf_map_update_elem(&kinds, &tid, &kind, BPF_ANY);
	else if (bpf_map_lookup_elem(&kinds, &tid))
		bpf_map_delete_elem(&kinds, &tid);
	return 0;
}

SPACE(exec_done_tp);
SPACE(exec_done_pair);

SEC("tp/sched/sched_process_exec")
int exec_done_tp(struct trace_event_raw_sched_process_exec *ctx)
{
	__u32 old_tid = ctx->old_pid;
	const char *filename = (void *)ctx + DATA_LOC_AT(ctx->__data_loc_filename);
	__u32 *noted = bpf_map_lookup_elem(&kinds, &old_tid);
	__u32 kind = 0;

	if (noted) {
		kind = *noted;
		bpf_map_delete_elem(&kinds, &old_tid);
	}
	return exec_done(ctx, SPACE_OF(exec_done_tp), false, current_task(), old_tid, kind,
			 filename);
}

/*
 * A successful exec by a thread that is not the leader takes over the leader's
 * id and never comes to its exit, so its entry is taken out by the id that the
 * thread had.
 */
#include "pairs.bpf.h"

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

SEC("raw_tp/sched_process_exec")
int BPF_PROG(exec_done_pair, EXEC_DONE_ARGS)
{
	__u32 before = old_tid;

	bpf_map_delete_elem(&inflight, &before);
	roomless_take(before);
	return EXEC_DONE(ctx, SPACE_OF(exec_done_pair), false);
}

static __always_inline int pair_enter(struct trace_event_raw_sys_enter *ctx, __u32 call)
{
	struct syscall_args args = {.arg = {ctx->args[0], ctx->args[1], ctx->args[2]}};
	__u32 tid = bpf_get_current_pid_tgid();
	struct call_request request = {};

	call_request_of(&request, call, false, &args);
	pair_begin(tid);
	if (!filter_passes() || !bpf_map_update_elem(&inflight, &tid, &request, BPF_ANY))
		return 0;
	/* Another one that waits there loses its place, and is lost unless it succeeds. */
	if (roomless[tid & (ROOMLESS - 1)])
		lose(LOSS_INFLIGHT_FULL);
	roomless[tid & (ROOMLESS - 1)] = tid;
	return 0;
}

static __always_inline int pair_exit(struct trace_event_raw_sys_exit *ctx, __u32 space)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call_request request;
	int ret = ctx->ret;

	if (!pair_take(tid, &request)) {
		if (roomless_take(tid))
			lose(LOSS_INFLIGHT_FULL);
		else
			pair_without_entry(ret);
		return 0;
	}
	if (ret >= 0 || is_unseen(ret))
		return 0;
	return call_exit(ctx, space, PROBE_TRACEPOINT, &request, ret);
}

CALLS(PAIR_OF_CALL)
