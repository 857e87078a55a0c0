/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls of functions in user space, each joined with its return.
 *
 * An entry is joined with its return by the thread and by where its frame is on
 * the stack: a return of another place is of another call. A thread has one
 * call that is kept, and what begins deeper on the stack, or at the same place
 * by a jump from one function to another, is a part of it: the C library's
 * functions call each other by the addresses that are hooked.
 *
 * The account: a call that is left by a jump, as of longjmp(3), has no return.
 * It shows when the thread calls again from as far up its stack,
 * LOSS_EXIT_MISSED; what was taken for a part of it until then may have been
 * none, LOSS_ENTRY_MISSED.
 */
#ifndef TRACEWELL_USER_CALLS_BPF_H
#define TRACEWELL_USER_CALLS_BPF_H

#include "core.bpf.h"
#include "filter.bpf.h"
#include "loss.bpf.h"
#include "user.bpf.h"

#define USER_ARGS 3

/* A call that is under way. */
struct user_call {
	__u64 began_ns;
	__u64 frame; /* the stack pointer at its entry */
	__u64 thread; /* when that was made: its number may be another's by now */
	__u64 arg[USER_ARGS]; /* as the tool likes */
	__u32 function;
	__u32 inner; /* calls that began inside it */
};

/* By thread, as bpf_get_current_pid_tgid() has it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);
	__type(value, struct user_call);
} user_calls SEC(".maps");

/*
 * How much further up the stack pointer is when a function has returned: where
 * a call pushes the address that it returns to, that is gone by then.
 */
#if defined(__TARGET_ARCH_x86)
#define USER_RETURN_BYTES 8
#else
#define USER_RETURN_BYTES 0
#endif

static __always_inline __u64 user_stack_word(struct pt_regs *ctx, __u32 bytes)
{
	__u64 word = 0;

	bpf_probe_read_user(&word, sizeof(word), (void *)PT_REGS_SP(ctx) + bytes);
	return word;
}

/* A function's sixth and seventh argument at its entry, which may be on the stack. */
#if defined(__TARGET_ARCH_x86)
#define USER_ARG6(ctx) PT_REGS_PARM6(ctx)
#define USER_ARG7(ctx) user_stack_word(ctx, 8)
#elif defined(__TARGET_ARCH_s390)
#define USER_ARG6(ctx) user_stack_word(ctx, 160)
#define USER_ARG7(ctx) user_stack_word(ctx, 168)
#else
#define USER_ARG6(ctx) PT_REGS_PARM6(ctx)
#define USER_ARG7(ctx) PT_REGS_PARM7(ctx)
#endif

static __always_inline __u64 user_thread(void)
{
	return FIELD(current_is_typed(), current_task(), start_boottime);
}

/* A call that is kept, and was left without a return. */
static __always_inline void user_lose(__u64 key, __u32 inner)
{
	bpf_map_delete_elem(&user_calls, &key);
	lose(LOSS_EXIT_MISSED);
	if (inner)
		count_loss(LOSS_ENTRY_MISSED, inner);
}

/*
 * Whether a call that begins now is to be kept, by user_keep(): its arguments
 * are the caller's to put in. Where it is not, all of it is done.
 */
static __always_inline bool user_begins(struct pt_regs *ctx, __u32 function, struct user_call *call)
{
	__u64 key = bpf_get_current_pid_tgid();
	__u64 frame = PT_REGS_SP(ctx), thread = user_thread();
	struct user_call *kept = bpf_map_lookup_elem(&user_calls, &key);

	if (kept && kept->thread == thread) {
		if (frame < kept->frame || (frame == kept->frame && function != kept->function)) {
			kept->inner++;
			return false;
		}
		user_lose(key, kept->inner);
	} else if (kept) {
		bpf_map_delete_elem(&user_calls, &key);
	}
	if (shared_state.closing || !filter_passes())
		return false;
	call->began_ns = bpf_ktime_get_ns();
	call->frame = frame;
	call->thread = thread;
	call->function = function;
	call->inner = 0;
	return true;
}

static __always_inline void user_keep(const struct user_call *call)
{
	__u64 key = bpf_get_current_pid_tgid();

	if (bpf_map_update_elem(&user_calls, &key, call, BPF_ANY))
		lose(LOSS_INFLIGHT_FULL);
}

/*
 * Whether the call that returns now is the one that was kept; it is taken out. A
 * call that began before the trace was not.
 */
static __always_inline bool user_ends(struct pt_regs *ctx, __u32 function, struct user_call *call)
{
	__u64 key = bpf_get_current_pid_tgid();
	__u64 frame = PT_REGS_SP(ctx) - USER_RETURN_BYTES;
	struct user_call *kept = bpf_map_lookup_elem(&user_calls, &key);

	if (!kept || kept->thread != user_thread() || frame < kept->frame)
		return false;
	if (frame > kept->frame) {
		user_lose(key, kept->inner);
		return false;
	}
	if (function != kept->function)
		return false;
	*call = *kept;
	bpf_map_delete_elem(&user_calls, &key);
	return true;
}

/* A thread's last call does not return. */
SEC("raw_tp/sched_process_exit")
int task_end_raw(void *ctx)
{
	__u64 key = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&user_calls, &key);
	return 0;
}

#endif
