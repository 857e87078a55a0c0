/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Scratch memory for programs in which the kernel may take a task off its CPU,
 * and refuses them to nobody meanwhile: those at functions of programs, since
 * "bpf: implement sleepable uprobes by chaining gps" (6.0). Several tasks of one
 * CPU may be in one of them, so each claims a space that no other has, and
 * releases it. That takes two changes of a map, and is left out where the kernel
 * preempts nobody there. A task that finds none is one for which there is no
 * room (LOSS_NO_ROOM).
 *
 * A tool that includes this says in CLAIM_BYTES how large its events are.
 */
#ifndef TRACEWELL_CLAIM_BPF_H
#define TRACEWELL_CLAIM_BPF_H

#include "core.bpf.h"
#include "emit.bpf.h"

SCRATCH_MAP(CLAIM_BYTES);

/* The spaces that are in use, by their place in the scratch map. User space sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8);
} claims SEC(".maps");

/* No space is this one's. */
#define CLAIM_NOTHING (~0U)

static __always_inline void claim_release(__u32 place)
{
	if (place != CLAIM_NOTHING)
		bpf_map_delete_elem(&claims, &place);
}

/* Memory for an event that is to be told of, until claim_release(*place); NULL, and a loss, where there is none. */
static __always_inline void *claim_room(__u32 *place)
{
	__u32 first = bpf_get_smp_processor_id() * shared_knobs.spaces;
	__u8 used = 1;
	void *room;
	int i;

	*place = CLAIM_NOTHING;
	if (!shared_knobs.claimed)
		return room_of(0);
#pragma unroll
	for (i = 0; i < CLAIMED_SPACES; i++) {
		__u32 next = first + i;

		if (!bpf_map_update_elem(&claims, &next, &used, BPF_NOEXIST)) {
			*place = next;
			break;
		}
	}
	room = *place == CLAIM_NOTHING ? NULL : bpf_map_lookup_elem(&scratch, place);
	if (!room) {
		claim_release(*place);
		lose(LOSS_NO_ROOM);
	}
	return room;
}

#endif
