/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which tasks are traced: the knobs that all tools share. */
#ifndef TRACEWELL_FILTER_BPF_H
#define TRACEWELL_FILTER_BPF_H

#include "core.bpf.h"
#include "follow.bpf.h"

/*
 * What a filter costs: nothing where it is not asked for, a comparison with a
 * constant for one value, wanted or excluded, one look-up for several. Maps that
 * no filter of a run needs are not made.
 */

/* The numbers of filters with several values; user space sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct filter_id);
	__type(value, __u8);
} filter_ids SEC(".maps");

/* The names of a --comm with several. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, COMM_BYTES);
	__uint(value_size, sizeof(__u8));
} filter_comms SEC(".maps");

/*
 * Holds the cgroups of --cgroup, those excluded last; the helper that asks it
 * counts descendants in. User space puts another in where one was made again.
 */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} cgroup_filter SEC(".maps");

/*
 * Hold the maps that another program pinned, for --cgroupmap and --mntnsmap.
 * User space takes a pinned map as the inner one's pattern; the one here is
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

static __always_inline bool is_pinned_id(void *holder, __u32 place, __u64 id)
{
	void *ids = bpf_map_lookup_elem(holder, &place);

	return ids && bpf_map_lookup_elem(ids, &id);
}

/* Whether is_met, which may name place, holds for one of count places from first on. */
#define MET_AT_ONE(first, count, is_met)                                                           \
	({                                                                                         \
		bool __met = false;                                                                \
		for (__u32 __index = 0; __index < FILTER_PLACES; __index++) {                      \
			__u32 place = (first) + __index;                                           \
			if (__index >= (count))                                                    \
				break;                                                             \
			if (is_met) {                                                              \
				__met = true;                                                      \
				break;                                                             \
			}                                                                          \
		}                                                                                  \
		__met;                                                                             \
	})

/* Whether a filter of so many places lets the task through. */
#define PLACES_PASS(places, is_met)                                                                \
	(!((places).excluded && MET_AT_ONE((places).wanted, (places).excluded, is_met)) &&         \
	 (!(places).wanted || MET_AT_ONE(0, (places).wanted, is_met)))

static __always_inline bool cgroups_pass(void)
{
	return PLACES_PASS(shared_knobs.cgroups,
			   bpf_current_task_under_cgroup(&cgroup_filter, place) == 1);
}

static __always_inline bool pinned_pass(void *holder, const volatile struct filter_places *places,
					__u64 id)
{
	return PLACES_PASS(*places, is_pinned_id(holder, place, id));
}

/* The id by a filter with several values. */
common_code bool is_among_ids(__u32 kind, __u32 id)
{
	struct filter_id key = {.kind = kind, .id = id};

	return bpf_map_lookup_elem(&filter_ids, &key);
}

/* The id by a filter that is on: by is never FILTER_BY_NOTHING. */
static __always_inline bool id_passes(__u8 by, __u32 one, __u32 kind, __u32 id)
{
	if (by == FILTER_BY_ONE)
		return id == one;
	if (by == FILTER_BY_ALL_BUT_ONE)
		return id != one;
	return is_among_ids(kind, id) == (by == FILTER_BY_ANY);
}

/*
 * The number of a task's mount namespace. User space looks up where it is, and
 * only for a run that asks: libbpf would look for the types at each start of
 * each tool.
 */
static __always_inline __u32 mntns_of(void *task)
{
	void *nsproxy = NULL, *mnt_ns = NULL;
	__u32 inum = 0;

	bpf_probe_read_kernel(&nsproxy, sizeof(nsproxy), task + shared_knobs.nsproxy_at);
	bpf_probe_read_kernel(&mnt_ns, sizeof(mnt_ns), nsproxy + shared_knobs.mnt_ns_at);
	bpf_probe_read_kernel(&inum, sizeof(inum), mnt_ns + shared_knobs.mntns_inum_at);
	return inum;
}

/* The name, padded with NULs as user space pads those of --comm. */
static __always_inline bool padded_comm_passes(const __u64 comm[COMM_BYTES / sizeof(__u64)])
{
	const volatile __u64 *one = (const volatile __u64 *)shared_knobs.comm;
	__u8 by = shared_knobs.by_comm;

	if (by == FILTER_BY_ONE)
		return comm[0] == one[0] && comm[1] == one[1];
	if (by == FILTER_BY_ALL_BUT_ONE)
		return comm[0] != one[0] || comm[1] != one[1];
	if (bpf_map_lookup_elem(&filter_comms, comm))
		return by == FILTER_BY_ANY;
	return by == FILTER_BY_ALL_BUT;
}

/*
 * A task's name, padded with NULs. The kernel's own is not padded before 5.11:
 * what is behind its NUL is of a name that the task had.
 */
static __always_inline void given_comm(struct task_struct *task, void *comm)
{
	__builtin_memset(comm, 0, COMM_BYTES);
	bpf_probe_read_kernel_str(comm, COMM_BYTES, task->comm);
}

/* --comm of a task, or of the current one where that is NULL. */
static __always_inline bool comm_passes(struct task_struct *named)
{
	__u64 comm[COMM_BYTES / sizeof(__u64)] = {};

	if (named)
		given_comm(named, comm);
	else
		bpf_get_current_comm(comm, sizeof(comm)); /* which pads it */
	return padded_comm_passes(comm);
}

/* --cgroupmap of a cgroup, by its id. */
static __always_inline bool pinned_cgroups_pass(__u64 id)
{
	if (!shared_knobs.cgroup_maps.wanted && !shared_knobs.cgroup_maps.excluded)
		return true;
	return pinned_pass(&cgroup_ids, &shared_knobs.cgroup_maps, id);
}

/* --cgroup and --cgroupmap of the current task. */
static __always_inline bool current_cgroup_passes(void)
{
	if ((shared_knobs.cgroups.wanted || shared_knobs.cgroups.excluded) && !cgroups_pass())
		return false;
	if (!shared_knobs.cgroup_maps.wanted && !shared_knobs.cgroup_maps.excluded)
		return true;
	return pinned_pass(&cgroup_ids, &shared_knobs.cgroup_maps, bpf_get_current_cgroup_id());
}

/* Whether this is the tool itself. */
static __always_inline bool is_excluded(__u32 pid)
{
	return shared_knobs.exclude_pid && pid == shared_knobs.exclude_pid;
}

/* The filters by the numbers of a task. What is off costs nothing: the verifier drops it. */
static __always_inline bool task_ids_pass(__u32 pid, __u32 tid)
{
	if (shared_knobs.by_pid &&
	    !id_passes(shared_knobs.by_pid, shared_knobs.pid, FILTER_PID, pid))
		return false;
	return !shared_knobs.by_tid ||
	       id_passes(shared_knobs.by_tid, shared_knobs.tid, FILTER_TID, tid);
}

/* The filters by what a task stands in: below its parent, and in a mount namespace. */
static __always_inline bool task_place_passes(struct task_struct *task)
{
	if (shared_knobs.by_ppid && !id_passes(shared_knobs.by_ppid, shared_knobs.ppid, FILTER_PPID,
					       BPF_CORE_READ(task, real_parent, tgid)))
		return false;
	return (!shared_knobs.mntns_maps.wanted && !shared_knobs.mntns_maps.excluded) ||
	       pinned_pass(&mntns_ids, &shared_knobs.mntns_maps, mntns_of(task));
}

/*
 * The filters by number, of the current task: what most who filter ask for.
 * After an exec the thread has its process's number, and had another one, tid,
 * when it was asked for.
 */
static __always_inline bool numbers_pass(struct task_struct *task, __u32 pid, __u32 tid)
{
	if (!task_ids_pass(pid, tid))
		return false;
	return !shared_knobs.by_uid ||
	       id_passes(shared_knobs.by_uid, shared_knobs.uid, FILTER_UID, current_uid(task));
}

/* All others but those by cgroup; named has the name that counts, or is NULL. */
static __always_inline bool others_pass(struct task_struct *task, __u32 pid,
					struct task_struct *named)
{
	if (shared_knobs.follow && !follows_current(pid))
		return false;
	if (shared_knobs.by_comm && !comm_passes(named))
		return false;
	return task_place_passes(task);
}

/* Whether the current task is one to trace by all filters but those by cgroup. */
static __always_inline bool task_passes(const struct self *self)
{
	return !is_excluded(self->pid) && numbers_pass(self->task, self->pid, self->tid) &&
	       others_pass(self->task, self->pid, NULL);
}

common_code bool all_others_pass(struct task_struct *task, __u32 pid, struct task_struct *named)
{
	return others_pass(task, pid, named) && current_cgroup_passes();
}

/* By all filters, in line. The number of the thread is given: after an exec it is not the one that it was asked for by. */
static __always_inline bool self_passes_named(const struct self *self, __u32 tid,
					      struct task_struct *named)
{
	if (is_excluded(self->pid) ||
	    (shared_knobs.filtered && !numbers_pass(self->task, self->pid, tid)))
		return false;
	return !shared_knobs.filtered_otherwise || all_others_pass(self->task, self->pid, named);
}

static __always_inline bool self_passes(const struct self *self, __u32 tid)
{
	return self_passes_named(self, tid, NULL);
}

common_code bool filter_passes(void)
{
	struct self self = current_self();

	return self_passes(&self, self.tid);
}

#endif
