/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which tasks are traced: the knobs that all tools share. */
#ifndef TRACEWELL_FILTER_BPF_H
#define TRACEWELL_FILTER_BPF_H

#include "core.bpf.h"
#include "follow.bpf.h"

/* Holds the cgroup of --cgroup; the helper that asks it counts descendants in. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} cgroup_filter SEC(".maps");

/*
 * Hold the map that another program pinned, for --cgroupmap and --mntnsmap.
 * User space takes the pinned map as the inner one's pattern; the one here is
 * for a load without it.
 */
struct pinned_ids {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct pinned_ids);
} cgroup_ids SEC(".maps"), mntns_ids SEC(".maps");

static __always_inline bool is_pinned_id(void *holder, __u64 id)
{
	__u32 only = 0;
	void *ids = bpf_map_lookup_elem(holder, &only);

	return ids && bpf_map_lookup_elem(ids, &id);
}

/*
 * The number of the current task's mount namespace. User space looks up where it
 * is, and only for a run that asks: libbpf would look for the types at each
 * start of each tool.
 */
static __always_inline __u32 current_mntns(void)
{
	void *nsproxy = NULL, *mnt_ns = NULL;
	__u32 inum = 0;

	bpf_probe_read_kernel(&nsproxy, sizeof(nsproxy),
			      (void *)bpf_get_current_task() + shared_knobs.nsproxy_at);
	bpf_probe_read_kernel(&mnt_ns, sizeof(mnt_ns), nsproxy + shared_knobs.mnt_ns_at);
	bpf_probe_read_kernel(&inum, sizeof(inum), mnt_ns + shared_knobs.mntns_inum_at);
	return inum;
}

static __always_inline bool comm_passes(void)
{
	const volatile __u64 *want = (const volatile __u64 *)shared_knobs.comm;
	__u64 comm[COMM_BYTES / sizeof(__u64)] = {};

	/* The kernel pads comm with NULs, and so does user space. */
	bpf_get_current_comm(comm, sizeof(comm));
	return comm[0] == want[0] && comm[1] == want[1];
}

/* Whether the current task is one to trace. What is off costs nothing: the verifier drops it. */
static __always_inline bool filter_passes(void)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id >> 32;
	__u32 tid = id;

	if (shared_knobs.exclude_pid && pid == shared_knobs.exclude_pid)
		return false;
	if (shared_knobs.by_pid && pid != shared_knobs.pid)
		return false;
	if (shared_knobs.by_tid && tid != shared_knobs.tid)
		return false;
	if (shared_knobs.by_uid && (__u32)bpf_get_current_uid_gid() != shared_knobs.uid)
		return false;
	if (shared_knobs.follow && !follows_current(pid))
		return false;
	if (shared_knobs.by_ppid &&
	    (__u32)BPF_CORE_READ(current_task(), real_parent, tgid) != shared_knobs.ppid)
		return false;
	if (shared_knobs.by_comm && !comm_passes())
		return false;
	if (shared_knobs.by_cgroup && bpf_current_task_under_cgroup(&cgroup_filter, 0) != 1)
		return false;
	if (shared_knobs.by_cgroup_map && !is_pinned_id(&cgroup_ids, bpf_get_current_cgroup_id()))
		return false;
	if (shared_knobs.by_mntns_map && !is_pinned_id(&mntns_ids, current_mntns()))
		return false;
	return true;
}

#endif
