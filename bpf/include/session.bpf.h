/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sessions: one program at the entry and the exit of a function, of which the
 * kernel itself knows that they are of one call. Programs at kprobes have them
 * since 6.10 (kprobe.session), those at functions since 7.0 (fsession).
 *
 * What they call is no helper, but functions of the kernel by the number that
 * they have in its BTF. User space puts the numbers in (shared/src/kernel/kfunc.rs),
 * for the programs that are loaded: libbpf would look for them at each start,
 * in each module's BTF where the kernel has none of that name.
 */
#ifndef TRACEWELL_SESSION_BPF_H
#define TRACEWELL_SESSION_BPF_H

#include "core.bpf.h"

/* What stands in a call for the number of bpf_session_is_return(), and of bpf_session_cookie(). */
static __u64 (*const kfunc_session_is_return)(void *ctx) = (void *)0x7e000001;
static __u64 *(*const kfunc_session_cookie)(void *ctx) = (void *)0x7e000002;

/* Whether the program runs at the exit. */
static __always_inline bool session_is_return(void *ctx)
{
	/* A bool: the kernel's code sets one byte. */
	return kfunc_session_is_return(ctx) & 0xff;
}

/* Eight bytes that are the call's own, 0 until its entry has written them. */
static __always_inline __u64 *session_cookie(void *ctx)
{
	return kfunc_session_cookie(ctx);
}

#endif
