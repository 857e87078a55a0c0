/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of gethostlatency's event. */
#ifndef TRACEWELL_GETHOSTLATENCY_H
#define TRACEWELL_GETHOSTLATENCY_H

#include "shared.h"

/* In the order in which USER_FUNCTIONS has them. */
enum lookup_function {
	LOOKUP_GETADDRINFO = 1,
	LOOKUP_GETHOSTBYNAME,
	LOOKUP_GETHOSTBYNAME2,
	LOOKUP_GETHOSTBYNAME_R,
	LOOKUP_GETHOSTBYNAME2_R,
};

enum lookup_detail {
	LOOKUP_NO_HOST = 1, /* none was given, or it is not in memory */
	LOOKUP_HOST_CUT = 2,
	LOOKUP_FAILED = 4,
	LOOKUP_ERROR_KNOWN = 8, /* error says why */
};

/* The bytes of a host that are told at most, without its NUL: more than any name of DNS has, and NI_MAXHOST less one. */
#define LOOKUP_HOST_MOST 1024

/* Followed by host_bytes of the host as given. */
struct lookup_event {
	struct event_head head;
	__u64 took_ns;
	__s32 ret; /* of those that return a number */
	__s32 error; /* EAI_* of getaddrinfo, else what h_errno is */
	__u16 host_bytes; /* without the NUL */
	__u8 function; /* enum lookup_function */
	__u8 detail; /* enum lookup_detail */
	__u8 pad[4];
};

#endif
