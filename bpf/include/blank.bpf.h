/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A value of zeros, from which an entry of a map is made: what such an entry
 * holds may be too large for a program's stack, and user space may make it larger.
 */
#ifndef TRACEWELL_BLANK_BPF_H
#define TRACEWELL_BLANK_BPF_H

#include "core.bpf.h"

/* The values of the map have so many bytes. */
#define BLANK_MAP(bytes)                                                                           \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, 1);                                                            \
		__uint(key_size, sizeof(__u32));                                                   \
		__uint(value_size, bytes);                                                         \
	} blank SEC(".maps")

/* Makes an entry of zeros for a key that has none; NULL where there is no room. */
#define blank_entry(map, key)                                                                      \
	({                                                                                         \
		__u32 __only = 0;                                                                  \
		void *__blank = bpf_map_lookup_elem(&blank, &__only);                              \
		void *__entry = NULL;                                                              \
		if (__blank && !bpf_map_update_elem(map, key, __blank, BPF_NOEXIST))               \
			__entry = bpf_map_lookup_elem(map, key);                                   \
		__entry;                                                                           \
	})

#endif
