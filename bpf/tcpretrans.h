/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of tcpretrans' event. */
#ifndef TRACEWELL_TCPRETRANS_H
#define TRACEWELL_TCPRETRANS_H

#include "sockets.h"

/* Why a segment is sent again. */
enum retransmit_kind {
	RETRANSMIT_SYN = 1, /* nobody has answered it */
	RETRANSMIT_TIMEOUT = 2, /* nothing was acknowledged for too long */
	RETRANSMIT_RECOVERY = 3, /* acknowledgements say that it was lost */
	RETRANSMIT_LOSS_PROBE = 4, /* to have the other side say what it has */
	RETRANSMIT_OTHER = 5,
};

/* A segment that is sent again. */
struct retransmit_event {
	struct event_head head; /* of whose connection it is, where owned is set */
	struct endpoints ends;
	__u32 seq; /* of its first byte */
	__u32 bytes; /* with a SYN and a FIN as one each */
	__u8 kind; /* enum retransmit_kind */
	__u8 role; /* enum connection_role */
	__u8 state; /* TCP_ESTABLISHED and its like of the kernel */
	__u8 owned; /* 0 or 1: a process is known whose it is */
	__u8 pad[4];
};

#endif
