// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * open(2), openat(2), openat2(2) and creat(2), each once, at the exit.
 *
 * The arguments are still in the caller's registers then, so one program
 * without a map does. The pair of tracepoints is for kernels that give a
 * program neither.
 */
#include "core.bpf.h"
#include "emit.bpf.h"
#include "filter.bpf.h"
#include "path.bpf.h"
#include "syscall.bpf.h"
#include "opensnoop.h"

struct open_event *unused_open_event __attribute__((unused));
_Static_assert(sizeof(struct open_event) == 80, "open_event");

const volatile bool failed_only = false;
const volatile bool full_path = false; /* of the pairs; the others are two programs */

/* User space makes it smaller where full_path is off. */
SCRATCH_MAP(sizeof(struct open_event) + 2 * PATH_BYTES + COMPONENT_BYTES);

enum open_call {
	CALL_NONE,
	CALL_OPEN,
	CALL_CREAT,
	CALL_OPENAT,
	CALL_OPENAT2,
};

/* What one open asked for, however it was caught. */
struct open_request {
	__u64 flags;
	const char *path;
	int dirfd;
	__u32 mode;
	__u8 detail;
};

/*
 * Which call a number means, and in whose numbering: a 32-bit caller's numbers
 * mean other calls to a 64-bit one. Most are none; that answer is the cheap one.
 */
static __always_inline enum open_call open_call_of(long nr, bool *compat)
{
	enum open_call native = CALL_NONE, call32 = CALL_NONE;

	switch (nr) {
#if defined(__TARGET_ARCH_x86)
	case 257:
		native = CALL_OPENAT;
		break;
	case 2:
		native = CALL_OPEN;
		break;
	case 85:
		native = CALL_CREAT;
		break;
	case 295:
		call32 = CALL_OPENAT;
		break;
#elif defined(__TARGET_ARCH_arm64)
	case 56:
		native = CALL_OPENAT;
		break;
	case 322:
		call32 = CALL_OPENAT;
		break;
#endif
	case 5: /* i386 and ARM agree on the old ones */
		call32 = CALL_OPEN;
		break;
	case 8:
		call32 = CALL_CREAT;
		break;
	case 437: /* one number for all */
		native = CALL_OPENAT2;
		call32 = CALL_OPENAT2;
		break;
	default:
		return CALL_NONE;
	}
	*compat = syscall_is_compat();
	return *compat ? call32 : native;
}

static __always_inline void open_request_of(struct open_request *request, enum open_call call,
					    const struct syscall_args *args)
{
	bool at = call == CALL_OPENAT || call == CALL_OPENAT2;

	request->detail = 0;
	request->mode = 0;
	request->dirfd = at ? (int)args->arg[0] : AT_FDCWD;
	request->path = (const char *)(at ? args->arg[1] : args->arg[0]);
	if (call == CALL_OPENAT2) {
		struct open_how how = {};

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

/* full is a constant where it matters: see the programs. */
static __always_inline int open_exit(void *ctx, const struct open_request *request, long ret,
				     bool full)
{
	struct open_event *event;
	__u64 end = 0;
	char *path;
	long bytes;

	event = scratch_of(0);
	if (!event)
		return 0;
	path = (char *)(event + 1);

	event_begin(&event->head);
	event->flags = request->flags;
	event->ret = ret;
	event->dirfd = request->dirfd;
	event->mode = request->mode;
	event->detail = request->detail;
	event->base_status = BASE_UNKNOWN;
	event->base_bytes = 0;

	bytes = bpf_probe_read_user_str(path, PATH_BYTES, request->path);
	if (bytes < 0)
		event->detail |= OPEN_PATH_UNREADABLE;
	if (bytes > PATH_MAX_BYTES)
		event->detail |= OPEN_PATH_CUT;
	if (bytes > 0)
		end = at_most(bytes - 1, PATH_MAX_BYTES - 1);
	event->path_bytes = end;

	if (full) {
		struct base base;
		bool absolute = end && path[0] == '/';

		base_of(&base, request->dirfd, absolute, request->detail & OPEN_IN_ROOT);
		base_components(&base, path, end, &event->base_bytes, &event->base_status);
		end = at_most(end + event->base_bytes, 2 * PATH_BYTES + COMPONENT_BYTES);
	}
	emit(ctx, event, sizeof(*event) + end);
	return 0;
}

/* The exit of any system call. */
static __always_inline int sys_exit(void *ctx, bool direct, struct pt_regs *regs, long ret,
				    bool full)
{
	struct open_request request;
	struct syscall_args args;
	bool compat;
	enum open_call call = open_call_of(syscall_nr(direct, regs), &compat);

	if (call == CALL_NONE)
		return 0;
	if (failed_only && ret >= 0)
		return 0;
	if (!filter_passes())
		return 0;
	syscall_args(direct, regs, compat, &args);
	open_request_of(&request, call, &args);
	if (compat)
		request.detail |= OPEN_COMPAT;
	return open_exit(ctx, &request, ret, full);
}

/*
 * Each in two: without the full path, and with it. A knob would do for the
 * verifier, but libbpf looks up every type that a loaded program names, dead
 * branches included, and each look-up goes through all types of the kernel:
 * those of the path would more than double the time to start.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(open_exit_btf, struct pt_regs *regs, long ret)
{
	return sys_exit(ctx, true, regs, ret, false);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(open_exit_full_btf, struct pt_regs *regs, long ret)
{
	return sys_exit(ctx, true, regs, ret, true);
}

SEC("raw_tp/sys_exit")
int open_exit_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return sys_exit(ctx, false, (struct pt_regs *)ctx->args[0], ctx->args[1], false);
}

SEC("raw_tp/sys_exit")
int open_exit_full_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return sys_exit(ctx, false, (struct pt_regs *)ctx->args[0], ctx->args[1], true);
}

#include "opensnoop_tp.bpf.h"
