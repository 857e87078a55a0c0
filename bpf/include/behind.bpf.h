/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What stands behind an event on request: the ancestors of its task, and the
 * names that the path of its cgroup is made of.
 */
#ifndef TRACEWELL_BEHIND_BPF_H
#define TRACEWELL_BEHIND_BPF_H

#include "core.bpf.h"

/*
 * Writes the ancestors of the current task behind an event of bytes bytes, from
 * its parent up to init or as many as are asked for. Gives the end. A parent is
 * whoever is it now: of an orphan, the process that took it in.
 */
static __always_inline __u64 ancestors_behind(struct event_head *head, __u64 bytes)
{
	struct task_struct *task = current_task();
	char *out = (char *)head + bytes;
	__u64 count;
	__u32 i;

	for (i = 0; i < ANCESTORS_MOST; i++) {
		__u32 pid;

		if (i >= shared_knobs.ancestors)
			break;
		task = BPF_CORE_READ(task, real_parent);
		pid = BPF_CORE_READ(task, tgid);
		/* The idle task is the parent of init, and its own. */
		if (!pid)
			break;
		__builtin_memcpy(out, &pid, sizeof(pid));
		task = BPF_CORE_READ(task, group_leader);
		bpf_core_read(out + sizeof(pid), COMM_BYTES, &task->comm);
		out += sizeof(struct ancestor);
	}
	head->ancestors = i | (shared_knobs.ancestors > 1 ? ANCESTORS_ALL : 0);
	/* What comes from memory the verifier does not know, and goes once through what follows, not for each number. */
	count = *(volatile __u16 *)&head->ancestors & (2 * ANCESTORS_MOST - 1);
	return bytes + at_most(count, shared_knobs.ancestors) * sizeof(struct ancestor);
}

static __always_inline void *pointer_at(const void *object, __u32 at)
{
	void *pointer = NULL;

	bpf_probe_read_kernel(&pointer, sizeof(pointer), object + at);
	return pointer;
}

/*
 * Writes the names of the current task's cgroup and of those above it behind an
 * event of bytes bytes. Gives the end. So a cgroup has its path whether or not
 * it is there when the event is read, and whoever has its place by then.
 *
 * The nodes of cgroups, and so their names, are there for as long as the cgroups
 * are (cgroup_mkdir() of kernel/cgroup/cgroup.c), and a removed one until nobody
 * reads it by RCU. User space looks up where they are, and only for a run that
 * asks, as for --mntnsmap; a node's parent is called otherwise since 6.15
 * ("kernfs: Use RCU to access kernfs_node::parent.").
 */
static __always_inline __u64 cgroup_behind(struct event_head *head, __u64 bytes)
{
	void *css_set = pointer_at(current_task(), shared_knobs.cgroups_at);
	void *cgroup = pointer_at(css_set, shared_knobs.default_cgroup_at);
	void *node = pointer_at(cgroup, shared_knobs.node_at);
	char *out = (char *)head + bytes;
	void *above = NULL;
	__u64 end = 0;
	int i;

	for (i = 0; i < CGROUP_LEVELS; i++) {
		long length;

		above = pointer_at(node, shared_knobs.node_parent_at);
		if (!above)
			break;
		/* A mask has no branch, as at_most() has: of these each round would take all that come behind it twice. */
		length = bpf_probe_read_kernel_str(out + (end & (CGROUP_PATH_BYTES - 1)),
						   CGROUP_NAME_BYTES,
						   pointer_at(node, shared_knobs.node_name_at));
		if (length <= 0)
			break;
		end += length;
		if (end >= CGROUP_PATH_BYTES)
			break;
		node = above;
	}
	/* The root's name, of which the helper would give 0 bytes up to 6.1. */
	if (node && !above) {
		out[end & (CGROUP_PATH_BYTES - 1)] = 0;
		end++;
	}
	end = at_most(end, CGROUP_BYTES);
	head->cgroup = end | CGROUP_NAMED;
	return bytes + end;
}

/*
 * Writes what is asked for of the current task behind an event of bytes bytes;
 * user space makes scratch larger for it. Gives the end.
 */
common_code __u64 asked_behind(struct event_head *head, __u64 bytes)
{
	head->behind_at = bytes;
	if (shared_knobs.ancestors)
		bytes = ancestors_behind(head, bytes);
	if (shared_knobs.cgroup_names)
		bytes = cgroup_behind(head, bytes);
	return bytes;
}

#endif
