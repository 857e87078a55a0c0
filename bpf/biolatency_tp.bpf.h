/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * biolatency's last rung: tracepoints by their format. They do not tell which
 * request it is, so disk and sector stand for it. Of two that are under way at
 * one place, the earlier is lost, and counted so.
 */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REQUESTS_MOST);
	__type(key, struct place);
	__type(value, struct in_flight);
} places SEC(".maps");

/* Up to 5.17 the completion's record had a name of its own ("block: add rq_error tracepoint"). */
struct trace_event_raw_block_rq_complete___old {
	dev_t dev;
	sector_t sector;
	unsigned int nr_sector;
	char rwbs[8];
} __attribute__((preserve_access_index));

#define EEXIST 17

/* How many letters of rwbs there is room for in a key. */
#define LETTERS 7

/* Where a flush is: its issue says 0, its completion this, and no other request is here. */
#define FLUSH_SECTOR (~0ULL)

/* letters: those of rwbs, as blk_fill_rwbs() writes them. */
static __always_inline bool is_flush(const __u8 *letters)
{
	return letters[0] == 'F' && letters[1] == 'F';
}

/* The letters are copied: two loads from what the kernel hands over would be one of a changed pointer. */
#define place_of_flush(place, rwbs)                                                                \
	({                                                                                         \
		__u8 __first[2] = {};                                                              \
		bpf_core_read(__first, sizeof(__first), &(rwbs));                                  \
		if (is_flush(__first))                                                             \
			(place)->sector = FLUSH_SECTOR;                                            \
	})

static __always_inline void name_by_number(struct disk_name *disk, __u32 number)
{
	disk->word[0] = number;
	disk->word[DISK_WORDS - 1] = DISK_IS_NUMBER;
}

static __always_inline bool place_passes(const struct place *place)
{
	struct disk_name disk = {};

	if (!disks_named)
		return true;
	name_by_number(&disk, place->disk);
	return disk_passes(&disk);
}

static __always_inline int place_start(const struct place *place)
{
	struct in_flight entry = {.start_ns = bpf_ktime_get_ns()};
	/*
	 * Not a long, whatever the helper is declared as: before 6.4 the call goes
	 * straight to the map's function, which returns an int and leaves what it
	 * likes in the upper half ("bpf: return long from bpf_map_ops funcs").
	 */
	int err;

	if (!place_passes(place))
		return 0;
	err = bpf_map_update_elem(&places, place, &entry, BPF_NOEXIST);
	if (err == -EEXIST) {
		/*
		 * Not where the other has completed by now: its entry is gone, and
		 * this one is the one that is lost.
		 */
		bpf_map_update_elem(&places, place, &entry, BPF_EXIST);
		lose(LOSS_INFLIGHT_CLASH);
	} else if (err) {
		lose(LOSS_INFLIGHT_FULL);
	}
	return 0;
}

static __always_inline int place_end(const struct place *place, const __u8 *letters)
{
	struct in_flight *entry = bpf_map_lookup_elem(&places, place);
	struct keyed of = {};
	__u64 start_ns, took_ns;
	__u32 i;

	if (!entry || !entry->start_ns)
		return 0;
	start_ns = entry->start_ns;
	bpf_map_delete_elem(&places, place);
	took_ns = span(start_ns, bpf_ktime_get_ns());
	if (!is_keyed()) {
		whole_count(took_ns);
		return 0;
	}
	if (by_disk)
		name_by_number(&of.key.disk, place->disk);
	if (by_flags) {
		of.key.flags = FLAGS_ARE_LETTERS;
#pragma unroll
		for (i = 0; i < LETTERS; i++)
			of.key.flags |= (__u64)letters[i] << (8 * i);
	}
	keyed_count(&of, took_ns);
	return 0;
}

SEC("tp/block/block_rq_issue")
int rq_issue_tp(struct trace_event_raw_block_rq *ctx)
{
	struct place place = {.sector = ctx->sector, .disk = ctx->dev};

	place_of_flush(&place, ctx->rwbs);
	return place_start(&place);
}

/* What is put back is issued again, which is no clash. */
SEC("tp/block/block_rq_requeue")
int rq_requeue_tp(struct trace_event_raw_block_rq_requeue *ctx)
{
	struct place place = {.sector = ctx->sector, .disk = ctx->dev};

	place_of_flush(&place, ctx->rwbs);
	bpf_map_delete_elem(&places, &place);
	return 0;
}

SEC("tp/block/block_rq_complete")
int rq_complete_tp(void *ctx)
{
	struct trace_event_raw_block_rq_complete___old *old = ctx;
	struct trace_event_raw_block_rq_completion *new = ctx;
	struct place place = {};
	__u8 letters[LETTERS] = {};
	__u32 sectors;

	if (bpf_core_type_exists(struct trace_event_raw_block_rq_completion)) {
		BPF_CORE_READ_INTO(&place.sector, new, sector);
		BPF_CORE_READ_INTO(&place.disk, new, dev);
		BPF_CORE_READ_INTO(&sectors, new, nr_sector);
		bpf_core_read(letters, sizeof(letters), &new->rwbs);
	} else {
		BPF_CORE_READ_INTO(&place.sector, old, sector);
		BPF_CORE_READ_INTO(&place.disk, old, dev);
		BPF_CORE_READ_INTO(&sectors, old, nr_sector);
		bpf_core_read(letters, sizeof(letters), &old->rwbs);
	}
	/* The empty write that asked for a flush ends too, with the flush; it was never issued. */
	if (!sectors && letters[0] == 'W')
		return 0;
	if (is_flush(letters))
		place.sector = FLUSH_SECTOR;
	return place_end(&place, letters);
}
