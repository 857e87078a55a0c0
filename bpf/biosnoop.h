/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of biosnoop's event. */
#ifndef TRACEWELL_BIOSNOOP_H
#define TRACEWELL_BIOSNOOP_H

#include "requests.h"
#include "shared.h"

enum request_detail {
	REQUEST_WAITED = 1, /* in a queue: queued_ns says something */
	REQUEST_SEQUENTIAL = 2, /* it begins where the disk's request before it ended */
	REQUEST_RANDOM = 4, /* it begins elsewhere */
};

/* How many bios of a request are counted. */
#define BIOS_MOST 256

/* One request, which has ended. */
struct request_event {
	struct event_head head; /* of who submitted it; the time is that of its end */
	__u64 sector; /* where it begins; all ones where it is at no place */
	__u64 took_ns; /* from its last issue to the driver to its end */
	__u64 queued_ns; /* from its insertion into a queue to its last issue */
	struct disk_name disk;
	__u32 major;
	__u32 minor; /* both 0 of a disk that is hidden */
	__u32 bytes; /* what it was about when it was issued first, as flags */
	__u32 flags; /* cmd_flags */
	__s32
	    result; /* 0, the block layer's number of the failure, or -errno: see request_ended() */
	__u32 bios; /* that it was made of; one more than BIOS_MOST: more than those */
	__u32 again; /* how often it was issued after the first time */
	__u32 detail; /* enum request_detail */
};

#endif
