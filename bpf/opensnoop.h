/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of opensnoop's event. */
#ifndef TRACEWELL_OPENSNOOP_H
#define TRACEWELL_OPENSNOOP_H

#include "shared.h"

enum open_detail {
	OPEN_PATH_UNREADABLE = PATH_UNREADABLE,
	OPEN_PATH_CUT = PATH_CUT,
	OPEN_IN_ROOT = 4, /* openat2 with RESOLVE_IN_ROOT: an absolute name starts at dirfd */
	OPEN_COMPAT = 8, /* a 32-bit caller */
};

/*
 * Followed by path_bytes of the name as given, then by base_bytes of path.bpf.h's components,
 * then at the next multiple of 8 by caller_bytes of callers.bpf.h's struct callers.
 */
struct open_event {
	struct event_head head;
	__u64 flags; /* O_*; of openat2, how.flags */
	__s32 ret; /* a file descriptor, or -errno */
	__s32 dirfd;
	__u32 mode; /* of a file that may be made by this call */
	__u16 path_bytes; /* without the NUL */
	__u16 base_bytes;
	__u8 base_status; /* enum base_status */
	__u8 detail; /* enum open_detail */
	__u16 caller_bytes;
	__u8 pad[4];
};

#endif
