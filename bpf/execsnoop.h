/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of execsnoop's events. */
#ifndef TRACEWELL_EXECSNOOP_H
#define TRACEWELL_EXECSNOOP_H

#include "shared.h"

#define FILENAME_BYTES 4096 /* PATH_MAX, the NUL included */
#define FAILED_ARGS 512 /* arguments of a failed exec that are read at most */

enum exec_detail {
	EXEC_FILENAME_UNREADABLE = 1,
	EXEC_FILENAME_CUT = 2,
	EXEC_ARGS_UNREADABLE = 4, /* all of them; of a failed exec, those behind what follows */
	EXEC_ARGS_CUT = 8, /* there were more bytes, or more arguments, than were read */
	EXEC_BY_THREAD = 16, /* the caller was not the thread group's leader */
	EXEC_BY_EXECVE = 32, /* known of failed ones only: a successful exec wipes the number */
	EXEC_BY_EXECVEAT = 64,
	EXEC_BY_SCRIPT = 128, /* the file named an interpreter, which runs */
	EXEC_SOME_UNREADABLE =
	    256, /* of a failed exec: some arguments, which the bits behind them mark */
	EXEC_IS_FORK = 512, /* no exec, but a process that was made; the head is of the child */
	EXEC_IS_EXIT = 1024, /* no exec, but the end of a process; struct step_end is behind it */
};

/*
 * Followed by filename_bytes of the name, then by args_bytes of arguments, each
 * ended by a NUL, then with EXEC_SOME_UNREADABLE by FAILED_ARGS bits: those of
 * arguments that could not be read, and stand there as empty ones, are set.
 */
struct exec_event {
	struct event_head head; /* tid: the thread that called */
	__u64 cgroup_id;
	__u64 start_ns; /* of the process, by the boot-time clock: with pid, which process it is */
	__u32 ppid;
	__s32 ret; /* 0, or -errno */
	__u32 filename_bytes; /* without the NUL */
	__u32 args_bytes;
	__u32 detail; /* enum exec_detail */
	__u32 cpu;
	__u8 pcomm[COMM_BYTES];
};

/* How a process ended, and what it used; behind the exec_event of its end. */
struct step_end {
	__u64 cpu_ns; /* as of struct exit_event of exitsnoop.h, these three */
	__u64 user_ns;
	__u64 system_ns;
	__u64 peak_pages; /* resident at once; 0 where there was no memory */
	__u32 status; /* as wait(2) gives it */
	__u32 cpu_known; /* whether the three times say something */
};

struct step_event {
	struct exec_event exec;
	struct step_end end;
};

#endif
