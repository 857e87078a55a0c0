/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts that each CPU has for itself, and that only grow: user space adds them
 * up, and subtracts what it read before. It sets the number of entries, one more
 * than the highest number of a CPU.
 *
 * For one program of those that are loaded. The kernel runs it on a CPU once at
 * a time, so that it adds without an atomic.
 */
#ifndef TRACEWELL_BY_CPU_BPF_H
#define TRACEWELL_BY_CPU_BPF_H

#include "core.bpf.h"
#include "loss.bpf.h"

#define COUNTS_BY_CPU(value_type)                                                                  \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, value_type);                                                         \
	} by_cpu SEC(".maps");                                                                     \
                                                                                                   \
	/* NULL on a CPU that user space did not know of, which is counted. */                     \
	static __always_inline value_type *counts_of_cpu(void)                                     \
	{                                                                                          \
		__u32 cpu = bpf_get_smp_processor_id();                                            \
		value_type *counts = bpf_map_lookup_elem(&by_cpu, &cpu);                           \
                                                                                                   \
		if (!counts)                                                                       \
			lose(LOSS_NO_ROOM);                                                        \
		return counts;                                                                     \
	}

#endif
