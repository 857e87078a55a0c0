/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What events of sockets have in common. */
#ifndef TRACEWELL_SOCKETS_H
#define TRACEWELL_SOCKETS_H

#include "shared.h"

/* The two ends of a connection, as the socket has them. */
struct endpoints {
	__u64 saddr[2]; /* in the order of bytes of packets; of IPv4 the first four bytes */
	__u64 daddr[2];
	__u32 netns; /* the inode number of the socket's network namespace */
	__u16 sport; /* 0 before the kernel has chosen one */
	__u16 dport;
	__u16 family; /* AF_INET or AF_INET6: of the socket, which may have addresses of IPv4 */
	__u16 pad[3];
};

/* Which side began a connection. */
enum connection_role {
	ROLE_UNKNOWN = 0, /* it began before the trace, or there was no room for it */
	ROLE_CONNECT = 1, /* this one */
	ROLE_ACCEPT = 2, /* the other one */
};

#define PORT_WORDS 1024

/* A bit for each port. */
struct port_set {
	__u64 word[PORT_WORDS];
};

/* Which sockets are asked for. */
struct socket_knobs {
	__u8 ip_version; /* 4 or 6; 0: both */
	__u8 by_sport; /* 0 or 1: sports decide */
	__u8 by_dport;
	__u8 pad[5];
	struct port_set sports;
	struct port_set dports;
};

#endif
