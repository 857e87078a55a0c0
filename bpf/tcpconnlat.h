/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of tcpconnlat's event. */
#ifndef TRACEWELL_TCPCONNLAT_H
#define TRACEWELL_TCPCONNLAT_H

#include "sockets.h"

/* What became of an attempt to connect. */
enum connect_outcome {
	CONNECT_ESTABLISHED = 1,
	CONNECT_FAILED = 2, /* err says why */
	CONNECT_CLOSED = 3, /* by the process, or by connect(2) itself */
};

/* An attempt to connect that came to its end. */
struct connect_event {
	struct event_head head; /* of who called; the time is that of the end */
	struct endpoints ends;
	__u64 took_ns;
	__u16 err; /* of CONNECT_FAILED */
	__u8 outcome; /* enum connect_outcome */
	__u8 pad[5];
};

#endif
