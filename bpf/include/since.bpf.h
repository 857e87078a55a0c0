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
 * ones (a virtual machine's supervisor may exempt its own). So an entry says
 * what its task does, and what it is told of next has to follow from that. An
 * end that was not told of is lost; a beginning that was not shows at its end,
 * SINCE_UNSEEN. Where a tool says by since_sleep() that what comes next has to
 * begin, it is lost too where neither was told of.
 */
#ifndef TRACEWELL_SINCE_BPF_H
#define TRACEWELL_SINCE_BPF_H

#include "core.bpf.h"
#include "loss.bpf.h"

#define SINCE_MOST 16384

/* By task: the time of the beginning, perhaps with SINCE_OPEN, of what is under way; else one of these. */
#define SINCE_NOTHING 0
#define SINCE_ASLEEP 1 /* the next thing has to begin, before it ends or another one does */

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

/* The task ends, and what is under way does with it. */
static __always_inline void since_forget(__u64 task)
{
	if (!bpf_map_delete_elem(&since, &task))
		__sync_fetch_and_add(&since_kept, -1);
}

static __always_inline void since_make(__u64 task, __u64 since_ns)
{
	if (!bpf_map_update_elem(&since, &task, &since_ns, BPF_NOEXIST)) {
		__sync_fetch_and_add(&since_kept, 1);
		return;
	}
	/* Nothing is lost to a tool that tells of an end of which it knows no beginning. */
#ifndef SINCE_UNKNOWN_IS_TOLD
	lose(LOSS_INFLIGHT_FULL);
#endif
}

/* The task is awake, so that whatever its entry has came to an end which was not told of. */
static __always_inline void since_check(const __u64 *kept)
{
	if (*kept != SINCE_NOTHING)
		lose(LOSS_COMPLETION_MISSED);
}

/* It begins now, by a task that is awake; open as said above or not. */
static __always_inline void since_begin(__u64 task, __u64 now_ns, bool open)
{
	__u64 since_ns = open ? now_ns | SINCE_OPEN : now_ns;
	__u64 *kept = bpf_map_lookup_elem(&since, &task);

	if (kept) {
		since_check(kept);
		*kept = since_ns;
	} else {
		since_make(task, since_ns);
	}
}

/* It begins now, by a task that was asleep; but goes on where it was begun open. */
static __always_inline void since_begin_or_go_on(__u64 task, __u64 now_ns)
{
	__u64 *kept = bpf_map_lookup_elem(&since, &task);

	if (!kept) {
		since_make(task, now_ns);
	} else if (*kept & SINCE_OPEN) {
		*kept &= ~SINCE_OPEN;
	} else {
		if (*kept != SINCE_ASLEEP)
			since_check(kept);
		*kept = now_ns;
	}
}

/* The task goes to sleep. */
static __always_inline void since_sleep(__u64 task)
{
	__u64 *kept = bpf_map_lookup_elem(&since, &task);

	if (kept) {
		since_check(kept);
		*kept = SINCE_ASLEEP;
	}
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
	if (since_ns <= SINCE_ASLEEP) {
		*kept = SINCE_NOTHING;
		return SINCE_UNSEEN;
	}
	if (since_kept > since_kept_most)
		since_forget(task);
	else
		*kept = SINCE_NOTHING;
	/* The clock is one for all CPUs, but two of them may read it at once. */
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

#endif
