/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every BPF source includes first. */
#ifndef TRACEWELL_CORE_BPF_H
#define TRACEWELL_CORE_BPF_H

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "shared.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct shared_knobs shared_knobs SEC(".rodata.shared") = {};
struct shared_state shared_state SEC(".bss.shared") = {};

#define AT_FDCWD -100 /* linux/fcntl.h */

/*
 * A function that stands in an object once, not in each program that calls it.
 * The verifier goes through it from each call as if it were inlined, so
 * constants and bounds are known inside. A call takes some 2 ns: what most runs
 * of a program end before. It stands in line in a program that is hot: one of a
 * rung that auto takes on the kernels of today.
 */
#define common_code static __attribute__((noinline, unused))

/*
 * A field of a kernel object: loaded directly by a program that the kernel
 * hands the object to with its type (tp_btf), by a probe read elsewhere. direct
 * is a constant of each program, so one half goes: the compiler drops it, or in
 * common_code, which has it as an argument, the verifier.
 */
#define FIELD(direct, object, field)                                                               \
	({                                                                                         \
		typeof((object)->field) __value;                                                   \
		if (direct)                                                                        \
			__value = (object)->field;                                                 \
		else                                                                               \
			__value = BPF_CORE_READ(object, field);                                    \
		__value;                                                                           \
	})

/*
 * The current task. Where the helper that types it exists (since 5.11,
 * "bpf: Add bpf_get_current_task_btf() helper"), a program that the kernel's
 * own BTF describes may load its fields directly, without a probe read.
 */
static __always_inline bool current_is_typed(void)
{
	return shared_knobs.typed_current;
}

static __always_inline struct task_struct *current_task(void)
{
	if (current_is_typed())
		return bpf_get_current_task_btf();
	return (struct task_struct *)bpf_get_current_task();
}

/*
 * The current task with its numbers. A program asks once: each helper is a call,
 * where a typed task's fields are loads.
 */
struct self {
	struct task_struct *task;
	__u32 pid; /* what users call the process: the kernel's tgid */
	__u32 tid; /* what users call the thread: the kernel's pid */
};

static __always_inline struct self current_self(void)
{
	struct self self = {.task = current_task()};

	if (current_is_typed()) {
		self.pid = self.task->tgid;
		self.tid = self.task->pid;
	} else {
		__u64 ids = bpf_get_current_pid_tgid();

		self.pid = ids >> 32;
		self.tid = ids;
	}
	return self;
}

/*
 * The current task's real user id in the initial user namespace, where the
 * number that the kernel works with is the one that users know: the helper looks
 * both user and group up in the namespace's map, to the same end.
 */
static __always_inline __u32 current_uid(struct task_struct *task)
{
	if (current_is_typed())
		return task->cred->uid.val;
	return bpf_get_current_uid_gid();
}

/* A task's name as it lies there; direct as of FIELD. What is behind its NUL may be anything up to 5.16. */
static __always_inline void read_comm(bool direct, struct task_struct *task, void *comm)
{
	if (direct) {
		const __u64 *from = (const __u64 *)task->comm;
		__u64 *to = comm;

		to[0] = from[0];
		to[1] = from[1];
	} else {
		bpf_core_read(comm, COMM_BYTES, &task->comm);
	}
}

#define EACH_BYTE(byte) (0x0101010101010101ULL * (byte))

/* Not 0 where one of eight bytes is: the lowest bit that is set is then the highest one of the first such byte. */
#define ZERO_BYTES(word) (((word)-EACH_BYTE(1)) & ~(word)&EACH_BYTE(0x80))

/* Of eight bytes of a string, those before the first that is 0, and none behind it. */
static __always_inline __u64 before_nul(__u64 bytes, bool *ends)
{
	__u64 nul = ZERO_BYTES(bytes);

	*ends = nul;
	return nul ? bytes & (((nul & -nul) >> 7) - 1) : bytes;
}

/* The current task's name, padded with NULs, to where words may be written: the helper is a call, and looks at each byte. */
static __always_inline void read_current_comm(struct task_struct *task, void *comm)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (current_is_typed()) {
		const __u64 *from = (const __u64 *)task->comm;
		__u64 *to = comm;
		bool ends;

		to[0] = before_nul(from[0], &ends);
		to[1] = ends ? 0 : before_nul(from[1], &ends);
		return;
	}
#endif
	bpf_get_current_comm(comm, COMM_BYTES);
}

/*
 * Room to read a string of at most most bytes into, its NUL included, so that
 * a longer one can be told from one that just fits. bpf_probe_read_*_str gives
 * the bytes with the NUL; up to 6.1 it gives 0 for an empty string.
 */
#define STRING_ROOM(most) ((most) + 1)

/*
 * value, or most where it is larger. The compiler cannot see through it, and
 * so cannot keep another copy whose bound the verifier does not know. The
 * verifier goes on with what is not larger first, and then finds most among what
 * it has seen: were it to take most first, it would go through all that follows
 * twice.
 */
static __always_inline __u64 at_most(__u64 value, __u64 most)
{
	asm volatile("if %0 > %1 goto +1\n\t"
		     "goto +1\n\t"
		     "%0 = %1"
		     : "+r"(value)
		     : "r"(most));
	return value;
}

#endif
