/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a path starts: the directory below which the kernel looked a name up,
 * written as its components from the innermost to the root of the mount
 * namespace, each ended by a NUL. User space turns them round.
 */
#ifndef TRACEWELL_PATH_BPF_H
#define TRACEWELL_PATH_BPF_H

#include "core.bpf.h"

#define PATH_MAX_BYTES 4096 /* PATH_MAX, the NUL included */
#define PATH_BYTES STRING_ROOM(PATH_MAX_BYTES)
#define COMPONENT_BYTES 256 /* NAME_MAX and the NUL */
#define BASE_DEPTH 128 /* components and mount points together */

#define AT_FDCWD -100
#define RESOLVE_IN_ROOT 0x10 /* openat2(2): the directory is the root */

enum base_status {
	BASE_WHOLE = 0, /* the walk reached the root */
	BASE_CUT = 1, /* too deep or too long: the outer part is missing */
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
 * Writes the components of base to out, behind the name of at most PATH_BYTES
 * that ends at start. out has room for 2 * PATH_BYTES + COMPONENT_BYTES. Counts
 * what it writes in *bytes.
 *
 * *bytes is memory of a map, and read anew in each step: so the verifier finds
 * the same state after a step up a mount and after a step up a directory, and
 * the cost of the loop is its length, not a power of two of it.
 */
static __always_inline void base_components(const struct base *base, char *out, __u64 start,
					    volatile __u16 *bytes, __u8 *status)
{
	struct dentry *dentry = base->dentry;
	struct vfsmount *mnt = base->mnt;
	int i;

	*bytes = 0;
	*status = dentry && mnt ? BASE_CUT : BASE_UNKNOWN;
	if (*status == BASE_UNKNOWN)
		return;
	for (i = 0; i < BASE_DEPTH; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
		__u64 end = start + *bytes;
		long more;

		if (dentry == parent || dentry == BPF_CORE_READ(mnt, mnt_root)) {
			/* The top of a mount: go on at the directory it is mounted on. */
			struct mount *mount, *below;

			mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
			below = BPF_CORE_READ(mount, mnt_parent);
			if (mount == below) {
				*status = BASE_WHOLE;
				break;
			}
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mnt = (void *)below + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		if (end > 2 * PATH_BYTES)
			break;
		end = at_most(end, 2 * PATH_BYTES);
		more = bpf_probe_read_kernel_str(out + end, COMPONENT_BYTES,
						 BPF_CORE_READ(dentry, d_name.name));
		if (more <= 0) {
			*status = BASE_UNKNOWN;
			break;
		}
		*bytes += more;
		dentry = parent;
	}
}

#endif
