/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The function rungs of unlinksnoop: entry and exit of the kernel's own
 * functions, joined by a map, for system calls and io_uring alike.
 *
 * The name is the kernel's copy, taken at the entry: up to 6.18 the functions
 * free it before they return. What is known of the removed file comes from the
 * security hook in between (security/security.c, the same arguments since
 * before 5.10), where the file is locked and still has its name.
 *
 * An exit must never find what another call of its thread left in the map. An
 * entry first takes away what is there, and:
 *
 * - From 7.0 on, both are one session: the exit knows whether its entry ran.
 * - Before, a sweep at the end of each system call takes what the exit did not,
 *   and tells of it: it is never refused up to 6.19, where tracepoints are not
 *   preempted. It is there where an exit can be missed: with kprobes always,
 *   with fentry where the kernel preempts tasks inside such programs.
 *   io_uring's workers make no system calls, see removal_enter().
 */

#include "functions.bpf.h"

#define LAST_ERRNO 4095
#define ENAMETOOLONG 36
#define S_IFMT 00170000
#define S_IFDIR 0040000
#define RENAME_EXCHANGE 2 /* renameat2(2): both names stay */

#define SHORT_PATH_BYTES 256

/* What is known of a call under way. A path lies behind it in the map. */
struct removal {
	__u64 inode;
	__u64 size_bytes;
	__s32 dirfd;
	__u32 links;
	__u16 path_bytes;
	__u16 type; /* that of the file: what S_IFMT leaves of its mode */
	__u8 op; /* enum unlink_op */
	__u8 detail; /* enum unlink_detail */
	__u8 probe; /* enum probe_label */
	__u8 pad[1];
};

struct short_removal {
	struct removal removal;
	char path[SHORT_PATH_BYTES];
};

struct long_removal {
	struct removal removal;
	char path[STRING_ROOM(PATH_MAX_BYTES) + 7]; /* to a multiple of 8 */
};

/*
 * The removal that a thread is in, by the length of its path: nearly all are
 * short, and memory for as many long ones would be many megabytes. User space
 * makes both one entry small on the other rungs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct short_removal);
} removals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct long_removal);
} long_removals SEC(".maps");

/* Set where the kernel preempts tasks inside the programs of rung fentry, and refuses these to others meanwhile. */
const volatile bool preempted = false;

#define PF_IO_WORKER                                                                               \
	0x00000010 /* linux/sched.h, since 5.12; before, workers are the kernel's own threads */

/* What an entry of either map is made of, before it is filled in where it lies. */
const volatile struct long_removal no_removal = {};

static __always_inline struct removal *removal_of(__u32 tid)
{
	struct removal *removal = bpf_map_lookup_elem(&removals, &tid);

	return removal ?: bpf_map_lookup_elem(&long_removals, &tid);
}

static __always_inline enum loss_cause exit_missed(enum probe_label probe)
{
	return probe == PROBE_KPROBE ? LOSS_KPROBE_MISSED : LOSS_FEXIT_MISSED;
}

/* The bytes of the name with its NUL, more than room - 1 where it is longer; negative where there is no entry for it. */
common_code long removal_add(void *map, __u32 tid, const struct removal *removal, const char *name,
			     __u64 room)
{
	struct removal *added;
	long bytes = 0;

	if (bpf_map_update_elem(map, &tid, (const void *)&no_removal, BPF_ANY)) {
		lose(LOSS_INFLIGHT_FULL);
		return -1;
	}
	added = bpf_map_lookup_elem(map, &tid);
	if (!added) {
		lose(LOSS_INFLIGHT_FULL);
		return -1;
	}
	*added = *removal;
	if (!(removal->detail & UNLINK_PATH_UNREADABLE))
		bytes = bpf_probe_read_kernel_str(added + 1, room, name);
	if (bytes < 0)
		added->detail |= UNLINK_PATH_UNREADABLE;
	if (bytes > 0)
		added->path_bytes = at_most(bytes - 1, room - 1);
	return bytes < 0 ? 0 : bytes;
}

/* Takes away what an exit that was not seen has left; it has been counted since its entry. */
common_code void removal_forget(__u32 tid)
{
	if (bpf_map_lookup_elem(&removals, &tid))
		bpf_map_delete_elem(&removals, &tid);
	if (bpf_map_lookup_elem(&long_removals, &tid))
		bpf_map_delete_elem(&long_removals, &tid);
}

/*
 * Whether nothing would take away what this task leaves if its exit is refused,
 * and an exit could find it if the next entry is refused as well: a worker of
 * io_uring comes to no end of a system call.
 */
static __always_inline bool cannot_be_joined(enum probe_label probe)
{
	return preempted && probe == PROBE_FENTRY &&
	       BPF_CORE_READ(current_task(), flags) & PF_IO_WORKER;
}

/*
 * The entry of one of the functions: whether its exit will find the removal.
 * The caller's getname() may have failed: name is then the error.
 */
common_code bool removal_enter(enum probe_label probe, bool session, enum unlink_op op, int dirfd,
			       struct filename *filename)
{
	struct removal removal = {.op = op, .dirfd = dirfd, .probe = probe};
	__u32 tid = bpf_get_current_pid_tgid();
	const char *name = NULL;
	__s64 error = (__s64)filename;
	long bytes;

	removal_forget(tid);
	if (shared_state.closing || !filter_passes())
		return false;
	if (!session && cannot_be_joined(probe)) {
		lose(LOSS_FEXIT_MISSED);
		return false;
	}
	if (error < 0 && error >= -LAST_ERRNO) {
		/* The only name that does not exist by itself is the empty one. */
		if (error != -ENOENT)
			removal.detail = UNLINK_PATH_UNREADABLE;
		if (error == -ENAMETOOLONG)
			removal.detail |= UNLINK_PATH_CUT;
	} else {
		name = BPF_CORE_READ(filename, name);
	}
	if (error == -ENOENT)
		name = (const char *)no_removal.path;
	bytes = removal_add(&removals, tid, &removal, name, SHORT_PATH_BYTES);
	if (bytes > SHORT_PATH_BYTES - 1) {
		bpf_map_delete_elem(&removals, &tid);
		bytes = removal_add(&long_removals, tid, &removal, name, PATH_BYTES);
	}
	/*
	 * Taken back at the exit. What is left are exits that were not seen: of
	 * io_uring's workers where a kretprobe had no place, and of calls that
	 * were under way while someone attached a program to the function or
	 * detached one: the kernel then leaves their fexit out
	 * (bpf_tramp_image_put() of kernel/bpf/trampoline.c).
	 */
	if (bytes < 0)
		return false;
	count_loss(exit_missed(probe), 1);
	return true;
}

/* Takes a removal out of its map and into the event. */
static __always_inline bool removal_take(void *map, __u32 tid, struct unlink_event *event,
					 __u64 most)
{
	struct removal *removal = bpf_map_lookup_elem(map, &tid);
	__u64 bytes;

	if (!removal)
		return false;
	event->inode = removal->inode;
	event->size_bytes = removal->size_bytes;
	event->dirfd = removal->dirfd;
	event->links = removal->links;
	event->op = removal->op;
	event->detail = removal->detail;
	event->probe = removal->probe;
	bytes = at_most(removal->path_bytes, most);
	event->path_bytes = bytes;
	bpf_probe_read_kernel(event + 1, bytes, removal + 1);
	bpf_map_delete_elem(map, &tid);
	return true;
}

/* Tells of a removal that has been taken, if it is one to tell of. */
static __always_inline void removal_tell(void *ctx, __u32 space, struct unlink_event *event,
					 int ret)
{
	if (ret)
		event->detail &= UNLINK_PATH_UNREADABLE | UNLINK_PATH_CUT;
	if (event->op == REMOVED_BY_RENAME && !(event->detail & UNLINK_OBJECT))
		return;
	if (!result_passes(ret) || is_unseen(ret))
		return;
	event->ret = ret;
	unlink_emit(ctx, space, event);
}

/* The exit of one of the functions. */
common_code int removal_exit(void *ctx, __u32 space, int ret)
{
	struct unlink_event *event = scratch_of(space);
	__u32 tid = bpf_get_current_pid_tgid();
	enum probe_label probe;

	/* What is in the map stays counted as missed. */
	if (!event)
		return 0;
	if (!removal_take(&removals, tid, event, SHORT_PATH_BYTES - 1) &&
	    !removal_take(&long_removals, tid, event, PATH_MAX_BYTES - 1))
		return 0;
	probe = event->probe;
	removal_tell(ctx, space, event, ret);
	/* Last, since the end of a trace waits for it. */
	count_loss(exit_missed(probe), -1);
	return 0;
}

/*
 * Whether someone has the file open. That someone has is said by any of the
 * inodes that stand for it, that no one has by the lowest of them alone: a
 * mapping of a file of overlayfs holds the file below, and no longer the one
 * that was opened (ovl_mmap() of fs/overlayfs/file.c).
 */
static __always_inline void removal_opens(bool direct, struct removal *removal, struct inode *inode)
{
	struct super_block *sb;
	int readers, writers;

	/* Where files can be locked, that is everywhere, the kernel counts who has them open for reading only. */
	if (!bpf_core_field_exists(inode->i_readcount))
		return;
	readers = FIELD(direct, inode, i_readcount.counter);
	writers = FIELD(direct, inode, i_writecount.counter);
	/* Writers are negative where a program that runs keeps them out. */
	if (readers > 0 || writers > 0) {
		removal->detail |= UNLINK_OPENS_KNOWN | UNLINK_STILL_OPEN;
		return;
	}
	sb = FIELD(direct, inode, i_sb);
	if (!FIELD(direct, sb, s_stack_depth))
		removal->detail |= UNLINK_OPENS_KNOWN;
}

/*
 * The security hook before the removal. What the caller named comes first.
 * Stacked file systems then ask for the file below, if that goes as well: it
 * does not where overlayfs hides a file of a lower layer. They remove other
 * names meanwhile, those of their own whiteouts and copies under way.
 */
common_code int removal_object(bool direct, enum unlink_op op, struct dentry *dentry)
{
	struct removal *removal = removal_of(bpf_get_current_pid_tgid());
	struct inode *inode;
	__u64 size_bytes;
	__u32 links;
	__u16 type;

	if (!removal || removal->op != op || removal->detail & UNLINK_OPENS_KNOWN)
		return 0;
	inode = FIELD(direct, dentry, d_inode);
	if (!inode) /* a rename to a name that is free */
		return 0;
	size_bytes = FIELD(direct, inode, i_size);
	type = FIELD(direct, inode, i_mode) & S_IFMT;
	if (removal->detail & UNLINK_OBJECT) {
		if (size_bytes == removal->size_bytes && type == removal->type)
			removal_opens(direct, removal, inode);
		return 0;
	}
	removal->inode = FIELD(direct, inode, i_ino);
	removal->size_bytes = size_bytes;
	removal->type = type;
	links = FIELD(direct, inode, __i_nlink);
	/* A directory loses "." and ".." with its name. */
	if (type == S_IFDIR || !links)
		links = 1;
	removal->links = links - 1;
	removal->detail |= UNLINK_OBJECT;
	removal_opens(direct, removal, inode);
	return 0;
}

#define UNLINK_OBJECT_OF(direct) removal_object(direct, REMOVED_BY_UNLINK, dentry)
#define RMDIR_OBJECT_OF(direct) removal_object(direct, REMOVED_BY_RMDIR, dentry)
#define RENAME_OBJECT_OF(direct)                                                                   \
	(flags & RENAME_EXCHANGE ? 0 : removal_object(direct, REMOVED_BY_RENAME, new_dentry))

#define OBJECT_ARGS struct inode *dir, struct dentry *dentry
#define RENAME_OBJECT_ARGS                                                                         \
	struct inode *old_dir, struct dentry *old_dentry, struct inode *new_dir,                   \
	    struct dentry *new_dentry, unsigned int flags

FUNCTION_INSIDE(unlink_object, security_inode_unlink, UNLINK_OBJECT_OF, OBJECT_ARGS)
FUNCTION_INSIDE(rmdir_object, security_inode_rmdir, RMDIR_OBJECT_OF, OBJECT_ARGS)
FUNCTION_INSIDE(rename_object, security_inode_rename, RENAME_OBJECT_OF, RENAME_OBJECT_ARGS)

/*
 * A kretprobe has places for so many calls under way, on 5.10 as many as there
 * are CPUs, and misses the return of every other. Whoever is still in the map
 * when a system call is left was missed; io_uring's workers leave none.
 */
SPACE(left_behind_exit_raw);

SEC("raw_tp/sys_exit")
int BPF_PROG(left_behind_exit_raw, struct pt_regs *regs, long ret)
{
	return removal_exit(ctx, SPACE_OF(left_behind_exit_raw), ret);
}

/* From 7.0 on, the functions leave the name to their caller: it is still there where a session's entry was refused. */
#define UNLINK_ENTER(probe, session) removal_enter(probe, session, REMOVED_BY_UNLINK, dirfd, name)
#define RMDIR_ENTER(probe, session) removal_enter(probe, session, REMOVED_BY_RMDIR, dirfd, name)
#define RENAME_ENTER(probe, session) removal_enter(probe, session, REMOVED_BY_RENAME, new_dirfd, to)

#define REMOVAL_ARGS int dirfd, struct filename *name
#define RENAME_ARGS                                                                                \
	int old_dirfd, struct filename *from, int new_dirfd, struct filename *to, unsigned int flags

/* Up to 6.19, then by the names that came with 7.0 ("do_unlinkat(): ... filename_unlinkat()" and its kin). */
FUNCTION_PAIR(do_unlinkat, UNLINK_ENTER, removal_exit, REMOVAL_ARGS)
FUNCTION_PAIR(do_rmdir, RMDIR_ENTER, removal_exit, REMOVAL_ARGS)
FUNCTION_PAIR(do_renameat2, RENAME_ENTER, removal_exit, RENAME_ARGS)
FUNCTION_SESSION(filename_unlinkat, UNLINK_ENTER, removal_exit, REMOVAL_ARGS)
FUNCTION_SESSION(filename_rmdir, RMDIR_ENTER, removal_exit, REMOVAL_ARGS)
FUNCTION_SESSION(filename_renameat2, RENAME_ENTER, removal_exit, RENAME_ARGS)
