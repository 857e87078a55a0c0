/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests under way: what is kept of each from its insertion to its completion.
 *
 * The source that includes it has, before that, struct request_owner, what it
 * keeps of whose a request is, and by_submitter; behind it the three functions
 * that are declared below. The programs are its own (REQUEST_HOOKS).
 */
#ifndef TRACEWELL_REQUEST_JOIN_BPF_H
#define TRACEWELL_REQUEST_JOIN_BPF_H

#include "blank.bpf.h"
#include "requests.bpf.h"

/* Where a request is between its making and its end. */
enum stage {
	STAGE_NONE =
	    0, /* never met, or ended: what is known of the entry's last request is not this one's */
	STAGE_INSERTED = 1,
	STAGE_ISSUED = 2,
	STAGE_PUT_BACK = 3, /* by the driver: it will be issued again */
};

/* One request under way. The entry stays when the request ends: see kept_most. */
struct in_flight {
	__u64 start_ns; /* of the last issue; 0: not under way, or not wanted */
	__u64 first_ns; /* of the first issue */
	__u8 stage; /* enum stage */
	__u8 wanted; /* by the filters; of a request that has a stage */
	__u8 pad[2];
	__u32 again; /* how often it was issued after the first time */
	struct request_owner owner;
};

/* Asked of the current task as its submitter: whether the request is wanted, and whose it is; waits: in a queue, from now on. */
static __always_inline bool request_passes(bool direct, struct request *rq,
					   struct request_owner *owner, bool waits);
/* It is issued for the first time, whether or not it is wanted. */
static __always_inline void request_issued(bool direct, struct request *rq,
					   struct request_owner *owner, bool wanted);
/* It ends now, and is wanted; ctx is what the program was given. */
static __always_inline void request_ended(__u64 *ctx, bool direct, struct request *rq,
					  struct in_flight *entry);

/* How many entries of ended requests are kept. User space sets it. */
const volatile __u64 kept_most = 0;

/*
 * Requests by address. They live in pools and are used again and again, so an
 * entry is kept when its request ends: to make and delete one costs more than
 * all the rest. Beyond kept_most entries they are deleted after all, which
 * leaves the other half for requests that are under way at once.
 */
#define REQUESTS_MOST 16384

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REQUESTS_MOST);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct in_flight));
} requests SEC(".maps");

BLANK_MAP(sizeof(struct in_flight));

__u64 kept = 0;

static __always_inline struct in_flight *known(__u64 rq)
{
	return bpf_map_lookup_elem(&requests, &rq);
}

/*
 * Requests that found no room while their submitter was the current task. By the
 * time of their issue there may be room, but a worker issues what has waited:
 * whose it was is not known any more. Two requests of one place are as good as
 * never without room at once.
 */
#define UNPLACED 16384

__u8 unplaced[UNPLACED] = {};

static __always_inline __u8 *unplaced_at(__u64 rq)
{
	__u64 address = 0;

	/* A typed pointer is no number to the verifier; what is read is one. */
	bpf_probe_read_kernel(&address, sizeof(address), &rq);
	/* A request has more than 64 bytes, and those of a pool lie side by side. */
	return &unplaced[(address >> 6 ^ address >> 20) & (UNPLACED - 1)];
}

/* NULL where there is no room: that is no loss before the entry is needed, at the issue. */
static __always_inline struct in_flight *entry_of(__u64 rq)
{
	struct in_flight *entry = known(rq);

	if (entry)
		return entry;
	entry = blank_entry(&requests, &rq);
	if (entry)
		__sync_fetch_and_add(&kept, 1);
	else if (by_submitter)
		*unplaced_at(rq) = 1;
	return entry;
}

/* The same at the issue, where nobody knows whose a request is that found no room before. */
static __always_inline struct in_flight *entry_at_issue(__u64 rq)
{
	struct in_flight *entry = known(rq);

	if (entry)
		return entry;
	if (by_submitter && *unplaced_at(rq)) {
		*unplaced_at(rq) = 0;
		return NULL;
	}
	entry = entry_of(rq);
	if (!entry && by_submitter)
		*unplaced_at(rq) = 0;
	return entry;
}

/*
 * Asked of the current task, who is the submitter when a request is inserted
 * or issued first. The verdict is the request's for as long as it has a stage:
 * start_time_ns does not tell one from the next (0 for all that are not
 * accounted: commands to the device, and all where queue/iostats is 0).
 */
common_code void judge(bool direct, struct request *rq, struct in_flight *entry, bool waits)
{
	entry->wanted = request_passes(direct, rq, &entry->owner, waits);
	entry->again = 0;
}

static __always_inline int rq_insert(bool direct, struct request *rq)
{
	struct in_flight *entry;

	/* The room is not for requests of disks that nobody asked for. */
	if (!rq_disk_passes(direct, rq))
		return 0;
	entry = entry_of((__u64)rq);
	/* It is a worker that inserts again what was put back. */
	if (entry && entry->stage != STAGE_PUT_BACK) {
		judge(direct, rq, entry, true);
		entry->stage = STAGE_INSERTED;
	}
	return 0;
}

/* Merged into another request, which was judged by itself; this one goes back to its pool without an end. */
static __always_inline int rq_merge(bool direct, struct request *rq)
{
	struct in_flight *entry = known((__u64)rq);

	if (entry)
		entry->stage = STAGE_NONE;
	else if (by_submitter)
		*unplaced_at((__u64)rq) = 0;
	return 0;
}

/*
 * What is put back will be issued again, and starts again then. A driver that
 * was too busy to start it puts back what was never issued: a request that was
 * not inserted either is met here first, and later issued by a worker.
 */
static __always_inline int rq_requeue(bool direct, struct request *rq)
{
	bool first = by_submitter && rq_disk_passes(direct, rq);
	struct in_flight *entry = first ? entry_of((__u64)rq) : known((__u64)rq);

	if (!entry)
		return 0;
	entry->start_ns = 0;
	if (entry->stage == STAGE_ISSUED)
		entry->again++;
	else if (first && entry->stage == STAGE_NONE)
		judge(direct, rq, entry, true);
	if (first || entry->stage != STAGE_NONE)
		entry->stage = STAGE_PUT_BACK;
	return 0;
}

static __always_inline int rq_issue(bool direct, struct request *rq)
{
	bool wanted = rq_disk_passes(direct, rq);
	struct in_flight *entry = wanted ? entry_at_issue((__u64)rq) : known((__u64)rq);
	__u64 now_ns;

	if (!entry) {
		if (wanted)
			lose(LOSS_INFLIGHT_FULL);
		return 0;
	}
	/*
	 * The last request that was kept here has ended, and was not put back:
	 * the program was not run for its completion. Kernels refuse that inside
	 * the same program, and some in the middle of certain tasks, which they
	 * do not count. User space counts those that are left at the end.
	 */
	if (entry->start_ns)
		lose(LOSS_COMPLETION_MISSED);
	if (entry->stage != STAGE_INSERTED && entry->stage != STAGE_PUT_BACK) {
		entry->again = 0;
		if (by_submitter && wanted)
			judge(direct, rq, entry, false);
	}
	if (by_submitter && wanted)
		wanted = entry->wanted;
	now_ns = bpf_ktime_get_ns();
	if (!entry->again) {
		entry->first_ns = now_ns;
		request_issued(direct, rq, &entry->owner, wanted);
	}
	entry->stage = STAGE_ISSUED;
	entry->start_ns = wanted && !shared_state.closing ? now_ns : 0;
	return 0;
}

/* Not negative; without a branch, after which the verifier would go all that follows twice. */
static __always_inline __u64 span(__u64 start_ns, __u64 end_ns)
{
	__s64 span_ns = end_ns - start_ns;

	return span_ns & ~(span_ns >> 63);
}

/*
 * Each part of a request that is completed in parts comes here. What is left
 * is in __data_len, which is counted down after this.
 */
static __always_inline int rq_complete(bool direct, __u64 *ctx)
{
	struct request *rq = (struct request *)ctx[0];
	unsigned int bytes = ctx[2];
	__u64 address = (__u64)rq;
	struct in_flight *entry = known(address);

	if (!entry || bytes < FIELD(direct, rq, __data_len))
		return 0;
	if (entry->start_ns)
		request_ended(ctx, direct, rq, entry);
	entry->start_ns = 0;
	entry->stage = STAGE_NONE;
	if (kept > kept_most && !bpf_map_delete_elem(&requests, &address))
		__sync_fetch_and_add(&kept, -1);
	return 0;
}

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
#define REQUEST_HOOKS                                                                              \
	REQUEST_HOOK(complete, ctx)                                                                \
	REQUEST_HOOK(requeue, request_of(ctx))                                                     \
	REQUEST_HOOK(issue, request_of(ctx))                                                       \
	REQUEST_HOOK(merge, request_of(ctx))                                                       \
	REQUEST_HOOK(insert, request_of(ctx))

#endif
