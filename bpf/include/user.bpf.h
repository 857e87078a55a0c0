/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rung at functions of programs and of their libraries, in user space:
 * uprobes. User space says in which files a function is (shared/src/symbols),
 * and attaches its programs to each of them.
 *
 *   USER_FUNCTION(name, NUMBER, ENTER, LEAVE)   NAME_enter, NAME_leave: the
 *                         function's entry, ENTER(ctx, NUMBER), and its return,
 *                         LEAVE(ctx, NUMBER)
 *   USER_RETURN(name, NUMBER, LEAVE)            the return alone
 *   USER_FUNCTIONS("name,name", ENTER, LEAVE)   each_enter, each_leave: the same
 *                         of all these by one program each, with their numbers in
 *                         this order from 1 on. The kernel sets and takes off all
 *                         that are in a file at once ("bpf: Add multi uprobe link",
 *                         6.6)
 *
 * Those of a function that calls another one come first, and its return before
 * its entry, so that no call is told that begins inside one that is not.
 *
 * The kernel refuses no program here, other than on other rungs (Place of
 * shared/src/kernel.rs), and may take a task off its CPU in each: claim.bpf.h.
 */
#ifndef TRACEWELL_USER_BPF_H
#define TRACEWELL_USER_BPF_H

#include "core.bpf.h"

/*
 * Has the program's variables be on the stack of its task. Since 6.13 a program of
 * this type with more than a few of them has a stack of its own on each CPU
 * instead ("bpf: Find eligible subprogs for private stack support"), as the kernel
 * lets no other task into it meanwhile; here it does. One that may call another
 * program in its place has none (check_max_stack_depth() of
 * kernel/bpf/verifier.c), whether or not it ever comes to that: to the verifier
 * the knob is a constant, and the call dead code.
 */
static __always_inline void user_own_stack(struct pt_regs *ctx)
{
	if (!shared_knobs.spaces)
		bpf_tail_call(ctx, NULL, 0);
}

#define USER_RETURN(name, number, LEAVE)                                                           \
	SEC("uretprobe/" #name)                                                                    \
	int name##_leave(struct pt_regs *ctx)                                                      \
	{                                                                                          \
		user_own_stack(ctx);                                                               \
		return LEAVE(ctx, number);                                                         \
	}

#define USER_FUNCTION(name, number, ENTER, LEAVE)                                                  \
	USER_RETURN(name, number, LEAVE)                                                           \
	SEC("uprobe/" #name)                                                                       \
	int name##_enter(struct pt_regs *ctx)                                                      \
	{                                                                                          \
		user_own_stack(ctx);                                                               \
		return ENTER(ctx, number);                                                         \
	}

#define USER_FUNCTIONS(names, ENTER, LEAVE)                                                        \
	SEC("uretprobe.multi/" names)                                                              \
	int each_leave(struct pt_regs *ctx)                                                        \
	{                                                                                          \
		user_own_stack(ctx);                                                               \
		return LEAVE(ctx, bpf_get_attach_cookie(ctx));                                     \
	}                                                                                          \
	SEC("uprobe.multi/" names)                                                                 \
	int each_enter(struct pt_regs *ctx)                                                        \
	{                                                                                          \
		user_own_stack(ctx);                                                               \
		return ENTER(ctx, bpf_get_attach_cookie(ctx));                                     \
	}

#endif
