/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Since when a task does something that begins in one program and ends in
 * another. A task is known by its address, which an exec by another thread than
 * the first leaves as it is, other than its number.
 *
 * An entry stays when what it is about ends, as long as there are no more than
 * since_kept_most: to make one and delete it costs more than all the rest. A
 * tool calls since_forget() for a task that ends.
 */
#ifndef TRACEWELL_SINCE_BPF_H
#define TRACEWELL_SINCE_BPF_H

#include "core.bpf.h"
#include "loss.bpf.h"

#define SINCE_MOST 16384

/* The time of the beginning by task; 0: not under way. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SINCE_MOST);
	__type(key, __u64);
	__type(value, __u64);
} since SEC(".maps");

/* User space sets it. What lies above is for what is under way at once. */
const volatile __u64 since_kept_most = 0;

__u64 since_kept = 0;

static __always_inline void since_forget(__u64 task)
{
	if (!bpf_map_delete_elem(&since, &task))
		__sync_fetch_and_add(&since_kept, -1);
}

/* It begins now; with_under_way says whether that is so if it is under way already. */
static __always_inline void since_begin(__u64 task, __u64 now_ns, bool with_under_way)
{
	__u64 *since_ns = bpf_map_lookup_elem(&since, &task);

	if (since_ns) {
		if (with_under_way || !*since_ns)
			*since_ns = now_ns;
	} else if (!bpf_map_update_elem(&since, &task, &now_ns, BPF_NOEXIST)) {
		__sync_fetch_and_add(&since_kept, 1);
	} else {
		lose(LOSS_INFLIGHT_FULL);
	}
}

/* It ends: how long it took; -1: it was not under way, or since before the trace. */
static __always_inline __s64 since_end(__u64 task, __u64 now_ns)
{
	__u64 *kept = bpf_map_lookup_elem(&since, &task);
	__u64 since_ns;

	if (!kept)
		return -1;
	since_ns = *kept;
	if (!since_ns)
		return -1;
	if (since_kept > since_kept_most)
		since_forget(task);
	else
		*kept = 0;
	/* The clock is one for all CPUs, but two of them may read it at once. */
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

#endif
