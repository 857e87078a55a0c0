/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of a histogram: log-linear, the same for every tool that has one. */
#ifndef TRACEWELL_HIST_H
#define TRACEWELL_HIST_H

/* Each power of two is divided into 32 buckets, so one is at most 1/32 wide. */
#define HISTOGRAM_SHARE_BITS 5
/* Values of 2^42 ns (73 minutes) or more are counted in the last bucket. */
#define HISTOGRAM_VALUE_BITS 42
/* Below 64 one for each value, then 32 for each of the 36 powers of two. */
#define HISTOGRAM_BUCKETS 1216

struct histogram {
	__u64 sum_ns; /* of all values */
	__u64 count[HISTOGRAM_BUCKETS];
};

/* The buckets of a histogram by key come in chunks: of a power of two each, or of 32 values below 64. */
#define HISTOGRAM_CHUNK_BUCKETS 32

struct histogram_chunk {
	__u64 sum_ns; /* of the values in here */
	__u64 count[HISTOGRAM_CHUNK_BUCKETS];
};

#endif
