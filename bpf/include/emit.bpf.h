/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way out: one buffer, and a count of what did not fit.
 *
 * A ring has one lock. Where there are many CPUs, neighbours share a ring, and
 * user space puts what it reads at once in the order of time.
 */
#ifndef TRACEWELL_EMIT_BPF_H
#define TRACEWELL_EMIT_BPF_H

#include "behind.bpf.h"
#include "core.bpf.h"
#include "loss.bpf.h"

/*
 * A ring buffer, sized before load. User space turns it into a perf event
 * array where that is asked for; the verifier then never sees the other half
 * of emit().
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} events SEC(".maps");

/* Where there is more than one ring: all of them, events first. User space makes the others. */
struct shard {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct shard);
} shards SEC(".maps");

/*
 * Where events are put together: one value for each CPU, and where the kernel
 * preempts tasks inside one of the programs, for each program. So neither
 * another CPU nor another program of the object, run by a task that preempts
 * this one, can write into it. The kernel refuses a second run of the same
 * program on a CPU. User space sets the number of entries.
 *
 * A plain array indexed by CPU: the lookup is inlined on every kernel, and a
 * value may be larger than the 32 KiB of a per-CPU one.
 */
#define SCRATCH_MAP(bytes)                                                                         \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, 1);                                                            \
		__uint(key_size, sizeof(__u32));                                                   \
		__uint(value_size, bytes);                                                         \
	} scratch SEC(".maps")

/*
 * Gives a program scratch space of its own, which its code knows as
 * SPACE_OF(program). User space numbers the spaces of the programs that it loads,
 * and makes as many as can be in use on a CPU at once (shared/src/kernel/spaces.rs).
 */
#define SPACE(program) const volatile __u32 space_##program SEC(".rodata.spaces") = 0

/* Where there is one space, its number is not looked at: that is in a page of its own. */
#define SPACE_OF(program) (shared_knobs.spaces > 1 ? space_##program : 0)

/*
 * What a map like it holds for a space on this CPU. The CPU comes first: one
 * that user space did not know of has no slot, and not another program's.
 */
#define slot_of(map, space)                                                                        \
	({                                                                                         \
		__u32 __key = bpf_get_smp_processor_id() * shared_knobs.spaces + (space);          \
		bpf_map_lookup_elem(map, &__key);                                                  \
	})

#define scratch_of(space) slot_of(&scratch, space)

/* The same for an event that is to be told of: that there is no memory for it is counted. */
#define room_of(space)                                                                             \
	({                                                                                         \
		void *__room = scratch_of(space);                                                  \
		if (!__room)                                                                       \
			lose(LOSS_NO_ROOM);                                                        \
		__room;                                                                            \
	})

#define ENOENT 2
#define E2BIG 7
#define EOPNOTSUPP 95

/*
 * Why the kernel did not put an event into a perf buffer: there is none for a
 * CPU that was not online at the start, and one whose CPU went offline
 * meanwhile is dead (__bpf_perf_event_output() of kernel/trace/bpf_trace.c).
 */
static __always_inline enum loss_cause perf_loss(int err)
{
	if (err == -ENOENT || err == -E2BIG || err == -EOPNOTSUPP)
		return LOSS_NO_BUFFER;
	return LOSS_BUFFER_FULL;
}

/*
 * An event may come of this: until emit() has sent it, or event_end() says that
 * it is none, it counts as one that the end of a trace cut off.
 */
static __always_inline void event_expect(void)
{
	count_event(LOSS_UNFINISHED, 1);
}

/* The part of a head that says whose the event is: of the current task. */
static __always_inline void event_of_task(struct event_head *head)
{
	struct self self = current_self();

	head->pid = self.pid;
	head->tid = self.tid;
	head->uid = current_uid(self.task);
	read_current_comm(self.task, head->comm);
	head->cgroup_id = shared_knobs.cgroup_ids ? bpf_get_current_cgroup_id() : 0;
	head->behind_at = 0;
	head->ancestors = 0;
	head->cgroup = 0;
}

/* The part that says when it is, and what was lost before it. */
static __always_inline void event_of_now(struct event_head *head)
{
	__u32 slot = loss_slot_of_cpu();

	head->time_ns = bpf_ktime_get_boot_ns();
	head->lost_slot = slot;
	head->lost_buffer_full = shared_state.loss[slot].count[LOSS_BUFFER_FULL];
	head->lost_inflight_full = shared_state.loss[slot].count[LOSS_INFLIGHT_FULL];
}

/* Fills in the head of an event of the current task, which is expected. */
static __always_inline void event_fill_head(struct event_head *head)
{
	event_of_now(head);
	event_of_task(head);
}

/* Both, where it is an event in any case. */
static __always_inline void event_begin(struct event_head *head)
{
	event_expect();
	event_fill_head(head);
}

/* What was expected is through: it was sent, or is none that was asked for. */
static __always_inline void event_end(void)
{
	count_event(LOSS_UNFINISHED, -1);
}

/* The ring of this CPU. */
static __always_inline void *own_ring(void)
{
	__u32 own;

	if (shared_knobs.rings <= 1)
		return &events;
	own = (bpf_get_smp_processor_id() >> shared_knobs.ring_shift) & (shared_knobs.rings - 1);
	return bpf_map_lookup_elem(&shards, &own);
}

static __always_inline void ring_output(void *event, __u64 bytes)
{
	void *ring = own_ring();
	__u64 flags = 0;
	long err;

	if (!ring) {
		lose(LOSS_NO_BUFFER);
		return;
	}
	if (!shared_state.wake_forced &&
	    bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= shared_knobs.wake_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	err = bpf_ringbuf_output(ring, event, bytes, flags);
	if (flags && !err)
		shared_state.wake_forced = 1;
	if (err)
		lose(LOSS_BUFFER_FULL);
}

/*
 * Puts an event into the buffer, or counts why not.
 *
 * The ring's own rule wakes the reader for the first event after it caught up;
 * it then waits a little, to fetch many at once. When the ring is filling up
 * meanwhile, one wake-up is forced, so that it comes at once.
 */
static __always_inline void event_output(void *ctx, void *event, __u64 bytes)
{
	long err;

	if (bytes > shared_knobs.event_most_bytes) {
		lose(LOSS_TOO_LARGE);
	} else if (shared_knobs.perf_buffer) {
		err = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, event, bytes);
		if (err)
			lose(perf_loss(err));
	} else {
		ring_output(event, bytes);
	}
}

/* Sends an event of bytes bytes, and is done with it. */
static __always_inline void emit(void *ctx, void *event, __u64 bytes)
{
	if (shared_knobs.behind)
		bytes = asked_behind(event, bytes);
	event_output(ctx, event, bytes);
	event_end();
}

#endif
