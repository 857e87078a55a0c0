// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Block requests, each once, when it ends: who submitted it, where to, and how
 * long it waited and took. The same requests as biolatency's.
 *
 * The event of a request is begun by its submitter, lies in the entry of the
 * request while that is under way, and is sent from there by the completion.
 */
#include "core.bpf.h"
#include "requests.bpf.h"
#include "stored.bpf.h"
#include "biosnoop.h"

struct request_event *unused_request_event __attribute__((unused));
_Static_assert(sizeof(struct request_event) == 152, "request_event");

/* Whose a request is, and what will be told of it. */
struct request_owner {
	__u64 waits_ns; /* since when it waited in a queue first; 0: it did not */
	__u64 all; /* bytes of the event with what stands behind it */
	struct request_event event;
};

/* Who submits matters in any case. */
static const bool by_submitter = true;

const volatile bool failed_only = false;
const volatile bool succeeded_only = false;
/* Whether requests are sequential is told. */
const volatile bool patterns = false;
const volatile __u64 min_took_ns = 0;

/* Where the last request of a disk ended, by its sectors. One of a disk without room is neither sequential nor random. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct disk_name);
	__type(value, __u64);
} ends SEC(".maps");

#include "request_join.bpf.h"

#define SECTOR_SHIFT 9 /* linux/blk_types.h */
#define NOWHERE (~0ULL)

static __always_inline bool request_passes(bool direct, struct request *rq,
					   struct request_owner *owner, bool waits)
{
	__u64 cgroup;

	if (!rq_passes(direct, rq, &cgroup))
		return false;
	owner->waits_ns = waits ? bpf_ktime_get_ns() : 0;
	owner->all = stored_begin(&owner->event.head, sizeof(owner->event));
	return true;
}

/* How many bios a request is made of; nobody adds one once it is issued. */
common_code __u32 bios_of(bool direct, struct request *rq)
{
	struct bio *bio = FIELD(direct, rq, bio);
	__u32 count;

#pragma clang loop unroll(disable)
	for (count = 0; count <= BIOS_MOST; count++) {
		if (!bio)
			break;
		bio = FIELD(direct, bio, bi_next);
	}
	return count;
}

static __always_inline __u32 pattern_of(const struct request_event *event)
{
	__u64 end = event->sector + (event->bytes >> SECTOR_SHIFT);
	__u64 *last;
	__u32 pattern;

	if (event->sector == NOWHERE || !event->bytes)
		return 0;
	last = bpf_map_lookup_elem(&ends, &event->disk);
	if (!last) {
		bpf_map_update_elem(&ends, &event->disk, &end, BPF_NOEXIST);
		return 0;
	}
	pattern = *last == event->sector ? REQUEST_SEQUENTIAL : REQUEST_RANDOM;
	*last = end;
	return pattern;
}

static __always_inline void request_issued(bool direct, struct request *rq,
					   struct request_owner *owner, bool wanted)
{
	struct request_event *event = &owner->event;
	struct gendisk *disk;

	/* Whoever is left out goes on from somewhere, too. */
	if (!wanted && !patterns)
		return;
	disk = gendisk_of(direct, rq);
	event->sector = FIELD(direct, rq, __sector);
	event->bytes = FIELD(direct, rq, __data_len);
	event->flags = FIELD(direct, rq, cmd_flags);
	event->bios = bios_of(direct, rq);
	__builtin_memset(&event->disk, 0, sizeof(event->disk));
	read_disk(direct, rq, &event->disk);
	event->major = disk ? FIELD(direct, disk, major) : 0;
	event->minor = disk ? FIELD(direct, disk, first_minor) : 0;
	event->detail = owner->waits_ns ? REQUEST_WAITED : 0;
	if (patterns)
		event->detail |= pattern_of(event);
}

static __always_inline void request_ended(__u64 *ctx, bool direct, struct request *rq,
					  struct in_flight *entry)
{
	struct request_event *event = &entry->owner.event;
	/*
	 * The block layer's number of the failure, which has 8 bits, since 5.16
	 * ("block: don't call blk_status_to_errno in blk_update_request"); before, 0
	 * or a negative number of an error. The sign tells them apart.
	 */
	__s32 result = ctx[1];

	event->took_ns = span(entry->start_ns, bpf_ktime_get_ns());
	if (event->took_ns < min_took_ns || (failed_only && !result) || (succeeded_only && result))
		return;
	event->queued_ns = span(entry->owner.waits_ns, entry->start_ns);
	event->result = result;
	event->again = entry->again;
	stored_emit(ctx, &event->head, sizeof(*event), entry->owner.all);
}

REQUEST_HOOKS
