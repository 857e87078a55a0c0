// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TCP connections, each once, when it is closed: how long it was there, what it
 * carried, and whose it was.
 */
#include "core.bpf.h"
#include "tracepoint.bpf.h"
#include "tcplife.h"

struct life_event *unused_life_event __attribute__((unused));
_Static_assert(sizeof(struct life_event) == 152, "life_event");

#define CONNECTION_EVENT struct life_event
#include "connections.bpf.h"

/*
 * A SYN and a FIN count as a byte each once they are acknowledged, and a FIN
 * that came does, too (tcp_snd_una_update(), tcp_rcv_nxt_update() and tcp_fin()
 * of net/ipv4/tcp_input.c); the sequence of a connection from outside begins
 * behind the SYN (tcp_create_openreq_child()).
 */
static __always_inline void read_amounts(bool direct, struct sock *sk, int from,
					 struct life_event *event)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;
	__u64 sent = BPF_CORE_READ(tcp, bytes_acked), received = BPF_CORE_READ(tcp, bytes_received);
	bool ended = from == TCP_FIN_WAIT1 || from == TCP_FIN_WAIT2 || from == TCP_CLOSING ||
		     from == TCP_LAST_ACK;

	if (sent && event->role == ROLE_CONNECT)
		sent--;
	if (sent && ended && BPF_CORE_READ(tcp, snd_una) == BPF_CORE_READ(tcp, write_seq))
		sent--;
	if (received && FIELD(direct, sk, __sk_common.skc_flags) & (1UL << SOCK_DONE))
		received--;
	event->sent_bytes = sent;
	event->received_bytes = received;
	event->retransmits = BPF_CORE_READ(tcp, total_retrans);
}

static __always_inline void tell(void *ctx, bool direct, struct sock *sk, int from,
				 struct connection *connection)
{
	struct life_event *event = &connection->event;

	if (!connection_passes(connection))
		return;
	read_endpoints(direct, sk, &event->ends);
	if (!endpoints_pass(&event->ends))
		return;
	event->since_ns = connection->since_ns;
	event->role = connection->role;
	event->owned = connection->owned;
	event->state = from;
	event->err = FIELD(direct, sk, sk_err);
	read_amounts(direct, sk, from, event);
	connection_emit(ctx, connection);
}

static __always_inline void end(void *ctx, bool direct, struct sock *sk, int from)
{
	struct connection *connection = connection_of(sk);

	if (!connection) {
		/* One from outside that never came to be. */
		if (from == TCP_SYN_RECV)
			return;
		connection = connection_made(direct, sk);
		if (!connection) {
			lose(LOSS_INFLIGHT_FULL);
			return;
		}
	} else if (!connection_is_of(direct, sk, from, connection)) {
		connection_blank(direct, sk, connection);
	}
	connection_own(direct, sk, from, TCP_CLOSE, connection);
	tell(ctx, direct, sk, from, connection);
	connection_forget(sk);
}

static __always_inline int change(void *ctx, bool direct, struct sock *sk, int from, int to)
{
	/* A socket that listens is no connection. */
	if (to == TCP_LISTEN || !is_tcp(direct, sk))
		return 0;
	if (to != TCP_CLOSE)
		connection_moves(direct, sk, from, to);
	else if (from != TCP_CLOSE && from != TCP_LISTEN)
		end(ctx, direct, sk, from);
	return 0;
}

#define CHANGE(ctx, space, direct) change(ctx, direct, sk, from, to)

TRACEPOINT(state, inet_sock_set_state, CHANGE, struct sock *sk, const int from, const int to)
