/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What requests are told apart and picked by: their disk, and the cgroup that they are for. */
#ifndef TRACEWELL_REQUESTS_BPF_H
#define TRACEWELL_REQUESTS_BPF_H

#include "core.bpf.h"
#include "owner.bpf.h"
#include "requests.h"

/* Which disks are asked for: the first so many of disks; 0: all. Or all but those. */
const volatile __u32 disks_named = 0;
const volatile bool disks_excluded = false;
const volatile struct disk_name disks[DISKS_MOST] = {};
/* Whose it is matters: to tell cgroups apart, or to a filter by cgroup. */
const volatile bool by_owner = false;

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

common_code bool rq_is_of_disks(bool direct, struct request *rq)
{
	struct disk_name disk = {};

	read_disk(direct, rq, &disk);
	return disk_passes(&disk);
}

static __always_inline bool rq_disk_passes(bool direct, struct request *rq)
{
	return !disks_named || rq_is_of_disks(direct, rq);
}

/* The cgroup of v2 that the kernel charges a request to; NULL where it says none. */
static __always_inline struct cgroup *charged(bool direct, struct request *rq)
{
	struct blkcg_gq *group;
	struct cgroup_root *root;
	struct cgroup *cgroup;
	struct blkcg *blkcg;
	struct bio *bio;

	/* Not without CONFIG_BLK_CGROUP. */
	if (!bpf_core_field_exists(struct bio, bi_blkg))
		return NULL;
	bio = FIELD(direct, rq, bio);
	if (!bio)
		return NULL;
	group = FIELD(direct, bio, bi_blkg);
	if (!group)
		return NULL;
	blkcg = FIELD(direct, group, blkcg);
	cgroup = FIELD(direct, blkcg, css.cgroup);
	if (!cgroup)
		return NULL;
	/* The hierarchy of v2 is the first that the kernel makes. */
	root = FIELD(direct, cgroup, root);
	return FIELD(direct, root, hierarchy_id) ? NULL : cgroup;
}

/*
 * The cgroup that a request is for, and its id: the one that it is charged to,
 * as in io.stat. So what is written back belongs to who wrote it, not to the
 * kernel's worker. Where only a cgroup above has the io controller, the request
 * names that one: of a task below, the task's own says more, which is NULL here.
 * A request of the root, or of a hierarchy of v1, says nothing, and a flush has
 * no bio.
 */
static __always_inline struct cgroup *owner_of(bool direct, struct request *rq, __u64 *id)
{
	struct cgroup *owner = charged(direct, rq);
	struct kernfs_node *node;

	if (owner) {
		node = FIELD(direct, owner, kn);
		*id = FIELD(direct, node, id);
		if (!is_current_within(FIELD(direct, owner, level), *id))
			return owner;
	}
	*id = bpf_get_current_cgroup_id();
	return NULL;
}

/* Whether the filters let the request pass, asked of the current task as its submitter; and whose it is. */
static __always_inline bool rq_passes(bool direct, struct request *rq, __u64 *owner_id)
{
	struct self self = current_self();
	struct cgroup *owner;

	if (by_owner) {
		owner = owner_of(direct, rq, owner_id);
		if (!owner_passes(owner, *owner_id))
			return false;
	}
	return task_passes(&self);
}

#endif
