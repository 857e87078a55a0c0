/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a tree of processes needs beside their execs: each process that is made,
 * a fork without an exec among them, and each end. Loaded on request.
 *
 * All three are told with the process's start, so that one whose number was
 * another's before is not taken for it, whatever was lost between.
 */

/* The filters decide by whoever forks, which is the current task: to be followed, the child has to be known first. */
static __always_inline int step_fork(void *ctx, __u32 space, bool direct, struct task_struct *child)
{
	__u32 pid = FIELD(direct, child, tgid);
	struct self self = current_self();
	struct exec_event *event;

	/* A thread. */
	if (pid == self.pid || !self_passes(&self, self.tid))
		return 0;
	event = room_of(space);
	if (!event)
		return 0;
	exec_begin(event, direct, child, 0);
	event->detail = EXEC_IS_FORK;
	event->head.pid = pid;
	event->head.tid = pid;
	given_comm(child, event->head.comm);
	emit(ctx, event, sizeof(*event));
	return 0;
}

static __always_inline int step_exit(void *ctx, __u32 space, bool direct, struct task_struct *task,
				     bool said)
{
	struct task_struct *leader = FIELD(direct, task, group_leader);
	struct signal_struct *signal = FIELD(direct, task, signal);
	struct self self = current_self();
	struct cpu_time time = {};
	struct step_event *event;
	bool time_known = false, passes;
	__u64 start;

	if (!process_may_end(direct, signal, said))
		return 0;
	start = FIELD(direct, leader, start_boottime);
	passes = self_passes(&self, self.tid);
	/* That a process ends matters to who follows it, too. */
	if (!passes && !(shared_knobs.follow && is_followed(self.pid, start)))
		return 0;
	if (!process_ends(direct, task, signal, self.pid, start, &time, &time_known))
		return 0;
	if (shared_knobs.follow)
		follow_ends(self.pid, start);
	if (!passes)
		return 0;
	event = room_of(space);
	if (!event)
		return 0;
	exec_begin(&event->exec, direct, task, 0);
	event->exec.detail = EXEC_IS_EXIT;
	event->exec.head.tid = self.pid;
	given_comm(leader, event->exec.head.comm);
	event->end.cpu_ns = time.all;
	event->end.user_ns = time.user;
	event->end.system_ns = time.system;
	event->end.peak_pages = FIELD(direct, signal, maxrss);
	event->end.status = process_status(direct, signal, leader);
	event->end.cpu_known = time_known;
	emit(ctx, event, sizeof(*event));
	return 0;
}

#define STEP_FORK(ctx, space, direct) step_fork(ctx, space, direct, child)

TRACEPOINT(step_fork, sched_process_fork, STEP_FORK, struct task_struct *parent,
	   struct task_struct *child)

#define STEP_EXIT(ctx, space, direct) step_exit(ctx, space, direct, task, said_last(ctx))

TRACEPOINT(step_exit, sched_process_exit, STEP_EXIT, struct task_struct *task)

/* That the kernel may refuse to run it does no harm. */
SEC("raw_tp/sched_process_free")
int process_freed_raw(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 start;
	__u32 pid;

	process_freed((struct task_struct *)ctx->args[0], &pid, &start);
	return 0;
}
