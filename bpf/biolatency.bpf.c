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
#include "filter.bpf.h"
#include "hist.bpf.h"
#include "biolatency.h"

_Static_assert(sizeof(struct latency_key) == 24, "latency_key");
struct latency_key *unused_latency_key __attribute__((unused));

const volatile bool from_made = false;
const volatile bool by_disk = false;
const volatile bool by_flags = false;
const volatile bool by_cgroup = false;
const volatile bool one_disk = false;
const volatile __u32 wanted_disk = 0;
/* How many entries of ended requests are kept: see requests. User space sets it. */
const volatile __u64 kept_most = 0;
/* Who submitted a request matters: filters are on, or by_cgroup. */
const volatile bool by_submitter = false;

KEYED_HISTOGRAMS(struct latency_key);

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
	__type(key, __u64);
	__type(value, struct in_flight);
} requests SEC(".maps");

__u64 kept = 0;

/* What a request says of itself, by whatever way it was reached. */
struct told {
	__u64 flags;
	__u32 disk;
};

/* Up to 5.16 a request knows its disk, since 5.15 its queue does ("block: remove the rq_disk field"). */
struct request___rq_disk {
	struct gendisk *rq_disk;
} __attribute__((preserve_access_index));

static __always_inline __u32 disk_of(bool direct, struct request *rq)
{
	struct request___rq_disk *old = (struct request___rq_disk *)rq;
	struct gendisk *disk;

	if (bpf_core_field_exists(old->rq_disk)) {
		disk = FIELD(direct, old, rq_disk);
	} else {
		struct request_queue *queue = FIELD(direct, rq, q);

		disk = FIELD(direct, queue, disk);
	}
	/* A queue of commands to the device itself has none. */
	if (!disk)
		return 0;
	return (__u32)FIELD(direct, disk, major) << 20 | (__u32)FIELD(direct, disk, first_minor);
}

/* A new entry is not lost before it is needed: at the issue. */
static __always_inline struct in_flight *entry_of(__u64 rq)
{
	struct in_flight *entry = bpf_map_lookup_elem(&requests, &rq);
	struct in_flight none = {};

	if (entry)
		return entry;
	if (bpf_map_update_elem(&requests, &rq, &none, BPF_NOEXIST))
		return NULL;
	__sync_fetch_and_add(&kept, 1);
	return bpf_map_lookup_elem(&requests, &rq);
}

/* The filters ask the current task, who is the submitter when a request is inserted or issued first. */
static __always_inline void judge(struct in_flight *entry, __u64 made_ns)
{
	if (entry->verdict != VERDICT_NONE && entry->made_ns == made_ns)
		return;
	entry->verdict = filter_passes() ? VERDICT_WANTED : VERDICT_UNWANTED;
	entry->made_ns = made_ns;
	if (by_cgroup)
		entry->cgroup = bpf_get_current_cgroup_id();
}

static __always_inline int rq_insert(bool direct, struct request *rq)
{
	struct in_flight *entry = entry_of((__u64)rq);

	if (entry)
		judge(entry, FIELD(direct, rq, start_time_ns));
	return 0;
}

/* What is put back will be issued again, and starts again then. */
static __always_inline int rq_requeue(struct request *rq)
{
	__u64 address = (__u64)rq;
	struct in_flight *entry = bpf_map_lookup_elem(&requests, &address);

	if (entry)
		entry->start_ns = 0;
	return 0;
}

static __always_inline int rq_issue(bool direct, struct request *rq, bool choosy)
{
	bool wanted = !choosy || !one_disk || disk_of(direct, rq) == wanted_disk;
	struct in_flight *entry = entry_of((__u64)rq);

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
	if (choosy && by_submitter) {
		judge(entry, FIELD(direct, rq, start_time_ns));
		wanted = wanted && entry->verdict == VERDICT_WANTED;
	}
	entry->start_ns = wanted && !shared_state.closing ? bpf_ktime_get_ns() : 0;
	return 0;
}

static __always_inline void count(const struct told *told, __u64 cgroup, __u64 start_ns)
{
	__u64 now_ns = bpf_ktime_get_ns();
	__u64 took_ns = now_ns > start_ns ? now_ns - start_ns : 0;
	struct latency_key key = {};

	if (!by_disk && !by_flags && !by_cgroup) {
		whole_count(took_ns);
		return;
	}
	key.disk = told->disk;
	key.flags = told->flags;
	key.cgroup = cgroup;
	keyed_count(&keyed, &key, took_ns);
}

/*
 * Each part of a request that is completed in parts comes here. What is left
 * is in __data_len, which is counted down after this.
 */
static __always_inline int rq_complete(bool direct, struct request *rq, unsigned int bytes,
				       bool keys)
{
	__u64 address = (__u64)rq;
	struct in_flight *entry = bpf_map_lookup_elem(&requests, &address);
	struct told told = {};
	__u64 start_ns, cgroup;

	if (!entry || !entry->start_ns || bytes < FIELD(direct, rq, __data_len))
		return 0;
	start_ns = entry->start_ns;
	cgroup = by_cgroup ? entry->cgroup : 0;
	entry->start_ns = 0;
	entry->verdict = VERDICT_NONE;
	if (kept > kept_most && !bpf_map_delete_elem(&requests, &address))
		__sync_fetch_and_add(&kept, -1);

	if (from_made) {
		__u64 made_ns = FIELD(direct, rq, start_time_ns);

		/* Not set where the queue keeps no statistics (queue/iostats is 0). */
		if (made_ns)
			start_ns = made_ns;
	}
	if (keys && by_disk)
		told.disk = disk_of(direct, rq);
	if (by_flags)
		told.flags = FIELD(direct, rq, cmd_flags);
	count(&told, cgroup, start_ns);
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

/*
 * Issue and completion each in two: without and with what filters, -d and keys
 * take. libbpf looks up every type that a loaded program names, dead branches
 * included, and each look-up takes time at the start.
 *
 * The end comes first: programs are attached in the order of this file and
 * detached from its end, so that nothing starts whose end would not be seen.
 */
SEC("tp_btf/block_rq_complete")
int rq_complete_btf(__u64 *ctx)
{
	return rq_complete(true, (struct request *)ctx[0], ctx[2], false);
}

SEC("tp_btf/block_rq_complete")
int rq_complete_keyed_btf(__u64 *ctx)
{
	return rq_complete(true, (struct request *)ctx[0], ctx[2], true);
}

SEC("tp_btf/block_rq_requeue")
int rq_requeue_btf(__u64 *ctx)
{
	return rq_requeue(request_of(ctx));
}

SEC("tp_btf/block_rq_issue")
int rq_issue_btf(__u64 *ctx)
{
	return rq_issue(true, request_of(ctx), false);
}

SEC("tp_btf/block_rq_issue")
int rq_issue_choosy_btf(__u64 *ctx)
{
	return rq_issue(true, request_of(ctx), true);
}

SEC("tp_btf/block_rq_insert")
int rq_insert_btf(__u64 *ctx)
{
	return rq_insert(true, request_of(ctx));
}

SEC("raw_tp/block_rq_complete")
int rq_complete_raw(__u64 *ctx)
{
	return rq_complete(false, (struct request *)ctx[0], ctx[2], false);
}

SEC("raw_tp/block_rq_complete")
int rq_complete_keyed_raw(__u64 *ctx)
{
	return rq_complete(false, (struct request *)ctx[0], ctx[2], true);
}

SEC("raw_tp/block_rq_requeue")
int rq_requeue_raw(__u64 *ctx)
{
	return rq_requeue(request_of(ctx));
}

SEC("raw_tp/block_rq_issue")
int rq_issue_raw(__u64 *ctx)
{
	return rq_issue(false, request_of(ctx), false);
}

SEC("raw_tp/block_rq_issue")
int rq_issue_choosy_raw(__u64 *ctx)
{
	return rq_issue(false, request_of(ctx), true);
}

SEC("raw_tp/block_rq_insert")
int rq_insert_raw(__u64 *ctx)
{
	return rq_insert(false, request_of(ctx));
}

#include "biolatency_tp.bpf.h"
