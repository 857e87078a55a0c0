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
 * of a program end before.
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
 * Room to read a string of at most most bytes into, its NUL included, so that
 * a longer one can be told from one that just fits. bpf_probe_read_*_str gives
 * the bytes with the NUL; up to 6.1 it gives 0 for an empty string.
 */
#define STRING_ROOM(most) ((most) + 1)

/*
 * value, or most where it is larger. The compiler cannot see through it, and
 * so cannot keep another copy whose bound the verifier does not know.
 */
static __always_inline __u64 at_most(__u64 value, __u64 most)
{
	asm volatile("" : "+r"(value));
	if (value > most)
		value = most;
	asm volatile("" : "+r"(value));
	return value;
}

#endif
