// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Block requests by who submitted them: how many, how many bytes, and how long
 * they took from issue to the driver to completion. Counted when they end, as
 * biolatency does, and for the same requests.
 */
#include "core.bpf.h"
#include "by_cpu.bpf.h"
#include "requests.h"
#include "turns.bpf.h"

struct io_counts {
	__u64 requests;
	__u64 bytes;
	__u64 took_ns; /* all together */
};

/* What requests are told apart by. */
struct io_key {
	struct disk_name disk;
	__u32 pid; /* of the submitter */
	__u32 op; /* REQ_OP_...: the bits of cmd_flags that are the operation */
};

struct io_value {
	struct io_counts counts;
	__u8 comm[COMM_BYTES]; /* of the process, when the first of these requests was submitted */
};
_Static_assert(sizeof(struct io_counts) == 24, "io_counts");
_Static_assert(sizeof(struct io_key) == 40, "io_key");
_Static_assert(sizeof(struct io_value) == 40, "io_value");
struct io_counts *unused_io_counts __attribute__((unused));
struct io_key *unused_io_key __attribute__((unused));
struct io_value *unused_io_value __attribute__((unused));

/* Whose a request is. */
struct request_owner {
	__u64
	    bytes; /* what the request is about, when it was issued first, and its operation then */
	__u8 comm[COMM_BYTES];
	__u32 pid;
	__u32 op;
};

/* Who submits matters in any case. */
static const bool by_submitter = true;

/* Of requests that found no room among the keys. */
COUNTS_BY_CPU(struct io_counts)
TURNS(struct io_key, struct io_value);

#include "request_join.bpf.h"

/* include/linux/blk_types.h: REQ_OP_BITS. */
#define OP_MASK 0xff

static __always_inline bool request_passes(bool direct, struct request *rq,
					   struct request_owner *owner, bool waits)
{
	__u64 cgroup;

	if (!rq_passes(direct, rq, &cgroup))
		return false;
	owner->pid = bpf_get_current_pid_tgid() >> 32;
	given_comm(BPF_CORE_READ(current_task(), group_leader), owner->comm);
	return true;
}

static __always_inline void request_issued(bool direct, struct request *rq,
					   struct request_owner *owner, bool wanted)
{
	owner->bytes = FIELD(direct, rq, __data_len);
	owner->op = FIELD(direct, rq, cmd_flags) & OP_MASK;
}

/* Requests of one key may end on several CPUs. Without the old value, which 5.10 refuses to fetch. */
static __always_inline void add(struct io_counts *counts, __u64 bytes, __u64 took_ns)
{
	__sync_fetch_and_add(&counts->requests, 1);
	__sync_fetch_and_add(&counts->bytes, bytes);
	__sync_fetch_and_add(&counts->took_ns, took_ns);
}

static __always_inline void request_ended(__u64 *ctx, bool direct, struct request *rq,
					  struct in_flight *entry)
{
	__u64 took_ns = span(entry->start_ns, bpf_ktime_get_ns());
	void *values = counting(&keyed_now);
	struct io_counts *without_room;
	struct io_value *value;
	struct io_key key = {};

	if (!values)
		return;
	key.pid = entry->owner.pid;
	key.op = entry->owner.op;
	read_disk(direct, rq, &key.disk);
	value = bpf_map_lookup_elem(values, &key);
	if (!value) {
		struct io_value none = {};

		__builtin_memcpy(none.comm, entry->owner.comm, sizeof(none.comm));
		value = counting_from(values, &key, &none);
	}
	if (value) {
		add(&value->counts, entry->owner.bytes, took_ns);
		return;
	}
	without_room = counts_of_cpu();
	if (without_room)
		add(without_room, entry->owner.bytes, took_ns);
}

REQUEST_HOOKS
