/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What biolatency keeps of a request, and tells requests apart by. */
#ifndef TRACEWELL_BIOLATENCY_H
#define TRACEWELL_BIOLATENCY_H

#include "hist.h"
#include "requests.h"
#include "shared.h"

/* The rung tracepoint is told letters, not bits; the first is the lowest byte. The highest says so. */
#define FLAGS_ARE_LETTERS (0xffULL << 56)

/* What is not asked for is 0. */
struct latency_key {
	__u64 cgroup; /* id of the cgroup that the request is for */
	__u64 flags; /* the request's cmd_flags, or FLAGS_ARE_LETTERS and 7 letters of rwbs */
	struct disk_name disk;
};

/* Whose a request is. */
struct request_owner {
	__u64 cgroup; /* id of the cgroup that it is for */
};

/* What stands for a request on the rung tracepoint, which is not told the request. */
struct place {
	__u64 sector;
	__u32 disk;
	__u32 pad;
};

#endif
