/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --cgroup and --cgroupmap of what the kernel charges to a cgroup, which need
 * not be the current task's. The helpers that ask for the current task's cannot
 * be asked for another; so those above a cgroup are looked up here by their ids,
 * where a filter asks.
 */
#ifndef TRACEWELL_OWNER_BPF_H
#define TRACEWELL_OWNER_BPF_H

#include "filter.bpf.h"

/*
 * The ids of the cgroups of --cgroup, each with an enum owner_filter. User space
 * sets the size, and puts another in where one was made again.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u8);
} owner_ids SEC(".maps");

static __always_inline __u64 cgroup_id(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, kn, id);
}

/* The current task's, of v2. */
static __always_inline struct cgroup *current_cgroup(void)
{
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), cgroups, dfl_cgrp);
}

/* Up to 6.0 a cgroup has the ids of those above it, since 6.1 pointers ("cgroup: Replace cgroup->ancestor_ids[]"). */
struct cgroup___ids {
	int level;
	u64 ancestor_ids[];
} __attribute__((preserve_access_index));

/* The id of what is above a cgroup at this level, itself included; 0 where it is not that deep. */
static __always_inline __u64 ancestor_id(struct cgroup *cgroup, int level)
{
	struct cgroup *ancestor = NULL;
	__u64 id = 0;

	if (level > BPF_CORE_READ(cgroup, level))
		return 0;
	if (bpf_core_field_exists(struct cgroup___ids, ancestor_ids)) {
		void *ids = ((struct cgroup___ids *)cgroup)->ancestor_ids;

		bpf_probe_read_kernel(&id, sizeof(id), ids + level * sizeof(id));
		return id;
	}
	bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
			      (void *)cgroup->ancestors + level * sizeof(ancestor));
	return cgroup_id(ancestor);
}

/* Whether the current task is in the cgroup of this level and id, or below it. The helper is not for programs like these on 5.10. */
static __always_inline bool is_current_within(int level, __u64 id)
{
	if (bpf_core_field_exists(struct cgroup___ids, ancestor_ids))
		return ancestor_id(current_cgroup(), level) == id;
	return bpf_get_current_ancestor_cgroup_id(level) == id;
}

/* Whether --cgroup says this of a cgroup or of one above it. */
static __always_inline bool owner_is(struct cgroup *cgroup, enum owner_filter filter)
{
	int level;

#pragma clang loop unroll(disable)
	for (level = 0; level < OWNER_LEVELS && level < shared_knobs.owner_levels; level++) {
		__u64 id = ancestor_id(cgroup, level);
		__u8 *said;

		if (!id)
			break;
		said = bpf_map_lookup_elem(&owner_ids, &id);
		if (said && *said == filter)
			return true;
	}
	return false;
}

/* Whether the filters by cgroup let this one pass, whose id is at hand; NULL is the current task's. */
static __always_inline bool owner_passes(struct cgroup *owner, __u64 id)
{
	struct cgroup *cgroup = owner;

	if (!cgroup && (shared_knobs.cgroups.wanted || shared_knobs.cgroups.excluded))
		cgroup = current_cgroup();
	if (shared_knobs.cgroups.excluded && owner_is(cgroup, OWNER_EXCLUDED))
		return false;
	if (shared_knobs.cgroups.wanted && !owner_is(cgroup, OWNER_WANTED))
		return false;
	return pinned_cgroups_pass(id);
}

#endif
