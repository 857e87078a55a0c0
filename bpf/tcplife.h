/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of tcplife's event. */
#ifndef TRACEWELL_TCPLIFE_H
#define TRACEWELL_TCPLIFE_H

#include "sockets.h"

/* A connection that was closed. */
struct life_event {
	struct event_head
	    head; /* of who has the socket, where owned is set; the time is that of the close */
	struct endpoints ends;
	__u64 since_ns; /* when it was established, or else begun; boot-time clock; 0: not known */
	__u64 sent_bytes; /* that the other side has acknowledged */
	__u64 received_bytes;
	__u32 retransmits; /* segments that were sent again */
	__u16 err; /* why the kernel closed it; 0: it was closed as it should be, or by a process */
	__u8 role; /* enum connection_role */
	__u8 state; /* what it was in before: TCP_ESTABLISHED and its like of the kernel */
	__u8 owned; /* 0 or 1: a process is known whose it is */
	__u8 pad[7];
};

#endif
