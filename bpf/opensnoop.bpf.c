// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * open(2), openat(2), openat2(2) and creat(2), each once, at the exit.
 *
 * The arguments are still in the caller's registers then, so one program
 * without a map does. The tracepoints of each call are for kernels that give a
 * program neither.
 */
#include "core.bpf.h"
#include "callers.bpf.h"
#include "emit.bpf.h"
#include "syscall.bpf.h"
#include "opensnoop.h"

#define PATH_OFFSET sizeof(struct open_event)
#define BEHIND_BASE sizeof(struct callers)
#include "path.bpf.h"

struct open_event *unused_open_event __attribute__((unused));
_Static_assert(sizeof(struct open_event) == 96, "open_event");

const volatile bool with_callers = false;

enum {
	CALL_OPEN = 1,
	CALL_CREAT,
	CALL_OPENAT,
	CALL_OPENAT2,
};

#define CALLS(X)                                                                                   \
	X(open, CALL_OPEN) X(creat, CALL_CREAT) X(openat, CALL_OPENAT) X(openat2, CALL_OPENAT2)

/* linux/openat2.h's struct open_how, which user space made: nothing to relocate. */
struct how {
	__u64 flags, mode, resolve;
};

/* What one open asked for, however it was caught. */
struct call_request {
	__u64 flags;
	const char *path;
	int dirfd;
	__u32 mode;
	__u8 detail;
};

static __always_inline void call_request_of(struct call_request *request, __u32 call, bool compat,
					    const struct syscall_args *args)
{
	bool at = call == CALL_OPENAT || call == CALL_OPENAT2;

	request->detail = compat ? OPEN_COMPAT : 0;
	request->mode = 0;
	request->dirfd = at ? (int)args->arg[0] : AT_FDCWD;
	request->path = (const char *)(at ? args->arg[1] : args->arg[0]);
	if (call == CALL_OPENAT2) {
		struct how how = {};

		bpf_probe_read_user(&how, sizeof(how), (const void *)args->arg[2]);
		request->flags = how.flags;
		request->mode = how.mode;
		if (how.resolve & RESOLVE_IN_ROOT)
			request->detail |= OPEN_IN_ROOT;
	} else if (call == CALL_CREAT) {
		request->flags = 01 | 0100 | 01000; /* O_WRONLY, O_CREAT, O_TRUNC: creat(2) */
		request->mode = args->arg[1];
	} else {
		request->flags = (__u32)(at ? args->arg[2] : args->arg[1]);
		request->mode = at ? args->arg[3] : args->arg[2];
	}
}

#define CALL_EXIT_IN_LINE open_exit
#include "call_pairs.bpf.h"

/* Where the path starts, and who called, behind the path of end bytes: gives the end of these. */
common_code __u64 open_more(void *ctx, __u32 space, struct open_event *event, __u64 end)
{
	char *path = (char *)(event + 1);

	if (full_path)
		end = base_behind(space, path, end, event->dirfd, event->detail & OPEN_IN_ROOT,
				  &event->base_bytes, &event->base_status);
	if (with_callers) {
		__u64 bytes, most = full_path ? TAIL_BYTES : PATH_BYTES + 7;

		/* Aligned; after the bound, so that the verifier knows both. */
		end = at_most(end + 7, most) & ~7ULL;
		bytes = callers_of(ctx, (struct callers *)(path + end));
		event->caller_bytes = bytes;
		end = at_most(end + bytes, most + sizeof(struct callers));
	}
	return end;
}

static __always_inline int open_exit(void *ctx, __u32 space, enum probe_label probe,
				     const struct call_request *request, int ret)
{
	struct open_event *event = room_of(space);
	__u64 end;

	if (!event)
		return 0;
	/* Of an open that is left out, its path is all that is looked at. */
	event_expect();
	event->detail = request->detail;
	end = path_of_caller((char *)(event + 1), request->path, &event->detail);
	if (path_begins.count && !(event->detail & OPEN_IN_ROOT) &&
	    !path_may_begin_so((char *)(event + 1), end)) {
		event_end();
		return 0;
	}
	event_fill_head(&event->head);
	event->flags = request->flags;
	event->ret = ret;
	event->dirfd = request->dirfd;
	event->mode = request->mode;
	event->base_status = BASE_UNKNOWN;
	event->base_bytes = 0;
	event->caller_bytes = 0;
	event->path_bytes = end;
	if (full_path || with_callers)
		end = open_more(ctx, space, event, end);
	emit(ctx, event, sizeof(*event) + end);
	return 0;
}
