/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rungs at system calls, for a tool that tells of a few calls, each once,
 * at its exit. The source that includes this has said before what differs:
 *
 *   CALLS(X)                    X(name, value) for each call: what its tracepoints
 *                               and numbers (NR_name, NR32_name of syscall.bpf.h)
 *                               are called, and a number of the tool's own from 1
 *                               to 255
 *   struct call_request         what one call asked for, as its arguments say it
 *   call_request_of(&request, call, compat, &args)
 *
 * and defines after it, in call_exit(), what becomes of a request. The programs:
 *
 *   call_exit_btf, _raw         at the exit of any call, as typed and raw tracepoint
 *   call_exit_rawsys            the same through tracefs (raw_syscalls)
 *   NAME_exit_tp                at the exit of one call, through tracefs
 *
 * The arguments are still in the caller's registers then, so nothing is kept
 * from the entry, unless the tool has a time: where it defines CALL_TIMES, its
 * struct call_request has a took_ns, and its request is one that took as long as
 * min_took_ns, if it is timed; or of which that is not known, as it began before
 * the trace or its entry was refused: then took_ns is negative.
 *
 *   call_enter_btf, ...         call_times.bpf.h
 *   NAME_enter_tp               at the entry of one call, through tracefs
 *
 * 5.10 hands a program the registers on the first two only; what
 * it has instead of the others is in pairs.bpf.h.
 */
#ifndef TRACEWELL_CALLS_BPF_H
#define TRACEWELL_CALLS_BPF_H

#include "core.bpf.h"
#include "filter.bpf.h"
#include "loss.bpf.h"
#include "result.bpf.h"
#include "syscall.bpf.h"

const volatile bool failed_only = false;
const volatile bool succeeded_only = false;

/* Whether a call's result is of those that are asked for. */
static __always_inline bool result_passes(int ret)
{
	return !(failed_only && ret >= 0) && !(succeeded_only && ret < 0);
}

#define CALL_NUMBERS 512 /* a power of two above all of them */

#ifdef CALL_TIMES
#define SINCE_UNKNOWN_IS_TOLD
#include "call_times.bpf.h"

const volatile __s64 min_took_ns = 0;

/* Whether a call took long enough. That comes first: however a call ends, what is kept of it goes. */
static __always_inline bool call_takes(struct call_request *request, __s64 took_ns)
{
	request->took_ns = took_ns;
	return took_ns < 0 || took_ns >= min_took_ns;
}

#define CALL_TAKES(request, took_ns) call_takes(request, timed ? (took_ns) : SINCE_UNKNOWN)
#else
#define CALL_TAKES(request, took_ns) true
#endif

/* What a number means to 64-bit callers, and to 32-bit ones with a table of their own; 0: no call of the tool's. */
struct call_meaning {
	__u8 native;
	__u8 other;
} __attribute__((aligned(2)));

/* A number that no call has stands behind them all, where nobody looks. */
#define CALL_PLACE(number, call) ((number) < 0 ? CALL_NUMBERS + (call) : (number))
#define CALL_MEANING(name, call)                                                                   \
	[CALL_PLACE(NR_##name, call)].native = (call),                                             \
			       [CALL_PLACE(NR32_##name, call)].other = (call),

const volatile struct call_meaning call_meanings[CALL_NUMBERS + 256] = {CALLS(CALL_MEANING)};

/*
 * Tells of a request whose call had this result. A tool whose calls are many
 * names a function of its own before, CALL_EXIT_IN_LINE, which then stands in the
 * programs that are hot.
 */
static int call_exit(void *ctx, __u32 space, enum probe_label probe,
		     const struct call_request *request, int ret);

#ifndef CALL_EXIT_IN_LINE
#define CALL_EXIT_IN_LINE call_exit
#else
static int CALL_EXIT_IN_LINE(void *ctx, __u32 space, enum probe_label probe,
			     const struct call_request *request, int ret);

common_code int call_exit(void *ctx, __u32 space, enum probe_label probe,
			  const struct call_request *request, int ret)
{
	return CALL_EXIT_IN_LINE(ctx, space, probe, request, ret);
}
#endif

/*
 * Which of the tool's calls the current one is, 0 for none, whose it is, and in whose
 * numbering: a 32-bit caller's numbers mean other calls to a 64-bit one. Most are none;
 * that answer is the cheap one.
 */
static __always_inline __u32 call_of(bool direct, struct pt_regs *regs, struct self *self,
				     bool *compat)
{
	__u64 number = at_most(syscall_nr(direct, regs), CALL_NUMBERS - 1);
	const volatile struct call_meaning *meaning = &call_meanings[number];

	/* Both at once. */
	if (!*(const volatile __u16 *)meaning)
		return 0;
	*self = current_self();
	*compat = syscall_is_compat(direct, regs, self->task);
	return BY_CALLER(*compat, meaning->native, meaning->other);
}

/* Whether a call that is one of the tool's, with this result, is one to tell of. */
static __always_inline bool call_passes(int ret)
{
	return result_passes(ret) && filter_passes() && !is_unseen(ret);
}

/*
 * At the exit of any system call: whether it is one to tell of, and its request.
 *
 * The result of these calls is an int. Up to 5.13, arm64 left the upper half of
 * a 32-bit caller's as it was ("arm64: fix compat syscall return truncation").
 */
static __always_inline bool any_call_passes(struct call_request *request, enum probe_label probe,
					    struct pt_regs *regs, int ret)
{
	bool direct = probe != PROBE_RAW_TP;
	struct syscall_args args;
	struct self self;
	bool compat;
	__u32 call = call_of(direct, regs, &self, &compat);

	if (!call || !CALL_TAKES(request, call_took()))
		return false;
	if (!result_passes(ret) || !self_passes(&self, self.tid) || is_unseen(ret))
		return false;
	syscall_args(direct, regs, compat, &args);
	call_request_of(request, call, compat, &args);
	return true;
}

/* EXIT is call_exit, or what stands in line. The space is asked for when it is needed: most calls are others. */
#define ANY_CALL_EXIT(program, EXIT, probe, regs, ret)                                             \
	({                                                                                         \
		struct call_request __request;                                                     \
		if (any_call_passes(&__request, probe, regs, ret))                                 \
			EXIT(ctx, SPACE_OF(program), probe, &__request, ret);                      \
		0;                                                                                 \
	})

SPACE(call_exit_btf);
SPACE(call_exit_raw);
SPACE(call_exit_rawsys);

SEC("tp_btf/sys_exit")
int BPF_PROG(call_exit_btf, struct pt_regs *regs, long ret)
{
	return ANY_CALL_EXIT(call_exit_btf, CALL_EXIT_IN_LINE, PROBE_TP_BTF, regs, ret);
}

SEC("raw_tp/sys_exit")
int BPF_PROG(call_exit_raw, struct pt_regs *regs, long ret)
{
	return ANY_CALL_EXIT(call_exit_raw, call_exit, PROBE_RAW_TP, regs, ret);
}

/*
 * Dearer than the others for every other system call, but never preempted, not
 * even on kernels that preempt tasks inside those. (The kernel turns preemption
 * off around all programs on tracepoints through tracefs, except those on one
 * system call, from 7.2 on.)
 */
SEC("tp/raw_syscalls/sys_exit")
int call_exit_rawsys(struct trace_event_raw_sys_exit *ctx)
{
	return ANY_CALL_EXIT(call_exit_rawsys, CALL_EXIT_IN_LINE, PROBE_RAW_SYSCALLS,
			     current_regs(), ctx->ret);
}

/* At the exit of one call. Its tracepoint does not fire for 32-bit callers. */
static __always_inline int one_call_exit(struct trace_event_raw_sys_exit *ctx, __u32 space,
					 __u32 call)
{
	struct call_request request;
	struct syscall_args args;

	if (!CALL_TAKES(&request, call_took()) || !call_passes(ctx->ret))
		return 0;
	syscall_args(true, current_regs(), false, &args);
	call_request_of(&request, call, false, &args);
	return call_exit(ctx, space, PROBE_TRACEPOINT, &request, ctx->ret);
}

#define EXIT_OF_CALL(name, call)                                                                   \
	SPACE(name##_exit_tp);                                                                     \
	SEC("tp/syscalls/sys_exit_" #name)                                                         \
	int name##_exit_tp(struct trace_event_raw_sys_exit *ctx)                                   \
	{                                                                                          \
		return one_call_exit(ctx, SPACE_OF(name##_exit_tp), call);                         \
	}

CALLS(EXIT_OF_CALL)

#ifdef CALL_TIMES
static __always_inline int call_enter(bool direct, struct pt_regs *regs)
{
	struct self self;
	bool compat;

	if (call_of(direct, regs, &self, &compat) && self_passes(&self, self.tid))
		call_begins();
	return 0;
}

CALL_ENTERS(call_enter)

#define ENTER_OF_CALL(name, call)                                                                  \
	SEC("tp/syscalls/sys_enter_" #name)                                                        \
	int name##_enter_tp(void *ctx)                                                             \
	{                                                                                          \
		if (filter_passes())                                                               \
			call_begins();                                                             \
		return 0;                                                                          \
	}

CALLS(ENTER_OF_CALL)
#endif

#endif
