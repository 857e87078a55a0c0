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
_Static_assert(sizeof(struct in_flight) == 32, "in_flight");
struct latency_key *unused_latency_key __attribute__((unused));

const volatile bool from_made = false;
const volatile bool by_disk = false;
const volatile bool by_flags = false;
const volatile bool by_cgroup = false;
/* Which disks are asked for: the first so many of disks; 0: all. Or all but those. */
const volatile __u32 disks_named = 0;
const volatile bool disks_excluded = false;
const volatile struct disk_name disks[DISKS_MOST] = {};
/* How many entries of ended requests are kept: see requests. User space sets it. */
const volatile __u64 kept_most = 0;
/* Who submitted a request matters: filters are on, or by_cgroup. */
const volatile bool by_submitter = false;
/* Whose it is matters: by_cgroup, or a filter by cgroup. */
const volatile bool by_owner = false;

KEYED_HISTOGRAMS(struct latency_key);

#include "biolatency_keys.bpf.h"
#include "biolatency_join.bpf.h"

/*
 * Until 5.11 ("block: remove the request_queue to argument request based
 * tracepoints"), which some 5.10 have too, the queue comes before the request.
 */
typedef void (*btf_trace_block_rq_issue___request)(void *, struct request *);

/* The barriers keep the compiler from choosing an address, which the verifier would refuse, not a value. */
static __always_inline struct request *request_of(const __u64 *args)
{
	__u64 rq;

	if (bpf_core_type_exists(btf_trace_block_rq_issue___request)) {
		rq = args[0];
		asm volatile("" : "+r"(rq));
	} else {
		rq = args[1];
		asm volatile("" : "+r"(rq));
	}
	return (struct request *)rq;
}

/* An event of requests, for the two mechanisms that hand over the request. */
#define REQUEST_HOOK(event, ...)                                                                   \
	SEC("tp_btf/block_rq_" #event)                                                             \
	int rq_##event##_btf(__u64 *ctx)                                                           \
	{                                                                                          \
		return rq_##event(true, __VA_ARGS__);                                              \
	}                                                                                          \
                                                                                                   \
	SEC("raw_tp/block_rq_" #event)                                                             \
	int rq_##event##_raw(__u64 *ctx)                                                           \
	{                                                                                          \
		return rq_##event(false, __VA_ARGS__);                                             \
	}

/*
 * The end comes first: programs are attached in the order of this file and
 * detached from its end, so that nothing starts whose end would not be seen.
 */
REQUEST_HOOK(complete, (struct request *)ctx[0], ctx[2])
REQUEST_HOOK(requeue, request_of(ctx))
REQUEST_HOOK(issue, request_of(ctx))
REQUEST_HOOK(merge, request_of(ctx))
REQUEST_HOOK(insert, request_of(ctx))

#include "biolatency_tp.bpf.h"
