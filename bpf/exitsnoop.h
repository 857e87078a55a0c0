/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of exitsnoop's event. */
#ifndef TRACEWELL_EXITSNOOP_H
#define TRACEWELL_EXITSNOOP_H

#include "shared.h"

enum exit_detail {
	EXIT_OF_THREAD = 1, /* of one thread; else of a whole process */
	EXIT_EXEC_KNOWN = 2, /* exec_age_ns says something */
	EXIT_CPU_KNOWN = 4, /* so do cpu_ns, user_ns and system_ns */
};

/* Of a thread, or of a process. */
struct exit_event {
	struct event_head head; /* of a process: tid is pid, comm the name of its first thread */
	__u64 age_ns; /* since it was made; boot-time clock */
	__u64 exec_age_ns; /* since its last exec */
	__u64 cpu_ns; /* as the scheduler counts it */
	__u64
	    user_ns; /* as it was found at ticks of the clock, these two: their ratio tells how cpu_ns was spent */
	__u64 system_ns;
	__u64 peak_pages; /* resident at once; 0 of a thread, and where there was no memory */
	__u64 cgroup_id;
	__u32 ppid;
	__u32 status; /* as wait(2) gives it: code << 8, or a signal, and 0x80 with a core dump */
	__u32 detail; /* enum exit_detail */
	__u32 pad;
	__u8 pcomm[COMM_BYTES];
};

#endif
