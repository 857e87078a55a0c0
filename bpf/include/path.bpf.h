/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a path starts: the directory below which the kernel looked a name up,
 * written as its components from the innermost to the root of the mount
 * namespace, each ended by a NUL. User space turns them round.
 */
#ifndef TRACEWELL_PATH_BPF_H
#define TRACEWELL_PATH_BPF_H

#include "core.bpf.h"
#include "emit.bpf.h"

/* Said by the source that includes this: where in an event its path is, and how much may come behind the base. */
#if !defined(PATH_OFFSET) || !defined(BEHIND_BASE)
#error "PATH_OFFSET or BEHIND_BASE is not defined"
#endif

#define PATH_MAX_BYTES 4096 /* PATH_MAX, the NUL included */
#define PATH_BYTES STRING_ROOM(PATH_MAX_BYTES)
#define COMPONENT_BYTES 256 /* NAME_MAX and the NUL */
#define BASE_DEPTH 128 /* components and mount points together */

/* A path and the components of its base. */
#define TAIL_BYTES (2 * PATH_BYTES + COMPONENT_BYTES)

/* Whether the base is read. Where it is not, user space makes scratch smaller. */
const volatile bool full_path = false;

SCRATCH_MAP(PATH_OFFSET + TAIL_BYTES + BEHIND_BASE);

#define RESOLVE_IN_ROOT 0x10 /* openat2(2): the directory is the root */

enum base_status {
	BASE_WHOLE = 0, /* the walk reached the root */
	BASE_CUT = 1, /* too deep, too long, or not below the root: the outer part is missing */
	BASE_UNKNOWN = 2, /* no such directory, or it could not be read */
};

struct base {
	struct dentry *dentry;
	struct vfsmount *mnt;
};

/* The open file fd of the current task. No lock: a descriptor that another thread closes meanwhile is misread. */
static __always_inline struct file *file_of_fd(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

/* Reads a name from the caller's memory: gives its bytes without the NUL, and adds to detail what is wrong with it. */
static __always_inline __u64 path_of_caller(char *path, const char *name, __u8 *detail)
{
	long bytes = bpf_probe_read_user_str(path, PATH_BYTES, name);

	if (bytes < 0)
		*detail |= PATH_UNREADABLE;
	if (bytes > PATH_MAX_BYTES)
		*detail |= PATH_CUT;
	return bytes > 0 ? at_most(bytes - 1, PATH_MAX_BYTES - 1) : 0;
}

static __always_inline struct base root_of(struct task_struct *task)
{
	struct fs_struct *fs = FIELD(current_is_typed(), task, fs);
	struct base root = {
	    .dentry = FIELD(current_is_typed(), fs, root.dentry),
	    .mnt = FIELD(current_is_typed(), fs, root.mnt),
	};

	return root;
}

/* Where the kernel started: the root for an absolute name, else dirfd or the working directory. */
static __always_inline void base_of(struct base *base, int dirfd, bool absolute, bool in_root)
{
	struct task_struct *task = current_task();

	base->dentry = NULL;
	base->mnt = NULL;
	if (absolute && !in_root) {
		*base = root_of(task);
	} else if (dirfd == AT_FDCWD) {
		base->dentry = BPF_CORE_READ(task, fs, pwd.dentry);
		base->mnt = BPF_CORE_READ(task, fs, pwd.mnt);
	} else {
		struct file *file = file_of_fd(task, dirfd);

		if (file) {
			base->dentry = BPF_CORE_READ(file, f_path.dentry);
			base->mnt = BPF_CORE_READ(file, f_path.mnt);
		}
	}
}

/* How a path has to begin; user space sets it. */
const volatile struct path_begins path_begins SEC(".rodata.paths") = {};

/* Whether it begins so. What is behind its NUL does not count: no byte that does is a NUL. */
static __always_inline bool has_begin(const __u64 *path, const volatile struct path_begin *begin)
{
	int i;

	for (i = 0; i < PATH_BEGIN_WORDS; i++) {
		if ((path[i] ^ begin->text[i]) & begin->mask[i])
			return false;
	}
	return true;
}

/* The bytes that come one later than those of this word. */
static __always_inline __u64 one_later(__u64 word, __u64 next)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return word >> 8 | next << 56;
#else
	return word << 8 | next >> 56;
#endif
}

#define PLAIN_WORDS 32

/*
 * Whether a path of end bytes names each directory on its way as it is called,
 * once: neither two slashes in a row nor a component that begins with a dot,
 * as . and .. do. A longer one is not looked at. Bytes behind the NUL may
 * make a plain one look otherwise, which costs an event in the buffer.
 */
static __always_inline bool is_plain_path(const __u64 *path, __u64 end)
{
	__u64 found = 0;
	int i;

	for (i = 0; i < PLAIN_WORDS; i++) {
		__u64 slashes = path[i] ^ EACH_BYTE('/');
		__u64 next = one_later(path[i], path[i + 1]);

		found |= ZERO_BYTES(slashes | (next ^ EACH_BYTE('/')));
		found |= ZERO_BYTES(slashes | (next ^ EACH_BYTE('.')));
		if (end < (i + 1) * sizeof(*path))
			return !found;
	}
	return false;
}

/* Where a mount is: in which one, at which of its directories; and what it shows, from where on. */
struct mount_place {
	struct mount *below;
	struct dentry *mountpoint;
	struct dentry *root;
};

/* The three lie side by side in struct mount (fs/mount.h), but where the kernel's build has shuffled it (RANDSTRUCT). */
static __always_inline void mount_place_of(struct mount *mount, struct mount_place *place)
{
	__u64 at = bpf_core_field_offset(struct mount, mnt_parent);

	if (bpf_core_field_offset(struct mount, mnt_mountpoint) ==
		at + offsetof(struct mount_place, mountpoint) &&
	    bpf_core_field_offset(struct mount, mnt.mnt_root) ==
		at + offsetof(struct mount_place, root)) {
		bpf_probe_read_kernel(place, sizeof(*place), (void *)mount + at);
	} else {
		place->below = BPF_CORE_READ(mount, mnt_parent);
		place->mountpoint = BPF_CORE_READ(mount, mnt_mountpoint);
		place->root = BPF_CORE_READ(mount, mnt.mnt_root);
	}
}

/* A root is mounted on rootfs, or on one that it took the place of. */
#define ROOT_MOUNTS 4

/* Whether the task's root is that of its mount namespace: then its absolute paths are whole. */
static __always_inline bool has_whole_root(void)
{
	struct base root = root_of(current_task());
	struct mount *mount = (void *)root.mnt - bpf_core_field_offset(struct mount, mnt);
	struct dentry *dentry = root.dentry;
	int i;

	for (i = 0; i < ROOT_MOUNTS; i++) {
		struct mount_place place;

		mount_place_of(mount, &place);
		if (dentry != place.root)
			return false;
		if (mount == place.below)
			return true;
		dentry = place.mountpoint;
		mount = place.below;
	}
	return false;
}

/*
 * Whether a path of end bytes, which is at least so many words long, may be
 * one that begins as was asked for. Only one that is absolute, plain and whole
 * can be told not to: all others are left to user space.
 */
common_code bool path_may_begin_so(const char *path, __u64 end)
{
	const __u64 *words = (const __u64 *)path;
	__u32 i;

	if (!end || path[0] != '/')
		return true;
	for (i = 0; i < PATH_BEGINS; i++) {
		if (i < path_begins.count && has_begin(words, &path_begins.of[i]))
			return true;
	}
	return !is_plain_path(words, end) || !has_whole_root();
}

/* A walk from a base up to the root, between two of its steps. */
struct walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct mnt_namespace *ns; /* the caller's */
	__u32 at; /* where in scratch the next component goes */
	__u32 status; /* enum base_status */
};

/* One for each scratch space, in the same order; sized with them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk);
} walks SEC(".maps");

#define WALK_DEPTH 8
#define WALK_ROW (BASE_DEPTH / WALK_DEPTH)

/*
 * One step: to the directory above, with the name of this one, or from the top
 * of a mount to what it is mounted on. Says whether there may be more.
 *
 * The verifier looks at a global function once, at an inline one as often as
 * its loops may go round. All that it may be given on 5.10 are numbers, and it
 * looks at it there even where no program that is loaded comes to call it.
 */
__noinline int walk_step(__u32 space)
{
	struct walk *walk = slot_of(&walks, space);
	char *out = scratch_of(space);
	struct dentry *dentry, *parent;
	struct vfsmount *mnt;
	long bytes;

	if (!full_path || !walk || !out)
		return false;
	dentry = walk->dentry;
	mnt = walk->mnt;
	parent = BPF_CORE_READ(dentry, d_parent);
	if (dentry == BPF_CORE_READ(mnt, mnt_root)) {
		struct mount *mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
		struct mount *below = BPF_CORE_READ(mount, mnt_parent);

		/*
		 * A mount that nothing is below is the root of its namespace,
		 * which may be another one: that of a tree attached nowhere
		 * (fsmount(2), open_tree(2)), or none after umount2(2) with
		 * MNT_DETACH.
		 */
		if (mount == below) {
			if (walk->ns && BPF_CORE_READ(mount, mnt_ns) == walk->ns)
				walk->status = BASE_WHOLE;
			return false;
		}
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mnt = (void *)below + bpf_core_field_offset(struct mount, mnt);
		return true;
	}
	/* The root of the file system, outside of what is mounted: the directory was moved out of there. */
	if (dentry == parent || walk->at > PATH_OFFSET + 2 * PATH_BYTES)
		return false;
	bytes = bpf_probe_read_kernel_str(out + at_most(walk->at, PATH_OFFSET + 2 * PATH_BYTES),
					  COMPONENT_BYTES, BPF_CORE_READ(dentry, d_name.name));
	if (bytes <= 0) {
		walk->status = BASE_UNKNOWN;
		return false;
	}
	walk->at += bytes;
	walk->dentry = parent;
	return true;
}

__noinline int walk_row(__u32 space)
{
	int i;

	for (i = 0; i < WALK_ROW; i++) {
		if (!walk_step(space))
			return false;
	}
	return true;
}

/*
 * Writes the components of what a name starts at behind the name of end bytes,
 * at most PATH_BYTES, in the event of a scratch space. Gives the end of both.
 */
static __always_inline __u64 base_behind(__u32 space, const char *path, __u64 end, int dirfd,
					 bool in_root, __u16 *bytes, __u8 *status)
{
	struct walk *walk = slot_of(&walks, space);
	bool absolute = end && path[0] == '/';
	struct base base;
	int i;

	base_of(&base, dirfd, absolute, in_root);
	*bytes = 0;
	*status = BASE_UNKNOWN;
	if (!walk || !base.dentry || !base.mnt)
		return end;
	walk->dentry = base.dentry;
	walk->mnt = base.mnt;
	walk->ns = BPF_CORE_READ(current_task(), nsproxy, mnt_ns);
	walk->at = PATH_OFFSET + end;
	walk->status = BASE_CUT;
	for (i = 0; i < WALK_DEPTH; i++) {
		if (!walk_row(space))
			break;
	}
	*bytes = walk->at - PATH_OFFSET - end;
	*status = walk->status;
	return at_most(end + *bytes, TAIL_BYTES);
}

#endif
