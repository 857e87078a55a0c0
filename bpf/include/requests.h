/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What tools of block requests share with user space: how disks are called. */
#ifndef TRACEWELL_REQUESTS_H
#define TRACEWELL_REQUESTS_H

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

#endif
