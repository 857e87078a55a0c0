/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The count of what could not be told. */
#ifndef TRACEWELL_LOSS_BPF_H
#define TRACEWELL_LOSS_BPF_H

#include "core.bpf.h"

static __always_inline __u32 loss_slot_of_cpu(void)
{
	return bpf_get_smp_processor_id() & (LOSS_SLOTS - 1);
}

/*
 * Atomic, because CPUs may share a slot and a task may be preempted in here by
 * one that runs another program. The old value is not used: 5.10 refuses
 * atomics that fetch it.
 */
static __always_inline void count_loss(enum loss_cause cause, __s64 by)
{
	__sync_fetch_and_add(&shared_state.loss[loss_slot_of_cpu()].count[cause], by);
}

/*
 * The same for a cause that every event is counted by for a while, and not in
 * interrupts: an atomic costs some 6 ns, a plain addition 1.
 */
static __always_inline void count_event(enum loss_cause cause, __s64 by)
{
	volatile __u64 *count = &shared_state.loss[loss_slot_of_cpu()].count[cause];

	if (shared_knobs.slots_are_own)
		*count += by;
	else
		count_loss(cause, by);
}

static __always_inline void lose(enum loss_cause cause)
{
	count_loss(cause, 1);
}

#endif
