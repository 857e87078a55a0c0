/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Histograms: one of all values, or one for each key.
 *
 * The one only ever grows, and user space subtracts what it read before. Those
 * by key cost what is in them: a chunk of buckets is made when its first value
 * comes, in one of two maps that take turns (turns.bpf.h).
 *
 * A value whose chunk finds no room is counted in the one histogram: it is not
 * attributed, and not lost.
 */
#ifndef TRACEWELL_HIST_BPF_H
#define TRACEWELL_HIST_BPF_H

#include "core.bpf.h"
#include "hist.h"
#include "loss.bpf.h"
#include "turns.bpf.h"

/* The histogram of a tool without keys, and of what found no room by key. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct histogram);
} whole SEC(".maps");

/* The histograms by key; a key in the maps is a struct keyed. */
#define KEYED_HISTOGRAMS(key_type)                                                                 \
	struct keyed {                                                                             \
		key_type key;                                                                      \
		__u64 chunk;                                                                       \
	};                                                                                         \
	TURNS(struct keyed, struct histogram_chunk)

/* How many bits a value has, without a branch: the verifier would go all that follows once for each way. */
static __always_inline __u64 bits_of(__u64 value)
{
	/* All bits below the highest, and then how many that are: by twos, by fours, by bytes, and these added up. */
	value |= value >> 1;
	value |= value >> 2;
	value |= value >> 4;
	value |= value >> 8;
	value |= value >> 16;
	value |= value >> 32;
	value -= (value >> 1) & 0x5555555555555555ULL;
	value = (value & 0x3333333333333333ULL) + ((value >> 2) & 0x3333333333333333ULL);
	value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (value * 0x0101010101010101ULL) >> 56;
}

static __always_inline __u32 histogram_bucket(__u64 value)
{
	__u64 shift = bits_of(value >> (HISTOGRAM_SHARE_BITS + 1));

	if (value >> HISTOGRAM_VALUE_BITS)
		return HISTOGRAM_BUCKETS - 1;
	return (shift << HISTOGRAM_SHARE_BITS) + (value >> shift);
}

/* Atomic, since all CPUs share it; without the old value, which 5.10 refuses to fetch. */
static __always_inline void histogram_count(struct histogram *histogram, __u64 value)
{
	__u32 bucket = at_most(histogram_bucket(value), HISTOGRAM_BUCKETS - 1);

	__sync_fetch_and_add(&histogram->sum_ns, value);
	__sync_fetch_and_add(&histogram->count[bucket], 1);
}

/* The one histogram. */
static __always_inline void whole_count(__u64 value)
{
	__u32 only = 0;
	struct histogram *histogram = bpf_map_lookup_elem(&whole, &only);

	if (histogram)
		histogram_count(histogram, value);
	else
		lose(LOSS_NO_ROOM);
}

/* What a new chunk starts with: too large for the stack. */
const volatile struct histogram_chunk empty_chunk = {};

/* The chunk of a key in the map that stands in now; made when there is none. */
static __always_inline struct histogram_chunk *chunk_of(void *now, const void *key)
{
	void *chunks = counting(now);
	struct histogram_chunk *chunk;

	if (!chunks)
		return NULL;
	chunk = bpf_map_lookup_elem(chunks, key);
	return chunk ? chunk : counting_from(chunks, key, (const void *)&empty_chunk);
}

/* Counts a value of a key: of_key is a struct keyed, all set but its chunk. */
#define keyed_count(of_key, value)                                                                 \
	({                                                                                         \
		__u64 __value = (value);                                                           \
		__u32 __bucket = histogram_bucket(__value);                                        \
		struct histogram_chunk *__chunk;                                                   \
		(of_key)->chunk = __bucket / HISTOGRAM_CHUNK_BUCKETS;                              \
		__chunk = chunk_of(&keyed_now, of_key);                                            \
		if (__chunk)                                                                       \
			chunk_count(__chunk, __bucket, __value);                                   \
		else                                                                               \
			whole_count(__value);                                                      \
	})

static __always_inline void chunk_count(struct histogram_chunk *chunk, __u32 bucket, __u64 value)
{
	__u64 place = at_most(bucket % HISTOGRAM_CHUNK_BUCKETS, HISTOGRAM_CHUNK_BUCKETS - 1);

	__sync_fetch_and_add(&chunk->sum_ns, value);
	__sync_fetch_and_add(&chunk->count[place], 1);
}

#endif
