/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tools of TCP sockets share: the two ends of a connection, which are
 * asked for, and whether the current task is the one that uses the socket.
 * direct as of FIELD.
 *
 * A port of a set costs one load from memory, whatever the number of ports;
 * without one, the verifier drops that.
 */
#ifndef TRACEWELL_SOCKETS_BPF_H
#define TRACEWELL_SOCKETS_BPF_H

#include <bpf/bpf_endian.h>

#include "core.bpf.h"
#include "sockets.h"

#define AF_INET 2 /* linux/socket.h */
#define AF_INET6 10

const volatile struct socket_knobs socket_knobs SEC(".rodata.sockets") = {};

static __always_inline bool is_tcp(bool direct, struct sock *sk)
{
	return FIELD(direct, sk, sk_protocol) == IPPROTO_TCP;
}

/*
 * Whether a process holds the socket's lock. What comes to such a socket waits
 * until it is released; so the current task is then the one that holds it, or
 * that works off what has waited when it releases it (lock_sock_nested(),
 * release_sock() of net/core/sock.c). An interrupt has the spin lock alone.
 */
static __always_inline bool is_held_by_task(bool direct, struct sock *sk)
{
	return FIELD(direct, sk, sk_lock.owned);
}

/* In the kernel's types since 5.12 ("bpf: Expose bpf_get_socket_cookie to tracing programs"). */
typedef u64 (*btf_bpf_get_socket_ptr_cookie)(struct sock *);

/*
 * What tells a socket from another that has its address later: a number that
 * the kernel gives to no other one. 0 where programs cannot have it.
 */
static __always_inline __u64 socket_cookie(bool direct, struct sock *sk)
{
	if (direct && bpf_core_type_exists(btf_bpf_get_socket_ptr_cookie))
		return bpf_get_socket_cookie(sk);
	return 0;
}

/*
 * The local port is kept in inet_sport until the socket is used again, where
 * skc_num is 0 once a socket that was not bound to a port is closed
 * (inet_put_port()).
 */
static __always_inline void read_endpoints(bool direct, struct sock *sk, struct endpoints *ends)
{
	struct net *net = FIELD(direct, sk, __sk_common.skc_net.net);

	ends->netns = FIELD(direct, net, ns.inum);
	ends->sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	ends->dport = bpf_ntohs(FIELD(direct, sk, __sk_common.skc_dport));
	ends->family = FIELD(direct, sk, __sk_common.skc_family);
	if (ends->family == AF_INET6) {
		bpf_core_read(ends->saddr, sizeof(ends->saddr), &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(ends->daddr, sizeof(ends->daddr), &sk->__sk_common.skc_v6_daddr);
	} else {
		__u32 saddr = FIELD(direct, sk, __sk_common.skc_rcv_saddr);
		__u32 daddr = FIELD(direct, sk, __sk_common.skc_daddr);

		/* The first four bytes, in either order of bytes. */
		ends->saddr[0] = ends->saddr[1] = 0;
		ends->daddr[0] = ends->daddr[1] = 0;
		__builtin_memcpy(ends->saddr, &saddr, sizeof(saddr));
		__builtin_memcpy(ends->daddr, &daddr, sizeof(daddr));
	}
}

/* Whether an IPv6 address stands for one of IPv4, as ::ffff:10.0.0.1 does. */
static __always_inline bool is_mapped(const __u64 *address)
{
	return !address[0] && bpf_be64_to_cpu(address[1]) >> 32 == 0xffff;
}

static __always_inline bool is_port_in(const volatile struct port_set *ports, __u16 port)
{
	return ports->word[port / 64 & (PORT_WORDS - 1)] >> (port % 64) & 1;
}

/* Whether it is one of those that are asked for. */
static __always_inline bool endpoints_pass(const struct endpoints *ends)
{
	if (socket_knobs.ip_version) {
		bool is_v6 = ends->family == AF_INET6 && !is_mapped(ends->daddr);

		if (is_v6 != (socket_knobs.ip_version == 6))
			return false;
	}
	if (socket_knobs.by_sport && !is_port_in(&socket_knobs.sports, ends->sport))
		return false;
	return !socket_knobs.by_dport || is_port_in(&socket_knobs.dports, ends->dport);
}

#endif
