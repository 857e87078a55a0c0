/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Histograms that only ever grow: user space subtracts what it read before. */
#ifndef TRACEWELL_HIST_BPF_H
#define TRACEWELL_HIST_BPF_H

#include "core.bpf.h"
#include "hist.h"
#include "loss.bpf.h"

/*
 * The histogram of a tool that tells its values apart by nothing. Of one that
 * does, it stays empty: the value that a new key starts with, which is too
 * large for the stack.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct histogram);
} whole SEC(".maps");

/* The histograms by key. User space sets the number of entries. */
#define KEYED_HISTOGRAMS(key_type)                                                                 \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 1);                                                            \
		__type(key, key_type);                                                             \
		__type(value, struct histogram);                                                   \
	} keyed SEC(".maps")

static __always_inline __u32 histogram_bucket(__u64 value)
{
	__u64 above = value >> (HISTOGRAM_SHARE_BITS + 1);
	__u32 shift = 0;

	if (value >> HISTOGRAM_VALUE_BITS)
		return HISTOGRAM_BUCKETS - 1;
	/* How many bits above has, by halves. */
	if (above >> 32) {
		above >>= 32;
		shift += 32;
	}
	if (above >> 16) {
		above >>= 16;
		shift += 16;
	}
	if (above >> 8) {
		above >>= 8;
		shift += 8;
	}
	if (above >> 4) {
		above >>= 4;
		shift += 4;
	}
	if (above >> 2) {
		above >>= 2;
		shift += 2;
	}
	if (above >> 1) {
		above >>= 1;
		shift += 1;
	}
	shift += above;
	return (shift << HISTOGRAM_SHARE_BITS) + (value >> shift);
}

/* Atomic, since all CPUs share it; without the old value, which 5.10 refuses to fetch. */
static __always_inline void histogram_count(struct histogram *histogram, __u64 value)
{
	__u32 bucket = at_most(histogram_bucket(value), HISTOGRAM_BUCKETS - 1);

	__sync_fetch_and_add(&histogram->sum_ns, value);
	__sync_fetch_and_add(&histogram->count[bucket], 1);
}

/* The one histogram of a tool without keys. */
static __always_inline void whole_count(__u64 value)
{
	__u32 only = 0;
	struct histogram *histogram = bpf_map_lookup_elem(&whole, &only);

	if (histogram)
		histogram_count(histogram, value);
	else
		lose(LOSS_NO_ROOM);
}

/* The histogram of a key in a map of KEYED_HISTOGRAMS, made when there is none. */
static __always_inline void keyed_count(void *map, const void *key, __u64 value)
{
	struct histogram *histogram = bpf_map_lookup_elem(map, key);
	__u32 only = 0;

	if (!histogram) {
		struct histogram *empty = bpf_map_lookup_elem(&whole, &only);

		if (!empty) {
			lose(LOSS_NO_ROOM);
			return;
		}
		/* Another CPU may be first: then it is there, and all is well. */
		bpf_map_update_elem(map, key, empty, BPF_NOEXIST);
		histogram = bpf_map_lookup_elem(map, key);
		if (!histogram) {
			lose(LOSS_KEYS_FULL);
			return;
		}
	}
	histogram_count(histogram, value);
}

#endif
