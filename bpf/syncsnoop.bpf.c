// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Requests to write back what is in memory: sync(2), syncfs(2), fsync(2),
 * fdatasync(2), msync(2) and sync_file_range(2), each once, at the exit.
 *
 * All that is told of them is in the caller's registers, so that no memory of
 * the caller's is read.
 */
#include "core.bpf.h"
#include "emit.bpf.h"
#include "syscall.bpf.h"
#include "syncsnoop.h"

struct sync_event *unused_sync_event __attribute__((unused));
_Static_assert(sizeof(struct sync_event) == 104, "sync_event");

SCRATCH_MAP(sizeof(struct sync_event));

#define CALLS(X)                                                                                   \
	X(sync, CALL_SYNC)                                                                         \
	X(syncfs, CALL_SYNCFS)                                                                     \
	X(fsync, CALL_FSYNC)                                                                       \
	X(fdatasync, CALL_FDATASYNC)                                                               \
	X(msync, CALL_MSYNC)                                                                       \
	X(sync_file_range, CALL_SYNC_FILE_RANGE)                                                   \
	X(sync_file_range2, CALL_SYNC_FILE_RANGE2)

/* What one call asked for, as its arguments say it. */
struct call_request {
	__u64 start;
	__u64 bytes;
	__u32 flags;
	int fd;
	__u32 call; /* enum sync_call, without the second name of one */
	__u32 detail; /* enum sync_detail */
	__s64 took_ns;
};

#define CALL_TIMES

/*
 * A 64-bit number that a 32-bit caller has in two registers: in the order that
 * its halves have in memory (compat_arg_u64() of asm-generic/compat.h).
 */
static __always_inline __u64 number_of(__u64 first, __u64 second)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return second << 32 | first;
#else
	return first << 32 | second;
#endif
}

/* The part of a file, from the argument that it begins at. */
static __always_inline void range_of(struct call_request *request, bool compat, const __u64 *arg)
{
	request->start = compat ? number_of(arg[0], arg[1]) : arg[0];
	request->bytes = compat ? number_of(arg[2], arg[3]) : arg[1];
}

static __always_inline void call_request_of(struct call_request *request, __u32 call, bool compat,
					    const struct syscall_args *args)
{
	request->start = 0;
	request->bytes = 0;
	request->flags = 0;
	request->fd = 0;
	request->call = call;
	request->detail = compat ? SYNC_COMPAT : 0;
	if (call == CALL_MSYNC) {
		request->start = args->arg[0];
		request->bytes = args->arg[1];
		request->flags = args->arg[2];
	} else if (call == CALL_SYNC_FILE_RANGE) {
		request->fd = args->arg[0];
		range_of(request, compat, &args->arg[1]);
		request->flags = compat ? args->arg[5] : args->arg[3];
	} else if (call == CALL_SYNC_FILE_RANGE2) {
		/* Its numbers begin at an even register, as pairs have to on some machines. */
		request->call = CALL_SYNC_FILE_RANGE;
		request->fd = args->arg[0];
		request->flags = args->arg[1];
		range_of(request, compat, &args->arg[2]);
	} else if (call != CALL_SYNC) {
		request->fd = args->arg[0];
	}
}

#include "call_pairs.bpf.h"

common_code int call_exit(void *ctx, __u32 space, enum probe_label probe,
			  const struct call_request *request, int ret)
{
	struct sync_event *event = room_of(space);

	if (!event)
		return 0;
	event_begin(&event->head);
	event->start = request->start;
	event->bytes = request->bytes;
	event->took_ns = request->took_ns;
	event->flags = request->flags;
	event->ret = ret;
	event->fd = request->fd;
	event->call = request->call;
	event->detail = request->detail;
	emit(ctx, event, sizeof(*event));
	return 0;
}
