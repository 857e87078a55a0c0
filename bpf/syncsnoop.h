/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of syncsnoop's event. */
#ifndef TRACEWELL_SYNCSNOOP_H
#define TRACEWELL_SYNCSNOOP_H

#include "shared.h"

/* Numbers from 1, as calls.bpf.h wants them. */
enum sync_call {
	CALL_SYNC = 1,
	CALL_SYNCFS,
	CALL_FSYNC,
	CALL_FDATASYNC,
	CALL_MSYNC,
	CALL_SYNC_FILE_RANGE,
	CALL_SYNC_FILE_RANGE2, /* never in an event: told as the one before */
};

enum sync_detail {
	SYNC_COMPAT = 1, /* a 32-bit caller */
};

/* Of what a call does not take, anything. */
struct sync_event {
	struct event_head head;
	__u64 start; /* of msync an address, of sync_file_range an offset */
	__u64 bytes; /* from there, of the same two */
	__s64 took_ns; /* negative where it is not known */
	__u32 flags; /* MS_*, SYNC_FILE_RANGE_* */
	__s32 ret; /* 0, or -errno */
	__s32 fd;
	__u8 call; /* enum sync_call */
	__u8 detail; /* enum sync_detail */
	__u8 pad[2];
};

#endif
