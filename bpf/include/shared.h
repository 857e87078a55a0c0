/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every tool's object shares with user space: the head of an event, the
 * knobs set before load, and the state both sides write while it runs.
 *
 * Rust's types are made from the BTF of shared.bpf.c, which asserts the sizes.
 */
#ifndef TRACEWELL_SHARED_H
#define TRACEWELL_SHARED_H

#define COMM_BYTES 16

/* The ways into the kernel, as --probe and an event's field have them. */
enum probe_label {
	PROBE_FENTRY = 0,
	PROBE_KPROBE = 1,
	PROBE_TP_BTF = 2,
	PROBE_RAW_TP = 3,
	PROBE_RAW_SYSCALLS = 4,
	PROBE_TRACEPOINT = 5,
};

/* How many tasks on a CPU can put an event together at once, where each claims a space (claim.bpf.h). */
#define CLAIMED_SPACES 8

/* CPUs beyond this many share slots; the counts stay exact, see loss_slot. */
#define LOSS_SLOTS 256

/*
 * Why an event could not be delivered; indexes loss_slot.count. What each is
 * called, and whether it counts events exactly, stands in shared/src/data/loss.rs.
 */
enum loss_cause {
	LOSS_BUFFER_FULL = 0,
	LOSS_INFLIGHT_FULL = 1,
	/*
	 * Counted when an event is begun, taken back when it has been sent: what is left was cut off by the
	 * end. The three that each event touches share a cache line: after an exec, nothing is in the cache.
	 */
	LOSS_UNFINISHED = 2,
	/* These two are counted at an entry, taken back at its exit: of one slot they may be negative. */
	LOSS_KPROBE_MISSED = 3,
	LOSS_FEXIT_MISSED = 4,
	LOSS_INFLIGHT_CLASH = 5,
	LOSS_COMPLETION_MISSED = 6,
	/* An entry that is replaced, or found to be another call's: its own exit did not run. */
	LOSS_EXIT_MISSED = 7,
	/* There was no memory to build the event in. */
	LOSS_NO_ROOM = 8,
	/* The event is larger than the buffer, or than what one of its records carries. */
	LOSS_TOO_LARGE = 9,
	/* A perf buffer for this CPU was not opened: it came online after the start. */
	LOSS_NO_BUFFER = 10,
	LOSS_FOLLOW_FULL = 11,
	/* A call ended by one of the kernel's ERESTART numbers, so that it may have returned EINTR. */
	LOSS_INTERRUPTED = 12,
	/* The end of a call or wait without its beginning: a seccomp filter refused the call, or no program was run. */
	LOSS_ENTRY_MISSED = 13,
	LOSS_COUNTED = 14, /* causes in use */
	LOSS_CAUSES = 16, /* room for causes: two cache lines */
};

/*
 * The head of every event. The two lost_* are the running totals of the
 * event's slot, modulo 2^32, before this event: a step between two events of
 * one slot is a gap in the stream just there.
 */
struct event_head {
	__u64 time_ns; /* boot-time clock */
	__u32 pid; /* what users call the process: the kernel's tgid */
	__u32 tid; /* what users call the thread: the kernel's pid */
	__u32 uid; /* real user id, initial user namespace */
	__u32 lost_slot;
	__u32 lost_buffer_full;
	__u32 lost_inflight_full;
	__u8 comm[COMM_BYTES];
	__u64 cgroup_id; /* of the current task; 0 unless asked for */
	__u32
	    behind_at; /* where in the record its ancestors are, then its cgroup's names, then its exe */
	__u16 ancestors; /* how many, and ANCESTORS_ALL */
	__u16 cgroup; /* the bytes of its cgroup's names, CGROUP_NAMED and EXE_TOLD */
};

/* All were asked for, and not the parent alone. */
#define ANCESTORS_ALL (1U << 15)

/* The names were asked for. */
#define CGROUP_NAMED (1U << 15)

/* The executable was asked for. */
#define EXE_TOLD (1U << 14)

/* How many ancestors of a task are told at most. */
#define ANCESTORS_MOST 32

/* One of them: the parent comes first. */
struct ancestor {
	__u32 pid;
	__u8 comm[COMM_BYTES];
};

/*
 * The names that the path of a cgroup is made of, from its own to the root's,
 * which is empty, each ended by a NUL: so many at most, and as much room. Where
 * that of the root is not there, the outer part is missing.
 */
#define CGROUP_LEVELS 32
#define CGROUP_NAME_BYTES 256 /* NAME_MAX and the NUL */
#define CGROUP_PATH_BYTES 4096 /* a power of two */
#define CGROUP_BYTES (CGROUP_PATH_BYTES + CGROUP_NAME_BYTES)

/*
 * Behind EXE_TOLD: two bytes for how many there are of names and EXE_WHOLE, and
 * the names that the path of an executable is made of, from its own on, each
 * ended by a NUL. There are none where a task has no executable.
 */
#define EXE_WHOLE (1U << 15) /* the last name lies in the root of a mount namespace */
#define EXE_STEPS 128 /* names and mounts together */
#define EXE_NAME_BYTES 256 /* NAME_MAX and the NUL */
#define EXE_PATH_BYTES 4096 /* a power of two */
#define EXE_BYTES (2 + EXE_PATH_BYTES + EXE_NAME_BYTES)

/* What is wrong with a path: bits of the detail of an event that has one. */
enum path_detail {
	PATH_UNREADABLE = 1, /* the name is not in memory: no path follows */
	PATH_CUT = 2, /* the name has PATH_MAX bytes or more */
};

#define PATH_BEGINS 4
#define PATH_BEGIN_WORDS 8

/* How a path has to begin: the bytes, and a mask of those that count. */
struct path_begin {
	__u64 text[PATH_BEGIN_WORDS];
	__u64 mask[PATH_BEGIN_WORDS];
};

struct path_begins {
	__u64 count; /* one of so many; 0: any path will do */
	struct path_begin of[PATH_BEGINS];
};

/* Frames of a user stack that are shown. One more is fetched, to tell that there are more. */
#define CALLER_FRAMES 16

/*
 * Whose memory the addresses of a stack are of. The four are what
 * /proc/PID/stat shows, so that user space can tell whether the process that
 * it finds under the id still is the one that called: another process has
 * another start, and after an exec the memory is laid out anew.
 */
struct caller_space {
	__u64 start_ns; /* of the process; boot-time clock */
	__u64 start_code;
	__u64 end_code;
	__u64 start_stack;
};

/* What decides a filter of numbers or names. */
enum filter_by {
	FILTER_BY_NOTHING = 0,
	FILTER_BY_ONE = 1, /* the value in the knobs is the one wanted */
	FILTER_BY_ALL_BUT_ONE = 2, /* the value in the knobs is the one excluded */
	FILTER_BY_ANY = 3, /* those in filter_ids or filter_comms are wanted */
	FILTER_BY_ALL_BUT = 4, /* those in there are excluded */
};

/* What a number in filter_ids is of. */
enum filter_kind {
	FILTER_PID = 0,
	FILTER_TID = 1,
	FILTER_PPID = 2,
	FILTER_UID = 3,
};

/* A key of filter_ids. */
struct filter_id {
	__u32 kind; /* enum filter_kind */
	__u32 id;
};

/* What --cgroup says of a cgroup in owner_ids, and of all below it. */
enum owner_filter {
	OWNER_WANTED = 1,
	OWNER_EXCLUDED = 2,
};

/* How deep the cgroups of --cgroup may lie, for what the current task's is not asked of. */
#define OWNER_LEVELS 32

/* Most entries of a filter that is an array: cgroups, pinned maps. */
#define FILTER_PLACES 32

/* How many entries of such an array are wanted, and how many behind them excluded. */
struct filter_places {
	__u8 wanted;
	__u8 excluded;
};

/* Where the path of a task's executable is, in bytes from the start of a structure; 0 unless it is asked for. */
struct exe_places {
	__u32 mm; /* in task_struct */
	__u32 exe_file; /* in mm_struct */
	__u32 file_mnt; /* in file: a vfsmount */
	__u32 file_dentry; /* in file */
	__u32 dentry_parent; /* in dentry */
	__u32 dentry_name; /* in dentry */
	__u32 vfsmount; /* in mount */
	__u32 mount_root; /* in mount */
	__u32 mount_parent; /* in mount */
	__u32 mountpoint; /* in mount */
	__u32 mount_ns; /* in mount */
	__u32 ns_inum; /* in mnt_namespace */
	__u32
	    in_a_row; /* 0 or 1: a dentry's two are the first and third of three words, a mount's those three */
};

/*
 * Set by user space before load; constants to the verifier, which drops what is off but for the loads: what each event
 * asks for comes first, in one cache line.
 */
struct shared_knobs {
	__u32 wake_bytes; /* wake the reader when the ring holds this much */
	__u32 event_most_bytes; /* the largest event that the buffer takes */
	__u32 exclude_pid; /* the tool itself; 0: nobody */
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u8 by_pid; /* enum filter_by, as all by_* */
	__u8 by_tid;
	__u8 by_uid;
	__u8 filtered; /* 0 or 1: any of the filters is on, or follow */
	__u8 filtered_otherwise; /* any of them but those by pid, tid and uid */
	__u8 perf_buffer; /* events is a perf event array, not a ring */
	__u8 typed_current; /* bpf_get_current_task_btf() is there, and its type known */
	__u8 spaces; /* of the scratch map, on each CPU: programs that put events together */
	/*
	 * Nothing comes between the two halves of a plain addition to the counts of the current CPU: its slot is its own,
	 * and no task is preempted inside a program that puts events together.
	 */
	__u8 slots_are_own;
	__u8 by_ppid;
	__u8 by_comm;
	__u8 follow;
	__u8 adopt; /* a program of follow.bpf.h may be refused: ask for a process's ancestors */
	__u8 rings; /* how many there are: a power of two */
	__u8 ring_shift; /* CPUs whose numbers differ in these low bits only share one */
	__u8
	    owner_levels; /* the cgroups of --cgroup lie above this level: 1 where only the root can be */
	struct filter_places cgroups;
	struct filter_places cgroup_maps;
	struct filter_places mntns_maps;
	__u8 behind; /* ancestors, cgroup_names or exe: something stands behind each event */
	__u8 cgroup_ids; /* those of tasks are told */
	__u32 ppid;
	__u8 comm[COMM_BYTES]; /* padded with NUL */
	/* Where the number of a task's mount namespace is; 0 unless mntns_maps are asked. */
	__u32 nsproxy_at; /* in task_struct */
	__u32 mnt_ns_at; /* in nsproxy */
	__u32 mntns_inum_at; /* in mnt_namespace */
	__u8 ancestors; /* how many of each task are told, at most ANCESTORS_MOST */
	__u8 cgroup_names; /* those of its cgroup's path are told */
	__u8 exe; /* its executable is told */
	__u8
	    claimed; /* a task may be preempted in a program by one in the same: each claims a space */
	/* Where the name of a task's cgroup is, and what is above it; 0 unless cgroup_names. */
	__u32 cgroups_at; /* in task_struct */
	__u32 default_cgroup_at; /* in css_set */
	__u32 node_at; /* in cgroup */
	__u32 node_name_at; /* in kernfs_node */
	__u32 node_parent_at; /* in kernfs_node */
	struct exe_places exe_places;
	__u32 behind_most; /* where in a record it may stand */
	__u32 behind_room; /* how much of it there may be */
};

/* Counts of one CPU (or of the CPUs that share the slot), on cache lines of its own. */
struct loss_slot {
	__u64 count[LOSS_CAUSES];
};

/* Mapped by user space. */
struct shared_state {
	__u32 wake_forced; /* set here when a wake-up was forced; cleared by the reader */
	__u32 closing; /* set by user space: calls that begin now are not followed to their exit */
	__u32 followed; /* processes that are followed and live; user space counts the first */
	__u32 pad[29]; /* to the end of two cache lines, on the page of the first CPUs' slots */
	struct loss_slot loss[LOSS_SLOTS];
};

#endif
