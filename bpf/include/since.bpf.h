/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Since when a task does something that begins in one program and ends in
 * another. A task is known by its address, which an exec by another thread than
 * the first leaves as it is, other than its number.
 *
 * An entry stays when what it is about ends, as long as there are no more than
 * since_kept_most: to make one and delete it costs more than all the rest. A
 * tool calls since_forget() for a task that ends.
 *
 * The account: some kernels run no program while certain tasks are the current
 * ones (a virtual machine's supervisor may exempt its own). An end that was not
 * told of shows when the task begins something else, goes on to do something
 * else, or ends: it is lost. A beginning that was not told of shows at its end,
 * where the task has an entry: SINCE_UNSEEN. What was told of at neither is not
 * counted.
 */
#ifndef TRACEWELL_SINCE_BPF_H
#define TRACEWELL_SINCE_BPF_H

#include "core.bpf.h"
#include "loss.bpf.h"

#define SINCE_MOST 16384

/* The time of the beginning by task, perhaps with SINCE_OPEN; 0: not under way. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SINCE_MOST);
	__type(key, __u64);
	__type(value, __u64);
} since SEC(".maps");

/* User space sets it. What lies above is for what is under way at once. */
const volatile __u64 since_kept_most = 0;

__u64 since_kept = 0;

/* In an entry's time: since_begin_or_go_on() finds it, and it goes on. */
#define SINCE_OPEN (1ULL << 63)

/* The task does something else: what was under way has ended, and was not told of. */
static __always_inline void since_end_untold(__u64 task)
{
	__u64 *kept = bpf_map_lookup_elem(&since, &task);

	if (kept && *kept) {
		lose(LOSS_COMPLETION_MISSED);
		*kept = 0;
	}
}

/* The task ends, and what is under way does with it. */
static __always_inline void since_forget(__u64 task)
{
	if (!bpf_map_delete_elem(&since, &task))
		__sync_fetch_and_add(&since_kept, -1);
}

static __always_inline void since_set(__u64 task, __u64 *kept, __u64 since_ns)
{
	if (kept) {
		if (*kept)
			lose(LOSS_COMPLETION_MISSED);
		*kept = since_ns;
	} else if (!bpf_map_update_elem(&since, &task, &since_ns, BPF_NOEXIST)) {
		__sync_fetch_and_add(&since_kept, 1);
	} else {
		lose(LOSS_INFLIGHT_FULL);
	}
}

/* It begins now, open as said above or not. One that is under way has ended, and was not told of. */
static __always_inline void since_begin(__u64 task, __u64 now_ns, bool open)
{
	since_set(task, bpf_map_lookup_elem(&since, &task), open ? now_ns | SINCE_OPEN : now_ns);
}

/* It begins now, but goes on where it was begun open. */
static __always_inline void since_begin_or_go_on(__u64 task, __u64 now_ns)
{
	__u64 *kept = bpf_map_lookup_elem(&since, &task);

	if (kept && *kept & SINCE_OPEN)
		*kept &= ~SINCE_OPEN;
	else
		since_set(task, kept, now_ns);
}

/* What since_end() gives where it has no time. */
#define SINCE_UNKNOWN (-1) /* the task has begun nothing that this trace has seen */
#define SINCE_UNSEEN                                                                               \
	(-2) /* it has, but not this, as far as was told: since_lose_beginning() counts it */

/* At the end of the trace, beginnings are no longer told of before ends are not. */
static __always_inline void since_lose_beginning(void)
{
	if (!shared_state.closing)
		lose(LOSS_ENTRY_MISSED);
}

/* It ends: how long it took. */
static __always_inline __s64 since_end(__u64 task, __u64 now_ns)
{
	__u64 *kept = bpf_map_lookup_elem(&since, &task);
	__u64 since_ns;

	if (!kept)
		return SINCE_UNKNOWN;
	since_ns = *kept & ~SINCE_OPEN;
	if (!since_ns)
		return SINCE_UNSEEN;
	if (since_kept > since_kept_most)
		since_forget(task);
	else
		*kept = 0;
	/* The clock is one for all CPUs, but two of them may read it at once. */
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

#endif
