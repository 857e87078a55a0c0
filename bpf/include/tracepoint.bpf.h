/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs at one tracepoint of the kernel, with its arguments: NAME_btf, whose
 * arguments come with their types, and NAME_raw. BODY(ctx, space, direct) may
 * use the arguments' names; direct as of FIELD. Both have been there since
 * before 5.10.
 */
#ifndef TRACEWELL_TRACEPOINT_BPF_H
#define TRACEWELL_TRACEPOINT_BPF_H

#include "core.bpf.h"
#include "emit.bpf.h"

#define TRACEPOINT(name, tracepoint, BODY, ...)                                                    \
	SPACE(name##_btf);                                                                         \
	SPACE(name##_raw);                                                                         \
	SEC("tp_btf/" #tracepoint)                                                                 \
	int BPF_PROG(name##_btf, __VA_ARGS__)                                                      \
	{                                                                                          \
		return BODY(ctx, SPACE_OF(name##_btf), true);                                      \
	}                                                                                          \
	SEC("raw_tp/" #tracepoint)                                                                 \
	int BPF_PROG(name##_raw, __VA_ARGS__)                                                      \
	{                                                                                          \
		return BODY(ctx, SPACE_OF(name##_raw), false);                                     \
	}

#endif
