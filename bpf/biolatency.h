/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What biolatency keeps of a request, and tells requests apart by. */
#ifndef TRACEWELL_BIOLATENCY_H
#define TRACEWELL_BIOLATENCY_H

#include "hist.h"
#include "shared.h"

/* The rung tracepoint is told letters, not bits; the first is the lowest byte. The highest says so. */
#define FLAGS_ARE_LETTERS (0xffULL << 56)

#define DISK_WORDS 8

/*
 * A disk: its name, padded with NULs. It is what stays right: a number goes to
 * another disk once the first has gone, and disks that are hidden (the paths
 * below an NVMe multipath disk) have a number that nothing shows. All zero is
 * none: a command to a controller. The rung tracepoint is told the number only:
 * then word[0] is it, and the last word, which of a name ends in a NUL, says so.
 */
struct disk_name {
	__u32 word[DISK_WORDS];
};

#define DISK_IS_NUMBER (~0U)

/* How many disks can be asked for by name. */
#define DISKS_MOST 64

/* What is not asked for is 0. */
struct latency_key {
	__u64 cgroup; /* id of the cgroup that the request is for */
	__u64 flags; /* the request's cmd_flags, or FLAGS_ARE_LETTERS and 7 letters of rwbs */
	struct disk_name disk;
};

/* Where a request is between its making and its end. */
enum stage {
	STAGE_NONE =
	    0, /* never met, or ended: what is known of the entry's last request is not this one's */
	STAGE_INSERTED = 1,
	STAGE_ISSUED = 2,
	STAGE_PUT_BACK = 3, /* by the driver: it will be issued again */
};

/* One request under way. The entry stays when the request ends: see kept_most. */
struct in_flight {
	__u64 start_ns; /* of the last issue; 0: not under way, or not wanted */
	__u64 first_ns; /* of the first issue */
	__u64 cgroup;
	__u8 stage; /* enum stage */
	__u8 wanted; /* by the filters; of a request that has a stage */
	__u8 again; /* issued more than once */
	__u8 pad[5];
};

/* What stands for a request on the rung tracepoint, which is not told the request. */
struct place {
	__u64 sector;
	__u32 disk;
	__u32 pad;
};

#endif
