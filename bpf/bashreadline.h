/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of bashreadline's event. */
#ifndef TRACEWELL_BASHREADLINE_H
#define TRACEWELL_BASHREADLINE_H

#include "shared.h"

enum line_detail {
	LINE_UNREADABLE = 1, /* it is not in memory: no line follows */
	LINE_CUT = 2, /* it has more than LINE_MOST bytes */
};

/* The bytes of a line that are told at most, without its NUL. */
#define LINE_MOST 8192

/* Followed by line_bytes of the line. */
struct line_event {
	struct event_head head;
	__u16 line_bytes; /* without the NUL */
	__u8 detail; /* enum line_detail */
	__u8 pad[5];
};

#endif
