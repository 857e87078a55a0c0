/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests under way: what is kept of each from its insertion to its completion. */

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

/* How many of those that were counted had been issued more than once. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} issued_again SEC(".maps");

static __always_inline struct in_flight *known(__u64 rq)
{
	return bpf_map_lookup_elem(&requests, &rq);
}

/* A new entry is not lost before it is needed: at the issue. */
static __always_inline struct in_flight *entry_of(__u64 rq)
{
	struct in_flight *entry = known(rq);
	struct in_flight none = {};

	if (entry)
		return entry;
	if (bpf_map_update_elem(&requests, &rq, &none, BPF_NOEXIST))
		return NULL;
	__sync_fetch_and_add(&kept, 1);
	return known(rq);
}

/*
 * Asked of the current task, who is the submitter when a request is inserted
 * or issued first. The verdict is the request's for as long as it has a stage:
 * start_time_ns does not tell one from the next (0 for all that are not
 * accounted: commands to the device, and all where queue/iostats is 0).
 */
common_code void judge(bool direct, struct request *rq, struct in_flight *entry)
{
	entry->wanted = rq_passes(direct, rq, &entry->cgroup);
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
		judge(direct, rq, entry);
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
		entry->again = 1;
	else if (first && entry->stage == STAGE_NONE)
		judge(direct, rq, entry);
	if (first || entry->stage != STAGE_NONE)
		entry->stage = STAGE_PUT_BACK;
	return 0;
}

static __always_inline int rq_issue(bool direct, struct request *rq)
{
	bool wanted = rq_disk_passes(direct, rq);
	struct in_flight *entry = wanted ? entry_of((__u64)rq) : known((__u64)rq);
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
			judge(direct, rq, entry);
	}
	if (by_submitter && wanted)
		wanted = entry->wanted;
	now_ns = bpf_ktime_get_ns();
	if (!entry->again)
		entry->first_ns = now_ns;
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

/* Counts a request that ends now. */
static __always_inline void count_request(bool direct, struct request *rq,
					  const struct in_flight *entry)
{
	__u64 start_ns = entry->start_ns, took_ns;

	if (from_made) {
		__u64 made_ns = FIELD(direct, rq, start_time_ns);

		/* Not set where nothing is accounted: see judge(). */
		start_ns = made_ns ? made_ns : entry->first_ns;
	}
	took_ns = span(start_ns, bpf_ktime_get_ns());
	if (is_keyed())
		count_apart(direct, rq, entry->cgroup, took_ns);
	else
		whole_count(took_ns);
}

/*
 * Each part of a request that is completed in parts comes here. What is left
 * is in __data_len, which is counted down after this.
 */
static __always_inline int rq_complete(bool direct, struct request *rq, unsigned int bytes)
{
	__u64 address = (__u64)rq;
	struct in_flight *entry = known(address);

	if (!entry || bytes < FIELD(direct, rq, __data_len))
		return 0;
	if (entry->start_ns) {
		count_request(direct, rq, entry);
		if (entry->again)
			count_again();
	}
	entry->start_ns = 0;
	entry->stage = STAGE_NONE;
	if (kept > kept_most && !bpf_map_delete_elem(&requests, &address))
		__sync_fetch_and_add(&kept, -1);
	return 0;
}
