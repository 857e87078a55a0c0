/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Values by key, where keys come and go: two maps take turns. One is counted in
 * while user space reads and empties the other. The one that counts stands in a
 * map of maps, for the kernel itself waits, in the update of such a one, for all
 * programs that may still use what stood there ("bpf: wait for running BPF
 * programs when updating map-in-map", 4.20). So no value falls between two.
 *
 * User space sets the number of entries.
 */
#ifndef TRACEWELL_TURNS_BPF_H
#define TRACEWELL_TURNS_BPF_H

#include "core.bpf.h"

#define TURNS(key_type, value_type)                                                                \
	struct keyed_values {                                                                      \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 1);                                                            \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} keyed_even SEC(".maps"), keyed_odd SEC(".maps");                                         \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                          \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__array(values, struct keyed_values);                                              \
	} keyed_now SEC(".maps") = {                                                               \
	    .values = {&keyed_even},                                                               \
	}

/* The map that counts now: keyed_now is what it is asked of. */
static __always_inline void *counting(void *now)
{
	__u32 only = 0;

	return bpf_map_lookup_elem(now, &only);
}

/* A new key's value in there; NULL where there is no room. */
static __always_inline void *counting_from(void *values, const void *key, const void *begin)
{
	/* Another CPU may be first: then it is there, and all is well. */
	bpf_map_update_elem(values, key, begin, BPF_NOEXIST);
	return bpf_map_lookup_elem(values, key);
}

#endif
