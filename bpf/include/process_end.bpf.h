/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The end of a process: which of its threads is the last at sched_process_exit,
 * and what is kept of a process by its number until that is free again. Threads
 * come by after the end of their process, and are of one that is followed all the
 * same: a trace that tells of ends forgets it by process_freed(), and says so
 * in user space (FORGETS_FOLLOWED of Hooks).
 *
 * Each thread comes by when it ends, and signal->live is counted down before. So
 * threads that end at the same time may all find it at 0. Since 6.16 the kernel
 * says which of them counted it down to 0 ("exit: move and extend
 * sched_process_exit() tracepoint"). Before that:
 *
 * - A thread that has memory still has to come by: the kernel takes it away on
 *   the way here (exit_mm() in kernel/exit.c). So one that finds another like
 *   that is not the last.
 * - Where none is left that has, several may be past that point and not here yet.
 *   The first of them that puts the process into a map takes the end for itself.
 *
 * By then all threads have noted down their exit codes, and the one that counted
 * live down to 0 the peak of memory: the kernel does both before exit_mm().
 */
#ifndef TRACEWELL_PROCESS_END_BPF_H
#define TRACEWELL_PROCESS_END_BPF_H

#include "core.bpf.h"
#include "follow.bpf.h"

#define EEXIST 17 /* asm-generic/errno-base.h */

/* Threads of a process that ends which are looked at. */
#define ENDING_THREADS 256

/* The event of the tracepoint, where the kernel says which thread was the last. */
struct trace_event_raw_sched_process_exit___said {
	bool group_dead;
} __attribute__((preserve_access_index));

static __always_inline bool last_is_said(void)
{
	return bpf_core_field_exists(struct trace_event_raw_sched_process_exit___said, group_dead);
}

/* The same by the arguments of the tracepoint: it is the second, and no argument of older kernels, not to be read there. */
static __always_inline bool said_last(unsigned long long *ctx)
{
	return last_is_said() && ctx[1];
}

/* A process: another one may have its number before it is freed. */
struct process {
	__u64 start_ns;
	__u32 pid;
	__u32 pad;
};

/*
 * The processes whose end one of several threads took for itself. Each is there
 * until it is freed. More than that many zombies of such processes are needed to
 * fill it, and a process that finds it full may be told of more than once.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct process);
	__type(value, __u8);
} ended SEC(".maps");

/* What threads have used of the CPU, in ns. */
struct cpu_time {
	__u64 all; /* by the scheduler's clock */
	__u64 user, system; /* by the ticks that came in user and kernel mode, as a rule */
};

static __always_inline void add_cpu_time(struct cpu_time *time, struct task_struct *task)
{
	time->all += BPF_CORE_READ(task, se.sum_exec_runtime);
	time->user += BPF_CORE_READ(task, utime);
	time->system += BPF_CORE_READ(task, stime);
}

/* What became of looking at the threads of a process. */
enum threads_seen {
	THREADS_ALL, /* the time of all of them was added up */
	THREADS_SOME, /* there are too many, or they came and went meanwhile */
	THREADS_TO_COME, /* one of them has yet to come by; only where that is asked for */
};

/*
 * Adds up the time of the threads that a process has, and had. The kernel puts a
 * thread's into the process's sum, and takes it from the list, in one piece, with
 * an odd number in the sequence count meanwhile (__exit_signal()).
 */
common_code enum threads_seen look_at_threads(struct task_struct *current,
					      struct signal_struct *signal, bool to_come,
					      struct cpu_time *time)
{
	unsigned long node_at = bpf_core_field_offset(struct task_struct, thread_node);
	void *head = (void *)signal + bpf_core_field_offset(struct signal_struct, thread_head);
	__u32 before = BPF_CORE_READ(signal, stats_lock.seqcount.seqcount.sequence);
	void *node = BPF_CORE_READ(signal, thread_head.next);
	struct task_struct *task;
	int i;

	time->all = BPF_CORE_READ(signal, sum_sched_runtime);
	time->user = BPF_CORE_READ(signal, utime);
	time->system = BPF_CORE_READ(signal, stime);
	for (i = 0; i < ENDING_THREADS && node != head; i++) {
		task = node - node_at;
		if (to_come && task != current && BPF_CORE_READ(task, mm))
			return THREADS_TO_COME;
		add_cpu_time(time, task);
		node = BPF_CORE_READ(task, thread_node.next);
	}
	if (node != head || (before & 1) ||
	    BPF_CORE_READ(signal, stats_lock.seqcount.seqcount.sequence) != before)
		return THREADS_SOME;
	return THREADS_ALL;
}

/* Whether the process may end with this thread: of those for whom it may, process_ends() picks one. said as the kernel says it, where it does. */
static __always_inline bool process_may_end(bool direct, struct signal_struct *signal, bool said)
{
	if (last_is_said())
		return said;
	return FIELD(direct, signal, live.counter) == 0;
}

/* Whether it does; then also what all its threads have used of the CPU, where that can be told. */
static __always_inline bool process_ends(bool direct, struct task_struct *task,
					 struct signal_struct *signal, __u32 pid, __u64 start,
					 struct cpu_time *time, bool *time_known)
{
	struct process process = {.start_ns = start, .pid = pid};
	enum threads_seen seen;
	__u8 yes = 1;

	/* Nothing is in the sum where there never was another thread. */
	if (FIELD(direct, signal, nr_threads) == 1 && !FIELD(direct, signal, sum_sched_runtime)) {
		add_cpu_time(time, task);
		*time_known = true;
		return true;
	}
	seen = look_at_threads(task, signal, !last_is_said(), time);
	if (seen == THREADS_TO_COME)
		return false;
	if (seen == THREADS_SOME)
		seen = look_at_threads(task, signal, false, time);
	*time_known = seen == THREADS_ALL;
	/* An int: before 6.4 a map's answer is one, and says nothing in the upper half. */
	return last_is_said() ||
	       (int)bpf_map_update_elem(&ended, &process, &yes, BPF_NOEXIST) != -EEXIST;
}

/* linux/sched/signal.h: the whole process ends, and group_exit_code is what wait(2) tells of it. */
#define SIGNAL_GROUP_EXIT 0x00000004

/* How a process ended, of which leader is the first thread: what wait_task_zombie() tells. */
static __always_inline __u32 process_status(bool direct, struct signal_struct *signal,
					    struct task_struct *leader)
{
	if (FIELD(direct, signal, flags) & SIGNAL_GROUP_EXIT)
		return FIELD(direct, signal, group_exit_code);
	return FIELD(direct, leader, exit_code);
}

/* Deletes what a map has of the process with this number that started then; a value begins with that time. */
static __always_inline void forget(void *map, __u32 pid, __u64 start)
{
	__u64 *kept = bpf_map_lookup_elem(map, &pid);

	/* The number may be another process's by now. */
	if (kept && (*kept & ~FOLLOW_ENDED) == start)
		bpf_map_delete_elem(map, &pid);
}

/*
 * Forgets the process of a task that the kernel frees; gives false where the
 * process is still there. A process is freed with its first thread, and that
 * after all others. After an exec by another thread, that one is the first.
 */
static __always_inline bool process_freed(struct task_struct *task, __u32 *pid, __u64 *start)
{
	*pid = BPF_CORE_READ(task, tgid);
	if ((__u32)BPF_CORE_READ(task, pid) != *pid)
		return false;
	*start = BPF_CORE_READ(task, start_boottime);
	if (!last_is_said()) {
		struct process process = {.start_ns = *start, .pid = *pid};

		bpf_map_delete_elem(&ended, &process);
	}
	if (shared_knobs.follow)
		forget(&followed, *pid, *start);
	return true;
}

#endif
