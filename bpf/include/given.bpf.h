/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Filters of a task that a program is given, for hooks that run in the
 * middle of somebody else: the scheduler's, signals', exits'. What
 * filter.bpf.h says of costs holds here too; helpers that know the current task
 * only are replaced by reads of the given one. direct as of FIELD.
 */
#ifndef TRACEWELL_GIVEN_BPF_H
#define TRACEWELL_GIVEN_BPF_H

#include "owner.bpf.h"

/* --cgroup and --cgroupmap. */
static __always_inline bool given_cgroup_passes(struct task_struct *task)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);

	return owner_passes(cgroup, cgroup_id(cgroup));
}

/* Whether the task, which is of this process, is one to trace by the filters that are on. */
common_code bool given_filters_pass(bool direct, struct task_struct *task, __u32 pid)
{
	if (!task_ids_pass(pid, FIELD(direct, task, pid)))
		return false;
	if (shared_knobs.by_uid && !id_passes(shared_knobs.by_uid, shared_knobs.uid, FILTER_UID,
					      BPF_CORE_READ(task, real_cred, uid.val)))
		return false;
	if (shared_knobs.follow && !follows(task, pid))
		return false;
	if (shared_knobs.by_comm && !comm_passes(task))
		return false;
	if (!task_place_passes(task))
		return false;
	return given_cgroup_passes(task);
}

/* Whether the task is one to trace. Without filters that is decided here. */
static __always_inline bool given_passes(bool direct, struct task_struct *task)
{
	__u32 pid;

	if (!shared_knobs.exclude_pid && !shared_knobs.filtered)
		return true;
	pid = FIELD(direct, task, tgid);
	if (shared_knobs.exclude_pid && pid == shared_knobs.exclude_pid)
		return false;
	return !shared_knobs.filtered || given_filters_pass(direct, task, pid);
}

#endif
