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

/* How many of those that were counted had been issued more than once. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} issued_again SEC(".maps");

/* Up to 5.16 a request knows its disk, since 5.15 its queue does ("block: remove the rq_disk field"). */
struct request___rq_disk {
	struct gendisk *rq_disk;
} __attribute__((preserve_access_index));

static __always_inline struct gendisk *gendisk_of(bool direct, struct request *rq)
{
	struct request___rq_disk *old = (struct request___rq_disk *)rq;
	struct request_queue *queue;

	if (bpf_core_field_exists(old->rq_disk))
		return FIELD(direct, old, rq_disk);
	queue = FIELD(direct, rq, q);
	return FIELD(direct, queue, disk);
}

/*
 * Puts the name where zeros are; nothing where there is no disk, as for
 * commands to a controller. What is behind the name's NUL is anything: drivers
 * have copied it from their stack (nvme, up to 5.13).
 */
static __always_inline void read_disk(bool direct, struct request *rq, struct disk_name *name)
{
	struct gendisk *disk = gendisk_of(direct, rq);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const __u32 *words;
	__u32 i;
#endif

	if (!disk)
		return;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (direct) {
		words = (const __u32 *)disk->disk_name;
#pragma unroll
		for (i = 0; i < DISK_WORDS; i++) {
			__u32 word = words[i];
			/* The lowest bit that is set is the highest one of the first byte that is 0. */
			__u32 nul = (word - 0x01010101) & ~word & 0x80808080;

			if (nul) {
				name->word[i] = word & (((nul & -nul) >> 7) - 1);
				return;
			}
			name->word[i] = word;
		}
		return;
	}
#endif
	bpf_probe_read_kernel_str(name, sizeof(*name), disk->disk_name);
}

/* Whether -d lets the disk pass. */
static __always_inline bool disk_passes(const struct disk_name *disk)
{
	bool named = false;
	__u32 i, word;

#pragma clang loop unroll(disable)
	for (i = 0; i < DISKS_MOST && i < disks_named; i++) {
		__u32 differs = 0;

#pragma unroll
		for (word = 0; word < DISK_WORDS; word++)
			differs |= disk->word[word] ^ disks[i].word[word];
		if (!differs)
			named = true;
	}
	return named != disks_excluded;
}

static __always_inline bool rq_disk_passes(bool direct, struct request *rq)
{
	struct disk_name disk = {};

	if (!disks_named)
		return true;
	read_disk(direct, rq, &disk);
	return disk_passes(&disk);
}

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

/* Up to 6.0 a cgroup has the ids of those above it, since 6.1 pointers ("cgroup: Replace cgroup->ancestor_ids[]"). */
struct cgroup___ids {
	int level;
	u64 ancestor_ids[];
} __attribute__((preserve_access_index));

/*
 * The id of what is above the current task's cgroup at this level, itself
 * included. The helper that says so is not for programs like these on 5.10.
 */
static __always_inline __u64 current_ancestor(int level)
{
	struct cgroup___ids *cgroup;
	__u64 id = 0;

	if (!bpf_core_field_exists(struct cgroup___ids, ancestor_ids))
		return bpf_get_current_ancestor_cgroup_id(level);
	cgroup = (void *)BPF_CORE_READ(current_task(), cgroups, dfl_cgrp);
	if (level >= 0 && level <= BPF_CORE_READ(cgroup, level))
		bpf_probe_read_kernel(&id, sizeof(id),
				      (void *)cgroup->ancestor_ids + level * sizeof(id));
	return id;
}

/*
 * The cgroup that a request is for: the one that its bio is charged to, as in
 * io.stat. So what is written back belongs to who wrote it, not to the kernel's
 * worker. Where only a cgroup above has the io controller, the bio names that
 * one: of a task below, the task's own says more. A bio of the root, or of a
 * hierarchy of v1, says nothing, and a flush has no bio.
 */
static __always_inline __u64 cgroup_of(bool direct, struct request *rq)
{
	__u64 of_task = bpf_get_current_cgroup_id();
	struct blkcg_gq *group;
	struct cgroup_root *root;
	struct cgroup *cgroup;
	struct kernfs_node *node;
	struct blkcg *blkcg;
	struct bio *bio;
	__u64 id;

	if (!bpf_core_field_exists(struct bio, bi_blkg))
		return of_task;
	bio = FIELD(direct, rq, bio);
	if (!bio)
		return of_task;
	group = FIELD(direct, bio, bi_blkg);
	if (!group)
		return of_task;
	blkcg = FIELD(direct, group, blkcg);
	cgroup = FIELD(direct, blkcg, css.cgroup);
	if (!cgroup)
		return of_task;
	/* The hierarchy of v2 is the first that the kernel makes. */
	root = FIELD(direct, cgroup, root);
	if (FIELD(direct, root, hierarchy_id))
		return of_task;
	node = FIELD(direct, cgroup, kn);
	id = FIELD(direct, node, id);
	if (current_ancestor(FIELD(direct, cgroup, level)) == id)
		return of_task;
	return id;
}

/*
 * Asked of the current task, who is the submitter when a request is inserted
 * or issued first. The verdict is the request's for as long as it has a stage:
 * start_time_ns does not tell one from the next (0 for all that are not
 * accounted: commands to the device, and all where queue/iostats is 0).
 */
static __always_inline void judge(bool direct, struct request *rq, struct in_flight *entry,
				  bool owned)
{
	entry->wanted = filter_passes();
	entry->again = 0;
	if (by_cgroup)
		entry->cgroup = owned ? cgroup_of(direct, rq) : bpf_get_current_cgroup_id();
}

static __always_inline int rq_insert(bool direct, struct request *rq, bool owned)
{
	struct in_flight *entry;

	/* The room is not for requests of disks that nobody asked for. */
	if (!rq_disk_passes(direct, rq))
		return 0;
	entry = entry_of((__u64)rq);
	/* It is a worker that inserts again what was put back. */
	if (entry && entry->stage != STAGE_PUT_BACK) {
		judge(direct, rq, entry, owned);
		entry->stage = STAGE_INSERTED;
	}
	return 0;
}

/* Merged into another request, which was judged by itself; this one goes back to its pool without an end. */
static __always_inline int rq_merge(struct request *rq)
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
static __always_inline int rq_requeue(bool direct, struct request *rq, bool choosy, bool owned)
{
	bool first = choosy && by_submitter && rq_disk_passes(direct, rq);
	struct in_flight *entry = first ? entry_of((__u64)rq) : known((__u64)rq);

	if (!entry)
		return 0;
	entry->start_ns = 0;
	if (entry->stage == STAGE_ISSUED)
		entry->again = 1;
	else if (first && entry->stage == STAGE_NONE)
		judge(direct, rq, entry, owned);
	if (first || entry->stage != STAGE_NONE)
		entry->stage = STAGE_PUT_BACK;
	return 0;
}

static __always_inline int rq_issue(bool direct, struct request *rq, bool choosy, bool owned)
{
	bool wanted = !choosy || rq_disk_passes(direct, rq);
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
		if (choosy && by_submitter && wanted)
			judge(direct, rq, entry, owned);
	}
	if (choosy && by_submitter && wanted)
		wanted = entry->wanted;
	now_ns = bpf_ktime_get_ns();
	if (!entry->again)
		entry->first_ns = now_ns;
	entry->stage = STAGE_ISSUED;
	entry->start_ns = wanted && !shared_state.closing ? now_ns : 0;
	return 0;
}

static __always_inline bool is_keyed(void)
{
	return by_disk || by_flags || by_cgroup;
}

static __always_inline __u64 since(__u64 start_ns)
{
	__u64 now_ns = bpf_ktime_get_ns();

	return now_ns > start_ns ? now_ns - start_ns : 0;
}

static __always_inline void count_again(void)
{
	__u32 only = 0;
	__u64 *again = bpf_map_lookup_elem(&issued_again, &only);

	if (again)
		__sync_fetch_and_add(again, 1);
}

/*
 * Each part of a request that is completed in parts comes here. What is left
 * is in __data_len, which is counted down after this.
 */
static __always_inline int rq_complete(bool direct, struct request *rq, unsigned int bytes,
				       bool keys)
{
	__u64 address = (__u64)rq;
	struct in_flight *entry = known(address);
	__u64 start_ns, cgroup, took_ns;

	if (!entry || bytes < FIELD(direct, rq, __data_len))
		return 0;
	start_ns = entry->start_ns;
	if (start_ns && entry->again)
		count_again();
	if (from_made && start_ns) {
		__u64 made_ns = FIELD(direct, rq, start_time_ns);

		/* Not set where nothing is accounted: see judge(). */
		start_ns = made_ns ? made_ns : entry->first_ns;
	}
	cgroup = by_cgroup ? entry->cgroup : 0;
	entry->start_ns = 0;
	entry->stage = STAGE_NONE;
	if (kept > kept_most && !bpf_map_delete_elem(&requests, &address))
		__sync_fetch_and_add(&kept, -1);
	if (!start_ns)
		return 0;

	took_ns = since(start_ns);
	if (keys && is_keyed()) {
		struct latency_key key = {.cgroup = cgroup};

		if (by_disk)
			read_disk(direct, rq, &key.disk);
		if (by_flags)
			key.flags = FIELD(direct, rq, cmd_flags);
		keyed_count(&keyed, &key, took_ns);
	} else {
		whole_count(took_ns);
	}
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
 * take; what comes before the completion also with what a bio's cgroup takes.
 * libbpf looks up every type that a loaded program names, dead branches
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
	return rq_requeue(true, request_of(ctx), false, false);
}

SEC("tp_btf/block_rq_requeue")
int rq_requeue_choosy_btf(__u64 *ctx)
{
	return rq_requeue(true, request_of(ctx), true, false);
}

SEC("tp_btf/block_rq_requeue")
int rq_requeue_owned_btf(__u64 *ctx)
{
	return rq_requeue(true, request_of(ctx), true, true);
}

SEC("tp_btf/block_rq_issue")
int rq_issue_btf(__u64 *ctx)
{
	return rq_issue(true, request_of(ctx), false, false);
}

SEC("tp_btf/block_rq_issue")
int rq_issue_choosy_btf(__u64 *ctx)
{
	return rq_issue(true, request_of(ctx), true, false);
}

SEC("tp_btf/block_rq_issue")
int rq_issue_owned_btf(__u64 *ctx)
{
	return rq_issue(true, request_of(ctx), true, true);
}

SEC("tp_btf/block_rq_merge")
int rq_merge_btf(__u64 *ctx)
{
	return rq_merge(request_of(ctx));
}

SEC("tp_btf/block_rq_insert")
int rq_insert_btf(__u64 *ctx)
{
	return rq_insert(true, request_of(ctx), false);
}

SEC("tp_btf/block_rq_insert")
int rq_insert_owned_btf(__u64 *ctx)
{
	return rq_insert(true, request_of(ctx), true);
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
	return rq_requeue(false, request_of(ctx), false, false);
}

SEC("raw_tp/block_rq_requeue")
int rq_requeue_choosy_raw(__u64 *ctx)
{
	return rq_requeue(false, request_of(ctx), true, false);
}

SEC("raw_tp/block_rq_requeue")
int rq_requeue_owned_raw(__u64 *ctx)
{
	return rq_requeue(false, request_of(ctx), true, true);
}

SEC("raw_tp/block_rq_issue")
int rq_issue_raw(__u64 *ctx)
{
	return rq_issue(false, request_of(ctx), false, false);
}

SEC("raw_tp/block_rq_issue")
int rq_issue_choosy_raw(__u64 *ctx)
{
	return rq_issue(false, request_of(ctx), true, false);
}

SEC("raw_tp/block_rq_issue")
int rq_issue_owned_raw(__u64 *ctx)
{
	return rq_issue(false, request_of(ctx), true, true);
}

SEC("raw_tp/block_rq_merge")
int rq_merge_raw(__u64 *ctx)
{
	return rq_merge(request_of(ctx));
}

SEC("raw_tp/block_rq_insert")
int rq_insert_raw(__u64 *ctx)
{
	return rq_insert(false, request_of(ctx), false);
}

SEC("raw_tp/block_rq_insert")
int rq_insert_owned_raw(__u64 *ctx)
{
	return rq_insert(false, request_of(ctx), true);
}

#include "biolatency_tp.bpf.h"
