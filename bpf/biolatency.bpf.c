// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How long block requests take: from issue to the driver, or from when they
 * were made, to completion.
 *
 * Requests only: what is answered by the page cache, or by a driver that takes
 * bios (zram, dm, md) itself, has none. A request that is never handed to its
 * driver (merged into another, an empty flush that the block layer takes apart)
 * is not counted; the flush that it makes instead is.
 */
#include "core.bpf.h"
#include "hist.bpf.h"
#include "owner.bpf.h"
#include "biolatency.h"

_Static_assert(sizeof(struct latency_key) == 48, "latency_key");
struct latency_key *unused_latency_key __attribute__((unused));

const volatile bool from_made = false;
const volatile bool by_disk = false;
const volatile bool by_flags = false;
const volatile bool by_cgroup = false;
/* Who submitted a request matters: filters are on, or by_cgroup. */
const volatile bool by_submitter = false;

KEYED_HISTOGRAMS(struct latency_key);

#include "request_join.bpf.h"

_Static_assert(sizeof(struct in_flight) == 32, "in_flight");

/* How many of those that were counted had been issued more than once. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} issued_again SEC(".maps");

static __always_inline bool is_keyed(void)
{
	return by_disk || by_flags || by_cgroup;
}

static __always_inline bool request_passes(bool direct, struct request *rq,
					   struct request_owner *owner, bool waits)
{
	return rq_passes(direct, rq, &owner->cgroup);
}

static __always_inline void request_issued(bool direct, struct request *rq,
					   struct request_owner *owner, bool wanted)
{
}

static __always_inline void count_again(void)
{
	__u32 only = 0;
	__u64 *again = bpf_map_lookup_elem(&issued_again, &only);

	if (again)
		__sync_fetch_and_add(again, 1);
}

/* Counts a time by what requests are told apart by. */
common_code void count_apart(bool direct, struct request *rq, __u64 cgroup, __u64 took_ns)
{
	struct keyed of = {};

	if (by_disk)
		read_disk(direct, rq, &of.key.disk);
	if (by_flags)
		of.key.flags = FIELD(direct, rq, cmd_flags);
	if (by_cgroup)
		of.key.cgroup = cgroup;
	keyed_count(&of, took_ns);
}

static __always_inline void request_ended(__u64 *ctx, bool direct, struct request *rq,
					  struct in_flight *entry)
{
	__u64 start_ns = entry->start_ns, took_ns;

	if (from_made) {
		__u64 made_ns = FIELD(direct, rq, start_time_ns);

		/* Not set where nothing is accounted: see judge(). */
		start_ns = made_ns ? made_ns : entry->first_ns;
	}
	took_ns = span(start_ns, bpf_ktime_get_ns());
	if (is_keyed())
		count_apart(direct, rq, entry->owner.cgroup, took_ns);
	else
		whole_count(took_ns);
	if (entry->again)
		count_again();
}

REQUEST_HOOKS

#include "biolatency_tp.bpf.h"
