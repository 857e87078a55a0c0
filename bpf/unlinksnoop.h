/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of unlinksnoop's event. */
#ifndef TRACEWELL_UNLINKSNOOP_H
#define TRACEWELL_UNLINKSNOOP_H

#include "shared.h"

enum unlink_op {
	REMOVED_BY_UNLINK = 0, /* unlink(2), unlinkat(2) */
	REMOVED_BY_RMDIR = 1, /* rmdir(2), unlinkat(2) with AT_REMOVEDIR */
	REMOVED_BY_RENAME = 2, /* a rename that replaced a file */
};

enum unlink_detail {
	UNLINK_PATH_UNREADABLE = PATH_UNREADABLE,
	UNLINK_PATH_CUT = PATH_CUT,
	UNLINK_OBJECT = 4, /* inode, size_bytes and links are those of what was removed */
	UNLINK_OPENS_KNOWN = 8, /* UNLINK_STILL_OPEN says something */
	UNLINK_STILL_OPEN = 16, /* a process has it open: its space is not freed */
};

/* Followed by path_bytes of the name as given, then by base_bytes of path.bpf.h's components. */
struct unlink_event {
	struct event_head head;
	__u64 inode;
	__u64 size_bytes;
	__s32 ret; /* 0, or -errno */
	__s32 dirfd;
	__u32 links; /* names that are left */
	__u16 path_bytes; /* without the NUL */
	__u16 base_bytes;
	__u8 base_status; /* enum base_status */
	__u8 op; /* enum unlink_op */
	__u8 probe; /* enum probe_label */
	__u8 detail; /* enum unlink_detail */
	__u8 pad[4];
};

#endif
