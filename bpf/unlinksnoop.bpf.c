// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Names that are removed: unlink(2), unlinkat(2), rmdir(2), and on request
 * renames that replaced a file; each once, at the exit.
 *
 * Two rungs hook the kernel's functions behind the system calls, where the
 * file that goes is at hand (unlinksnoop_fn.bpf.h). Two hook the exit of
 * system calls, as opensnoop does. The last one is at the tracepoints of each
 * call.
 */
#include "core.bpf.h"
#include "emit.bpf.h"
#include "syscall.bpf.h"
#include "unlinksnoop.h"

#define PATH_OFFSET sizeof(struct unlink_event)
#define BEHIND_BASE 0
#include "path.bpf.h"

struct unlink_event *unused_unlink_event __attribute__((unused));
_Static_assert(sizeof(struct unlink_event) == 104, "unlink_event");

#define AT_REMOVEDIR 0x200

/* What one call asked for, as its arguments say it. */
struct call_request {
	const char *path;
	int dirfd;
	__u32 op; /* enum unlink_op */
};

/* The rest of an event whose path is there, and its way out. */
common_code void unlink_emit(void *ctx, __u32 space, struct unlink_event *event)
{
	char *path = (char *)(event + 1);
	__u64 end = at_most(event->path_bytes, PATH_MAX_BYTES);

	if (path_begins.count && !path_may_begin_so(path, end))
		return;
	event_begin(&event->head);
	event->base_status = BASE_UNKNOWN;
	event->base_bytes = 0;
	if (full_path)
		end = base_behind(space, path, end, event->dirfd, false, &event->base_bytes,
				  &event->base_status);
	emit(ctx, event, sizeof(*event) + end);
}

enum {
	CALL_UNLINK = 1,
	CALL_RMDIR,
	CALL_UNLINKAT,
};

#define CALLS(X) X(unlink, CALL_UNLINK) X(rmdir, CALL_RMDIR) X(unlinkat, CALL_UNLINKAT)

static __always_inline void call_request_of(struct call_request *request, __u32 call, bool compat,
					    const struct syscall_args *args)
{
	bool at = call == CALL_UNLINKAT;

	request->dirfd = at ? (int)args->arg[0] : AT_FDCWD;
	request->path = (const char *)(at ? args->arg[1] : args->arg[0]);
	request->op = REMOVED_BY_UNLINK;
	if (call == CALL_RMDIR || (at && (args->arg[2] & AT_REMOVEDIR)))
		request->op = REMOVED_BY_RMDIR;
}

#include "call_pairs.bpf.h"

/* The exit of a call whose name is in the caller's memory. */
common_code int call_exit(void *ctx, __u32 space, enum probe_label probe,
			  const struct call_request *request, int ret)
{
	struct unlink_event *event = room_of(space);

	if (!event)
		return 0;
	event->inode = 0;
	event->size_bytes = 0;
	event->ret = ret;
	event->dirfd = request->dirfd;
	event->links = 0;
	event->op = request->op;
	event->probe = probe;
	event->detail = 0;
	event->path_bytes = path_of_caller((char *)(event + 1), request->path, &event->detail);
	unlink_emit(ctx, space, event);
	return 0;
}

#include "unlinksnoop_fn.bpf.h"
