/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What stands behind an event on request: the ancestors of its task, and the
 * names that the paths of its cgroup and of its executable are made of.
 */
#ifndef TRACEWELL_BEHIND_BPF_H
#define TRACEWELL_BEHIND_BPF_H

#include "core.bpf.h"

/*
 * Writes the ancestors of the current task behind an event of bytes bytes, from
 * its parent up to init or as many as are asked for. Gives the end. A parent is
 * whoever is it now: of an orphan, the process that took it in.
 */
static __always_inline __u64 ancestors_behind(struct event_head *head, __u64 bytes)
{
	struct task_struct *task = current_task();
	char *out = (char *)head + bytes;
	__u64 count;
	__u32 i;

	for (i = 0; i < ANCESTORS_MOST; i++) {
		__u32 pid;

		if (i >= shared_knobs.ancestors)
			break;
		task = BPF_CORE_READ(task, real_parent);
		pid = BPF_CORE_READ(task, tgid);
		/* The idle task is the parent of init, and its own. */
		if (!pid)
			break;
		__builtin_memcpy(out, &pid, sizeof(pid));
		task = BPF_CORE_READ(task, group_leader);
		bpf_core_read(out + sizeof(pid), COMM_BYTES, &task->comm);
		out += sizeof(struct ancestor);
	}
	head->ancestors = i | (shared_knobs.ancestors > 1 ? ANCESTORS_ALL : 0);
	/* What comes from memory the verifier does not know, and goes once through what follows, not for each number. */
	count = *(volatile __u16 *)&head->ancestors & (2 * ANCESTORS_MOST - 1);
	return bytes + at_most(count, shared_knobs.ancestors) * sizeof(struct ancestor);
}

static __always_inline void *pointer_at(const void *object, __u32 at)
{
	void *pointer = NULL;

	bpf_probe_read_kernel(&pointer, sizeof(pointer), object + at);
	return pointer;
}

/*
 * Writes the names of the current task's cgroup and of those above it behind an
 * event of bytes bytes. Gives the end. So a cgroup has its path whether or not
 * it is there when the event is read, and whoever has its place by then.
 *
 * The nodes of cgroups, and so their names, are there for as long as the cgroups
 * are (cgroup_mkdir() of kernel/cgroup/cgroup.c), and a removed one until nobody
 * reads it by RCU. User space looks up where they are, and only for a run that
 * asks, as for --mntnsmap; a node's parent is called otherwise since 6.15
 * ("kernfs: Use RCU to access kernfs_node::parent.").
 */
static __always_inline __u64 cgroup_behind(struct event_head *head, __u64 bytes)
{
	void *css_set = pointer_at(current_task(), shared_knobs.cgroups_at);
	void *cgroup = pointer_at(css_set, shared_knobs.default_cgroup_at);
	void *node = pointer_at(cgroup, shared_knobs.node_at);
	char *out = (char *)head + bytes;
	void *above = NULL;
	__u64 end = 0;
	int i;

	for (i = 0; i < CGROUP_LEVELS; i++) {
		long length;

		above = pointer_at(node, shared_knobs.node_parent_at);
		if (!above)
			break;
		/* A mask has no branch, as at_most() has: of these each round would take all that come behind it twice. */
		length = bpf_probe_read_kernel_str(out + (end & (CGROUP_PATH_BYTES - 1)),
						   CGROUP_NAME_BYTES,
						   pointer_at(node, shared_knobs.node_name_at));
		if (length <= 0)
			break;
		end += length;
		if (end >= CGROUP_PATH_BYTES)
			break;
		node = above;
	}
	/* The root's name, of which the helper would give 0 bytes up to 6.1. */
	if (node && !above) {
		out[end & (CGROUP_PATH_BYTES - 1)] = 0;
		end++;
	}
	head->cgroup = end | CGROUP_NAMED;
	/* As with the ancestors. */
	end = *(volatile __u16 *)&head->cgroup & (EXE_TOLD - 1);
	return bytes + at_most(end, CGROUP_BYTES);
}

/* Three words in a row: of a dentry and of a mount, those that a walk up needs. */
struct exe_words {
	__u64 first; /* d_parent, mnt_parent */
	__u64 second; /* the hash of a name; mnt_mountpoint */
	__u64 third; /* d_name.name, mnt_root */
};

/* Between two steps of the walk from an executable to the root. */
struct exe_walk {
	__u64 dentry;
	__u64 mount;
	struct exe_words place; /* where the mount is, and the root of what it shows */
};

/* A value of which the compiler knows nothing: else it makes branches of what it is made of. */
static __always_inline __u64 opaque(__u64 value)
{
	asm volatile("" : "+r"(value));
	return value;
}

/* All bits where the two differ, else none. */
static __always_inline __u64 ones_unless_equal(__u64 one, __u64 other)
{
	__u64 differ = one ^ other;

	return opaque((__s64)(differ | opaque(-differ)) >> 63);
}

/* Where mask has bits, one; else the other. */
static __always_inline __u64 one_where(__u64 mask, __u64 one, __u64 other)
{
	return other ^ ((one ^ other) & mask);
}

/*
 * The words of a dentry, where is_dentry has all bits, or else of a mount. They
 * lie side by side, but where the kernel's build has shuffled them (RANDSTRUCT).
 */
static __always_inline long exe_words_at(struct exe_words *words, __u64 is_dentry, __u64 dentry,
					 __u64 mount)
{
	const volatile struct exe_places *at = &shared_knobs.exe_places;
	__u64 first = one_where(is_dentry, dentry + at->dentry_parent, mount + at->mount_parent);

	if (at->in_a_row)
		return bpf_probe_read_kernel(words, sizeof(*words), (void *)first);
	words->first = (__u64)pointer_at((void *)first, 0);
	words->second = (__u64)pointer_at((void *)mount, at->mountpoint);
	first = one_where(is_dentry, dentry + at->dentry_name, mount + at->mount_root);
	return bpf_probe_read_kernel(&words->third, sizeof(words->third), (void *)first);
}

/*
 * Whether a mount that lies on no other is the root of a mount namespace. It may
 * be the kernel's own instead (a number that no memory is at), of a tree that is
 * attached nowhere, or have been (umount2(2) with MNT_DETACH: none). The
 * namespace of such a tree has no number, and since 6.18 this one (enum
 * init_ns_ino of linux/nsfs.h); those of others are larger (PROC_DYNAMIC_FIRST
 * of linux/proc_ns.h, and the first one's of init_ns_ino).
 */
#define MNT_NS_ANON_INO 0xEFFFFFF7U

static __always_inline bool is_namespace_root(__u64 mount)
{
	void *ns = pointer_at((void *)mount, shared_knobs.exe_places.mount_ns);
	__u32 inum = 0;

	bpf_probe_read_kernel(&inum, sizeof(inum), ns + shared_knobs.exe_places.ns_inum);
	return inum && inum != MNT_NS_ANON_INO;
}

/* Two bytes wherever they lie: what is there, and not what the compiler and the verifier saw being put there. */
static __always_inline __u64 bytes_of_two(const char *two)
{
	__u16 value;

	asm volatile("" ::: "memory");
	__builtin_memcpy(&value, two, sizeof(value));
	return value;
}

/*
 * Writes the names of the file that the current process runs, and of the
 * directories above it, behind an event of bytes bytes. Gives the end. A thread
 * of the kernel runs none, and nor does a process that has given up its memory.
 *
 * The walk is that of path.bpf.h, in line. So that the verifier goes once
 * through each step, a step has no branch but those that end the walk, whether
 * it is from a name to the directory or from a mount to the one below; and how
 * long the names are lies in the event from one step to the next, where the
 * verifier does not know it.
 */
static __always_inline __u64 exe_behind(struct event_head *head, __u64 bytes)
{
	const volatile struct exe_places *at = &shared_knobs.exe_places;
	void *mm = pointer_at(current_task(), at->mm);
	void *file = mm ? pointer_at(mm, at->exe_file) : NULL;
	char *told = (char *)head + bytes, *names = told + sizeof(__u16);
	struct exe_walk walk;
	__u64 is_below = 1;
	__u16 end = 0;
	int i;

	head->cgroup |= EXE_TOLD;
	__builtin_memcpy(told, &end, sizeof(end));
	if (!file)
		return bytes + sizeof(end);
	walk.dentry = (__u64)pointer_at(file, at->file_dentry);
	walk.mount = (__u64)pointer_at(file, at->file_mnt) - at->vfsmount;
	exe_words_at(&walk.place, 0, 0, walk.mount);
	for (i = 0; i < EXE_STEPS; i++) {
		__u64 named = ones_unless_equal(walk.dentry, walk.place.third);
		struct exe_words next;
		long length;

		/* The root of a mount that lies on no other. */
		is_below = opaque(named | (walk.place.first ^ walk.mount));
		if (!is_below)
			break;
		if (exe_words_at(&next, named, walk.dentry, walk.place.first))
			break;
		/* The root of a file system, outside of what is mounted. A file in no directory is its own, too, and has a name. */
		if (!opaque(~named | (next.first ^ walk.dentry)) && i)
			break;
		end = bytes_of_two(told);
		/* All of these bytes or none; shifted first, since of a value that is -1 or 0 newer verifiers try both. */
		length =
		    bpf_probe_read_kernel_str(names + (end & (EXE_PATH_BYTES - 1)),
					      named >> 32 & EXE_NAME_BYTES, (void *)next.third);
		if (length < 0)
			break;
		end += length;
		__builtin_memcpy(told, &end, sizeof(end));
		if (end >= EXE_PATH_BYTES)
			break;
		walk.mount = one_where(named, walk.mount, walk.place.first);
		walk.dentry = one_where(named, next.first, walk.place.second);
		walk.place.first = one_where(named, walk.place.first, next.first);
		walk.place.second = one_where(named, walk.place.second, next.second);
		walk.place.third = one_where(named, walk.place.third, next.third);
	}
	end = at_most(bytes_of_two(told), EXE_BYTES - sizeof(end));
	if (!is_below && is_namespace_root(walk.mount)) {
		__u16 whole = end | EXE_WHOLE;

		__builtin_memcpy(told, &whole, sizeof(whole));
	}
	return bytes + sizeof(end) + end;
}

/*
 * Writes what is asked for of the current task behind an event of bytes bytes;
 * user space makes scratch larger for it. Gives the end.
 */
common_code __u64 asked_behind(struct event_head *head, __u64 bytes)
{
	head->behind_at = bytes;
	/* What comes from memory the verifier does not know, and goes once through what follows, not for each way here. */
	bytes = at_most(*(volatile __u32 *)&head->behind_at, shared_knobs.behind_most);
	if (shared_knobs.ancestors)
		bytes = ancestors_behind(head, bytes);
	if (shared_knobs.cgroup_names)
		bytes = cgroup_behind(head, bytes);
	if (shared_knobs.exe)
		bytes = exe_behind(head, bytes);
	return bytes;
}

#endif
