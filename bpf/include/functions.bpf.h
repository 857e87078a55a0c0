/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rungs at the kernel's own functions. A tool says for a function what its
 * entry does, ENTER(probe, session), and its exit, LEAVE(ctx, space, ret), and
 * the function's arguments to its end, whose names ENTER may use. ENTER says
 * whether LEAVE is to come.
 *
 *   FUNCTION_PAIR      F_enter_fentry, F_exit_fexit, F_enter_kprobe,
 *                      F_exit_kretprobe: two programs that a map of the tool's
 *                      joins. Either may be refused where the kernel preempts
 *                      tasks inside the other.
 *   FUNCTION_SESSION   F_fsession (7.0), F_ksession (6.10): one for both ends
 *   FUNCTION_INSIDE    NAME_fentry, NAME_kprobe: the entry of a function that
 *                      the others call, BODY(direct)
 *
 * What is at hand before the call is under way is attached first, and exits
 * before entries, so that none is missed: libbpf goes by the order in a file.
 */
#ifndef TRACEWELL_FUNCTIONS_BPF_H
#define TRACEWELL_FUNCTIONS_BPF_H

#include "core.bpf.h"
#include "emit.bpf.h"
#include "session.bpf.h"

/* direct as of FIELD: whether the arguments come with their types. */
#define FUNCTION_INSIDE(name, function, BODY, ...)                                                 \
	SEC("fentry/" #function)                                                                   \
	int BPF_PROG(name##_fentry, __VA_ARGS__)                                                   \
	{                                                                                          \
		return BODY(true);                                                                 \
	}                                                                                          \
	SEC("kprobe/" #function)                                                                   \
	int BPF_KPROBE(name##_kprobe, __VA_ARGS__)                                                 \
	{                                                                                          \
		return BODY(false);                                                                \
	}

#define FUNCTION_PAIR(function, ENTER, LEAVE, ...)                                                 \
	SPACE(function##_exit_fexit);                                                              \
	SPACE(function##_exit_kretprobe);                                                          \
	SEC("fexit/" #function)                                                                    \
	int BPF_PROG(function##_exit_fexit, __VA_ARGS__, int ret)                                  \
	{                                                                                          \
		return LEAVE(ctx, SPACE_OF(function##_exit_fexit), ret);                           \
	}                                                                                          \
	SEC("kretprobe/" #function)                                                                \
	int BPF_KRETPROBE(function##_exit_kretprobe, int ret)                                      \
	{                                                                                          \
		return LEAVE(ctx, SPACE_OF(function##_exit_kretprobe), ret);                       \
	}                                                                                          \
	SEC("fentry/" #function)                                                                   \
	int BPF_PROG(function##_enter_fentry, __VA_ARGS__)                                         \
	{                                                                                          \
		ENTER(PROBE_FENTRY, false);                                                        \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kprobe/" #function)                                                                   \
	int BPF_KPROBE(function##_enter_kprobe, __VA_ARGS__)                                       \
	{                                                                                          \
		ENTER(PROBE_KPROBE, false);                                                        \
		return 0;                                                                          \
	}

/*
 * With kprobes, the exit of a session runs only if the entry said so. With
 * fentry it always does, and the call's cookie says whether the entry ran.
 * Where it was refused, the exit does for both: what ENTER reads must still be
 * there.
 */
enum session_entry {
	ENTRY_REFUSED = 0,
	ENTRY_KEPT = 1,
	ENTRY_PASSED = 2, /* filtered, or counted as lost */
};

#define FUNCTION_SESSION(function, ENTER, LEAVE, ...)                                              \
	SPACE(function##_fsession);                                                                \
	SPACE(function##_ksession);                                                                \
	SEC("fsession/" #function)                                                                 \
	int BPF_PROG(function##_fsession, __VA_ARGS__, int ret)                                    \
	{                                                                                          \
		bool leaves = session_is_return(ctx);                                              \
		__u64 *entry = session_cookie(ctx);                                                \
                                                                                                   \
		if (*entry == ENTRY_REFUSED)                                                       \
			*entry = ENTER(PROBE_FENTRY, true) ? ENTRY_KEPT : ENTRY_PASSED;            \
		if (!leaves || *entry != ENTRY_KEPT)                                               \
			return 0;                                                                  \
		return LEAVE(ctx, SPACE_OF(function##_fsession), ret);                             \
	}                                                                                          \
	SEC("kprobe.session/" #function)                                                           \
	int BPF_KPROBE(function##_ksession, __VA_ARGS__)                                           \
	{                                                                                          \
		if (session_is_return(ctx))                                                        \
			return LEAVE(ctx, SPACE_OF(function##_ksession), PT_REGS_RC(ctx));         \
		return !ENTER(PROBE_KPROBE, true);                                                 \
	}

#endif
