// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A successful exec, at sched_process_exec: the new arguments lie in one piece
 * in the new address space. A failed one, at the exit of execve or execveat:
 * its arguments lie where the caller's pointers say. For a tree of processes,
 * their beginnings and ends beside these.
 */
#include "core.bpf.h"
#include "process_end.bpf.h"
#include "emit.bpf.h"
#include "filter.bpf.h"
#include "syscall.bpf.h"
#include "tracepoint.bpf.h"
#include "execsnoop.h"

struct exec_event *unused_exec_event __attribute__((unused));
_Static_assert(sizeof(struct exec_event) == 120, "exec_event");
struct step_event *unused_step_event __attribute__((unused));
_Static_assert(sizeof(struct step_event) == 160, "step_event");

/* Bytes of arguments that are read at most; user space sizes scratch for it. */
const volatile __u32 max_args_bytes = 8192;
/*
 * An argument of a failed exec is read in so many pieces at most, of so many
 * bytes: each as long as all that is left would be, were it read at once, where
 * the verifier is concerned. User space sets the bytes, and room for one.
 */
#define PIECES 8
const volatile __u32 piece_bytes = 8192 / PIECES + 2;

/* What an exec was called with. */
struct call_request {
	__u64 filename;
	__u64 argv;
	__u32 compat;
	__u32 call;
};

/* Which arguments of a failed exec could not be read, by their places: a bit each. */
struct unread {
	__u64 bits[FAILED_ARGS / 64];
};

/*
 * The event, the filename, and the arguments; where failed execs are told of,
 * with a piece behind them, and with struct unread before the event and room for
 * it behind.
 */
SCRATCH_MAP(2 * sizeof(struct unread) + sizeof(struct exec_event) + FILENAME_BYTES + 8192 +
	    8192 / PIECES + 2);

static __always_inline void exec_begin(struct exec_event *event, bool direct,
				       struct task_struct *task, int ret)
{
	struct task_struct *parent = FIELD(direct, task, real_parent);
	struct task_struct *leader = FIELD(direct, task, group_leader);

	event_begin(&event->head);
	event->cgroup_id = bpf_get_current_cgroup_id();
	event->start_ns = FIELD(direct, leader, start_boottime);
	event->ppid = FIELD(direct, parent, tgid);
	event->ret = ret;
	event->detail = 0;
	event->cpu = bpf_get_smp_processor_id();
	event->filename_bytes = 0;
	event->args_bytes = 0;
	read_comm(direct, parent, event->pcomm);
}

/* Takes the result of reading a name into the event's tail. */
static __always_inline void filename_was_read(struct exec_event *event, long bytes)
{
	if (bytes < 0)
		event->detail |= EXEC_FILENAME_UNREADABLE;
	if (bytes > FILENAME_BYTES)
		event->detail |= EXEC_FILENAME_CUT;
	if (bytes > 0)
		event->filename_bytes = at_most(bytes - 1, FILENAME_BYTES - 1);
}

/* The calls, by what an event says of them. */
#define CALLS(X) X(execve, EXEC_BY_EXECVE) X(execveat, EXEC_BY_EXECVEAT)

static __always_inline void call_request_of(struct call_request *request, __u32 call, bool compat,
					    const struct syscall_args *args)
{
	bool at = call == EXEC_BY_EXECVEAT;

	request->call = call;
	request->filename = at ? args->arg[1] : args->arg[0];
	request->argv = at ? args->arg[2] : args->arg[1];
	request->compat = compat;
}

/* A successful exec is told at sched_process_exec: user space sets failed_only. */
#include "calls.bpf.h"

/* How an exec came about, as what the kernel works on has it. */
static __always_inline __u32 kind_of(bool direct, struct linux_binprm *bprm)
{
	__u32 kind = 0;

	if (FIELD(direct, bprm, interp) != FIELD(direct, bprm, filename))
		kind |= EXEC_BY_SCRIPT;
	/* The kernel's own name for a file that execveat(2) found by a descriptor. */
	if (FIELD(direct, bprm, fdpath))
		kind |= EXEC_BY_EXECVEAT;
	return kind;
}

/* kind has bits of enum exec_detail; filename is the kernel's copy of the name. */
static __always_inline int exec_done(void *ctx, __u32 space, bool direct, struct task_struct *task,
				     __u32 old_tid, __u32 kind, const char *filename)
{
	struct self self = current_self();
	struct exec_event *event;
	struct mm_struct *mm;
	unsigned long start;
	__u64 bytes, end;
	char *tail;

	if (!self_passes(&self, old_tid))
		return 0;
	event = room_of(space);
	if (!event)
		return 0;
	tail = (char *)(event + 1);
	exec_begin(event, direct, task, 0);

	event->head.tid = old_tid;
	event->detail = kind;
	if (old_tid != event->head.pid)
		event->detail |= EXEC_BY_THREAD;

	filename_was_read(event,
			  bpf_probe_read_kernel_str(tail, STRING_ROOM(FILENAME_BYTES), filename));
	end = at_most(event->filename_bytes, FILENAME_BYTES - 1);

	mm = FIELD(direct, task, mm);
	start = FIELD(direct, mm, arg_start);
	bytes = FIELD(direct, mm, arg_end) - start;
	if (bytes > max_args_bytes)
		event->detail |= EXEC_ARGS_CUT;
	bytes = at_most(bytes, max_args_bytes);
	if (bpf_probe_read_user(tail + end, bytes, (void *)start)) {
		event->detail |= EXEC_ARGS_UNREADABLE;
		bytes = 0;
	}
	event->args_bytes = bytes;
	emit(ctx, event, sizeof(*event) + end + bytes);
	return 0;
}

#define ROW_ARGS 32

enum copied {
	COPIED_ONE, /* there may be more */
	COPIED_ALL,
};

/* The event of a failed exec that is being put together in this space. */
static __always_inline struct exec_event *failed_event(__u32 space, struct unread **unread)
{
	*unread = scratch_of(space);
	return *unread ? (struct exec_event *)(*unread + 1) : NULL;
}

/*
 * Copies the argument of this index, which the caller's memory at holds a
 * pointer to, of step bytes, behind the filename and the arguments so far,
 * with its NUL. One that cannot be read keeps its place: memory that nobody
 * has touched yet is not there, and a program that may not wait cannot fetch
 * it.
 *
 * The verifier looks at a global function once, at an inline one as often as
 * its loop may go round: for 512 arguments that took half a second of each
 * start. All that it may be given on 5.10 are numbers.
 */
__noinline int copy_argument(__u32 space, __u64 at, __u32 step, __u32 index)
{
	struct unread *unread;
	struct exec_event *event = failed_event(space, &unread);
	__u64 pointer = 0, start, read = 0;
	char *args, *out;
	long bytes;
	int i;

	if (!event)
		return COPIED_ALL;
	if (bpf_probe_read_user(&pointer, at_most(step, sizeof(pointer)), (void *)at)) {
		event->detail |= EXEC_ARGS_UNREADABLE;
		return COPIED_ALL;
	}
	if (!pointer)
		return COPIED_ALL;
	if (index >= FAILED_ARGS || event->args_bytes >= max_args_bytes) {
		event->detail |= EXEC_ARGS_CUT;
		return COPIED_ALL;
	}
	args = (char *)(event + 1) + at_most(event->filename_bytes, FILENAME_BYTES - 1);
	start = event->args_bytes;
	for (i = 0; i < PIECES && start + read <= max_args_bytes; i++) {
		out = args + at_most(start + read, max_args_bytes);
		/* What is left from an earlier event would stand there for an empty string. */
		*out = 0;
		bytes = bpf_probe_read_user_str(out, piece_bytes, (void *)(pointer + read));
		if (bytes < 0) {
			args[at_most(start, max_args_bytes)] = 0;
			event->detail |= EXEC_SOME_UNREADABLE;
			unread->bits[at_most(index / 64, FAILED_ARGS / 64 - 1)] |= 1ULL
										   << (index % 64);
			read = 1;
			break;
		}
		if (bytes < piece_bytes) {
			read += bytes > 0 ? bytes : 1;
			break;
		}
		/* The next piece takes the place of this one's NUL. */
		read += piece_bytes - 1;
	}
	event->args_bytes = start + read;
	/* All of it is cut off where it has no room. */
	return start + read > max_args_bytes ? COPIED_ALL : COPIED_ONE;
}

/* The same for a row of them; so the verifier goes round two short loops instead of one long one. */
__noinline int copy_row(__u32 space, __u64 at, __u32 step, __u32 index)
{
	int i;

	for (i = 0; i < ROW_ARGS; i++, at += step) {
		if (copy_argument(space, at, step, index + i) != COPIED_ONE)
			return COPIED_ALL;
	}
	return COPIED_ONE;
}

static __always_inline void copy_arguments(__u32 space, const struct call_request *request)
{
	__u32 step = request->compat ? sizeof(__u32) : sizeof(__u64);
	__u64 at = request->argv;
	int i;

	if (!at)
		return; /* execve(2) takes NULL for an empty list */
	for (i = 0; i < FAILED_ARGS / ROW_ARGS; i++, at += ROW_ARGS * step) {
		if (copy_row(space, at, step, i * ROW_ARGS) != COPIED_ONE)
			return;
	}
	copy_argument(space, at, step, FAILED_ARGS);
}

/*
 * Whether an exec failed after the caller's memory was given up for the new
 * program's: where the caller's pointers point there, may be anything. The
 * kernel says last where the new code ends, when nothing can fail any more.
 */
static __always_inline bool memory_is_new(void)
{
	return BPF_CORE_READ(current_task(), mm, end_code) == 0;
}

common_code int call_exit(void *ctx, __u32 space, enum probe_label probe,
			  const struct call_request *request, int ret)
{
	struct unread *unread = room_of(space);
	struct exec_event *event;
	__u64 end = 0, bytes = 0, marks = 0;
	char *tail;

	if (!unread)
		return 0;
	event = (struct exec_event *)(unread + 1);
	tail = (char *)(event + 1);
	__builtin_memset(unread, 0, sizeof(*unread));
	exec_begin(event, false, current_task(), ret);
	event->detail |= request->call;
	if (event->head.tid != event->head.pid)
		event->detail |= EXEC_BY_THREAD;

	if (memory_is_new()) {
		event->detail |= EXEC_FILENAME_UNREADABLE | EXEC_ARGS_UNREADABLE;
	} else {
		filename_was_read(event, bpf_probe_read_user_str(tail, STRING_ROOM(FILENAME_BYTES),
								 (void *)request->filename));
		end = at_most(event->filename_bytes, FILENAME_BYTES - 1);
		copy_arguments(space, request);
		bytes = event->args_bytes;
	}
	if (bytes > max_args_bytes)
		event->detail |= EXEC_ARGS_CUT;
	bytes = at_most(bytes, max_args_bytes);
	event->args_bytes = bytes;
	if (event->detail & EXEC_SOME_UNREADABLE) {
		bpf_probe_read_kernel(tail + end + bytes, sizeof(*unread), unread);
		marks = sizeof(*unread);
	}
	emit(ctx, event, sizeof(*event) + end + bytes + marks);
	return 0;
}

#define EXEC_DONE(ctx, space, direct)                                                              \
	exec_done(ctx, space, direct, task, old_tid, kind_of(direct, bprm),                        \
		  FIELD(direct, bprm, filename))

#define EXEC_DONE_ARGS struct task_struct *task, pid_t old_tid, struct linux_binprm *bprm

TRACEPOINT(exec_done, sched_process_exec, EXEC_DONE, EXEC_DONE_ARGS)

#include "execsnoop_tp.bpf.h"
#include "execsnoop_tree.bpf.h"
