/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What biolatency keeps of a request, and tells requests apart by. */
#ifndef TRACEWELL_BIOLATENCY_H
#define TRACEWELL_BIOLATENCY_H

#include "hist.h"
#include "shared.h"

/* The rung tracepoint is told letters, not bits: the last byte says so. */
#define FLAGS_ARE_LETTERS (0xffULL << 56)

/* What is not asked for is 0. */
struct latency_key {
	__u64 cgroup; /* id of the submitter's cgroup */
	__u64 flags; /* the request's cmd_flags, or FLAGS_ARE_LETTERS and 7 letters of rwbs */
	__u32 disk; /* major << 20 | first minor, as in the kernel's dev_t */
	__u32 pad;
};

enum verdict {
	VERDICT_NONE = 0,
	VERDICT_WANTED = 1,
	VERDICT_UNWANTED = 2,
};

/* One request under way. The entry stays when the request ends: see kept_most. */
struct in_flight {
	__u64 start_ns; /* 0: not under way, or not wanted */
	__u64 made_ns; /* the request's start_time_ns when it was judged: is it still the same? */
	__u64 cgroup;
	__u32 verdict; /* enum verdict, of the filters */
	__u32 pad;
};

/* What stands for a request on the rung tracepoint, which is not told the request. */
struct place {
	__u64 sector;
	__u32 disk;
	__u32 pad;
};

#endif
