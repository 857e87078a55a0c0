// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The end of processes, each once, with its last thread; on request of every
 * thread instead. At sched_process_exit the thread that ends is the current one
 * still, in its cgroup and its namespaces. The first thread of a process, whose
 * name and code are the process's, may have ended before; it is there until the
 * last one has.
 */
#include "process_end.bpf.h"
#include "emit.bpf.h"
#include "filter.bpf.h"
#include "tracepoint.bpf.h"
#include "exitsnoop.h"

struct exit_event *unused_exit_event __attribute__((unused));
_Static_assert(sizeof(struct exit_event) == 152, "exit_event");

SCRATCH_MAP(sizeof(struct exit_event));

const volatile bool failed_only = false;
const volatile bool succeeded_only = false;
const volatile bool threads = false;
const volatile bool exec_times = false;
const volatile __u64 min_age_ns = 0;

/*
 * When a process made its last exec. The kernel keeps no such time, but how many
 * there were; so an exec that was not seen is not taken for one before it.
 */
struct exec_time {
	__u64 start_ns; /* of the process */
	__u64 exec_ns;
	__u64 execs; /* task_struct.self_exec_id, which threads and children take over */
};

/* By pid, until the process is freed. Of one without room the time is not known. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct exec_time);
} execs SEC(".maps");

/* What one end is about. */
struct ending {
	struct task_struct *task; /* the thread that ends */
	struct task_struct
	    *subject; /* whose end it is: the thread, or the first one of the process */
	struct signal_struct *signal;
	struct cpu_time time;
	bool time_known;
	__u32 pid;
	__u32 status;
	__u64 age_ns;
};

/* Whether the end is one to tell of. */
static __always_inline bool ending_passes(bool direct, struct ending *ending)
{
	struct task_struct *subject = ending->subject;
	struct signal_struct *signal = ending->signal;
	struct self self = current_self();

	if (threads)
		ending->status = FIELD(direct, subject, exit_code);
	else
		ending->status = process_status(direct, signal, subject);
	if ((failed_only && !ending->status) || (succeeded_only && ending->status))
		return false;
	ending->age_ns = bpf_ktime_get_boot_ns() - FIELD(direct, subject, start_boottime);
	if (min_age_ns && ending->age_ns < min_age_ns)
		return false;
	/* A process has the name of its first thread. */
	return self_passes_named(&self, self.tid, threads ? NULL : subject);
}

static __always_inline void exec_age(struct exit_event *event, struct ending *ending)
{
	struct exec_time *exec = bpf_map_lookup_elem(&execs, &ending->pid);
	struct task_struct *task = ending->task;

	if (!exec || exec->start_ns != BPF_CORE_READ(task, group_leader, start_boottime) ||
	    exec->execs != BPF_CORE_READ(task, self_exec_id))
		return;
	event->exec_age_ns = event->head.time_ns - exec->exec_ns;
	event->detail |= EXIT_EXEC_KNOWN;
}

static __always_inline void tell(void *ctx, __u32 space, bool direct, struct ending *ending)
{
	struct task_struct *task = ending->task, *subject = ending->subject;
	struct task_struct *parent = FIELD(direct, task, real_parent);
	struct signal_struct *signal = ending->signal;
	struct exit_event *event = room_of(space);

	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	event_begin(&event->head);
	given_comm(subject, event->head.comm);
	event->age_ns = ending->age_ns;
	event->status = ending->status;
	event->cgroup_id = bpf_get_current_cgroup_id();
	event->ppid = FIELD(direct, parent, tgid);
	BPF_CORE_READ_INTO(&event->pcomm, parent, comm);
	if (threads) {
		event->detail = EXIT_OF_THREAD;
		ending->time = (struct cpu_time){};
		add_cpu_time(&ending->time, task);
		ending->time_known = true;
	} else {
		event->head.tid = ending->pid;
		event->peak_pages = FIELD(direct, signal, maxrss);
	}
	if (ending->time_known) {
		event->detail |= EXIT_CPU_KNOWN;
		event->cpu_ns = ending->time.all;
		event->user_ns = ending->time.user;
		event->system_ns = ending->time.system;
	}
	if (exec_times)
		exec_age(event, ending);
	emit(ctx, event, sizeof(*event));
}

/* last: what the kernel says, where it does. */
static __always_inline int task_exit(void *ctx, __u32 space, bool direct, struct task_struct *task,
				     bool last)
{
	struct task_struct *leader = FIELD(direct, task, group_leader);
	struct signal_struct *signal = FIELD(direct, task, signal);
	struct ending ending = {
	    .task = task,
	    .subject = threads ? task : leader,
	    .signal = signal,
	    .pid = bpf_get_current_pid_tgid() >> 32,
	};
	bool may_end = process_may_end(direct, signal, last), ends = false, passes;
	__u64 start;

	if (!threads && !may_end)
		return 0;
	passes = ending_passes(direct, &ending);
	start = FIELD(direct, leader, start_boottime);
	/* That a process ends matters to who follows it, too. */
	if (!passes && !(shared_knobs.follow && is_followed(ending.pid, start)))
		return 0;
	if (may_end && (!threads || shared_knobs.follow))
		ends = process_ends(direct, task, signal, ending.pid, start, &ending.time,
				    &ending.time_known);
	if (ends && shared_knobs.follow)
		follow_ends(ending.pid, start);
	if (passes && (threads || ends))
		tell(ctx, space, direct, &ending);
	return 0;
}

#define EXIT(ctx, space, direct) task_exit(ctx, space, direct, task, said_last(ctx))

TRACEPOINT(exit, sched_process_exit, EXIT, struct task_struct *task)

SPACE(exit_tp);

SEC("tp/sched/sched_process_exit")
int exit_tp(struct trace_event_raw_sched_process_exit___said *ctx)
{
	return task_exit(ctx, SPACE_OF(exit_tp), false, current_task(),
			 last_is_said() && ctx->group_dead);
}

/* An exec that is not seen is found at the end: the kernel may refuse to run exec_raw. */
static __always_inline int keep_exec(struct task_struct *task)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct exec_time exec = {
	    .start_ns = BPF_CORE_READ(task, start_boottime),
	    .exec_ns = bpf_ktime_get_boot_ns(),
	    .execs = BPF_CORE_READ(task, self_exec_id),
	};

	bpf_map_update_elem(&execs, &pid, &exec, BPF_ANY);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int exec_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return keep_exec((struct task_struct *)ctx->args[0]);
}

SEC("tp/sched/sched_process_exec")
int exec_tp(void *ctx)
{
	return keep_exec((struct task_struct *)bpf_get_current_task());
}

SEC("raw_tp/sched_process_free")
int process_freed_raw(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 start;
	__u32 pid;

	if (process_freed((struct task_struct *)ctx->args[0], &pid, &start) && exec_times)
		forget(&execs, pid, start);
	return 0;
}
