/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events that are begun in the middle of their task, and told of where what the
 * task began comes to its end: in an interrupt, or in whichever task runs then.
 *
 * Between the two an event lies in a map of the tool's, at the end of a value
 * that no two programs write at once. What is asked for of the task (its
 * ancestors, the names of its cgroup and of its executable) is taken when the
 * event is begun, and stands behind it: user space makes the values of the map,
 * and of blank.bpf.h, larger by it (STORED of Hooks).
 *
 * An event that is only stored is not lost with the trace: what did not end is
 * not told of. One program of an object sends such events where these may come
 * in interrupts: see count_event().
 */
#ifndef TRACEWELL_STORED_BPF_H
#define TRACEWELL_STORED_BPF_H

#include "blank.bpf.h"
#include "emit.bpf.h"

/*
 * Begins an event of bytes bytes, of the current task. Gives its bytes with what
 * stands behind it, for stored_emit().
 */
static __always_inline __u64 stored_begin(struct event_head *head, __u64 bytes)
{
	event_of_task(head);
	return shared_knobs.behind ? asked_behind(head, bytes) : bytes;
}

/* Sends it, as of now. all is what stored_begin() gave for an event of bytes bytes; it may be begun and sent again. */
static __always_inline void stored_emit(void *ctx, struct event_head *head, __u64 bytes, __u64 all)
{
	event_expect();
	event_of_now(head);
	if (shared_knobs.behind)
		bytes = at_most(all, bytes + shared_knobs.behind_room);
	event_output(ctx, head, bytes);
	event_end();
}

#endif
