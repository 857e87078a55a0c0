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

/* User space makes it smaller where no loaded program can put something behind the path. */
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

/* Where the kernel started: the root for an absolute name, else dirfd or the working directory. */
static __always_inline void base_of(struct base *base, int dirfd, bool absolute, bool in_root)
{
	struct task_struct *task = current_task();

	base->dentry = NULL;
	base->mnt = NULL;
	if (absolute && !in_root) {
		base->dentry = BPF_CORE_READ(task, fs, root.dentry);
		base->mnt = BPF_CORE_READ(task, fs, root.mnt);
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

/*
 * Where the fields are that a walk reads. The program that starts it knows,
 * for the functions below must not: libbpf relocates them, and looks for each
 * type that they name through all of the kernel's, whether or not a program
 * that calls them is loaded.
 */
struct walk_fields {
	__u16 dentry_parent, dentry_name;
	__u16 vfsmount_root;
	__u16 mount_vfsmount, mount_parent, mount_point, mount_ns;
};

/* A walk from a base up to the root, between two of its steps. */
struct walk {
	__u64 dentry, mnt;
	__u64 ns; /* the caller's mount namespace */
	__u32 at; /* where in scratch the next component goes */
	__u32 status; /* enum base_status */
	struct walk_fields fields;
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

/* The pointer in the kernel's memory at that address, 0 where there is none. */
static __always_inline __u64 pointer_at(__u64 address)
{
	__u64 pointer = 0;

	bpf_probe_read_kernel(&pointer, sizeof(pointer), (void *)address);
	return pointer;
}

/*
 * One step: to the directory above, with the name of this one, or from the top
 * of a mount to what it is mounted on. Says whether there may be more.
 *
 * The verifier looks at a global function once, at an inline one as often as
 * its loops may go round. All that it may be given on 5.10 are numbers.
 */
__noinline int walk_step(__u32 space)
{
	struct walk *walk = slot_of(&walks, space);
	char *out = scratch_of(space);
	struct walk_fields *fields;
	__u64 dentry, parent;
	long bytes;

	if (!walk || !out)
		return false;
	fields = &walk->fields;
	dentry = walk->dentry;
	parent = pointer_at(dentry + fields->dentry_parent);
	if (dentry == pointer_at(walk->mnt + fields->vfsmount_root)) {
		__u64 mount = walk->mnt - fields->mount_vfsmount;
		__u64 below = pointer_at(mount + fields->mount_parent);

		/*
		 * A mount that nothing is below is the root of its namespace,
		 * which may be another one: that of a tree attached nowhere
		 * (fsmount(2), open_tree(2)), or none after umount2(2) with
		 * MNT_DETACH.
		 */
		if (mount == below) {
			if (walk->ns && pointer_at(mount + fields->mount_ns) == walk->ns)
				walk->status = BASE_WHOLE;
			return false;
		}
		walk->dentry = pointer_at(mount + fields->mount_point);
		walk->mnt = below + fields->mount_vfsmount;
		return true;
	}
	/* The root of the file system, outside of what is mounted: the directory was moved out of there. */
	if (dentry == parent || walk->at > PATH_OFFSET + 2 * PATH_BYTES)
		return false;
	bytes = bpf_probe_read_kernel_str(out + at_most(walk->at, PATH_OFFSET + 2 * PATH_BYTES),
					  COMPONENT_BYTES,
					  (void *)pointer_at(dentry + fields->dentry_name));
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
 * Writes the components of base behind the path of end bytes, at most
 * PATH_BYTES, in the event of a scratch space.
 */
static __always_inline void base_components(__u32 space, const struct base *base, __u64 end,
					    __u16 *bytes, __u8 *status)
{
	struct walk *walk = slot_of(&walks, space);
	int i;

	*bytes = 0;
	*status = BASE_UNKNOWN;
	if (!walk || !base->dentry || !base->mnt)
		return;
	walk->dentry = (__u64)base->dentry;
	walk->mnt = (__u64)base->mnt;
	walk->ns = (__u64)BPF_CORE_READ(current_task(), nsproxy, mnt_ns);
	walk->at = PATH_OFFSET + end;
	walk->status = BASE_CUT;
	walk->fields = (struct walk_fields){
	    .dentry_parent = bpf_core_field_offset(struct dentry, d_parent),
	    .dentry_name = bpf_core_field_offset(struct dentry, d_name.name),
	    .vfsmount_root = bpf_core_field_offset(struct vfsmount, mnt_root),
	    .mount_vfsmount = bpf_core_field_offset(struct mount, mnt),
	    .mount_parent = bpf_core_field_offset(struct mount, mnt_parent),
	    .mount_point = bpf_core_field_offset(struct mount, mnt_mountpoint),
	    .mount_ns = bpf_core_field_offset(struct mount, mnt_ns),
	};
	for (i = 0; i < WALK_DEPTH; i++) {
		if (!walk_row(space))
			break;
	}
	*bytes = walk->at - PATH_OFFSET - end;
	*status = walk->status;
}

#endif
