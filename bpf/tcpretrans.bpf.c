// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TCP segments that are sent again, each once; and beside them the changes of
 * connections' states, by which it is known whose they are.
 */
#include "core.bpf.h"
#include "tracepoint.bpf.h"
#include "tcpretrans.h"

struct retransmit_event *unused_retransmit_event __attribute__((unused));
_Static_assert(sizeof(struct retransmit_event) == 128, "retransmit_event");

#define CONNECTION_EVENT struct retransmit_event
#include "connections.bpf.h"

/* include/net/inet_connection_sock.h: which timer is pending. */
#define ICSK_TIME_LOSS_PROBE 5

/*
 * Since 6.17 the tracepoint is there for segments that could not be sent, too,
 * with the error ("tcp: trace retransmit failures in tcp_retransmit_skb").
 */
struct trace_event_raw_tcp_retransmit_skb___err {
	int err;
} __attribute__((preserve_access_index));

static __always_inline bool was_sent(const __u64 *ctx)
{
	if (!bpf_core_field_exists(struct trace_event_raw_tcp_retransmit_skb___err, err))
		return true;
	return !(int)ctx[2];
}

/*
 * What the congestion control is about tells why. A loss probe is sent by its
 * timer, which is pending until it was sent (tcp_send_loss_probe()); while
 * losses are being made good (tcp_fastretrans_alert()) one may be pending that
 * will not come to be.
 */
static __always_inline __u8 kind_of(struct sock *sk, int state)
{
	struct inet_connection_sock *icsk = (struct inet_connection_sock *)sk;
	__u8 control = BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state);

	if (state == TCP_SYN_SENT)
		return RETRANSMIT_SYN;
	if (control == TCP_CA_Loss)
		return RETRANSMIT_TIMEOUT;
	if (control == TCP_CA_Recovery)
		return RETRANSMIT_RECOVERY;
	if (BPF_CORE_READ(icsk, icsk_pending) == ICSK_TIME_LOSS_PROBE)
		return RETRANSMIT_LOSS_PROBE;
	return RETRANSMIT_OTHER;
}

static __always_inline void tell(void *ctx, bool direct, struct sock *sk, struct sk_buff *skb,
				 int state, struct connection *connection)
{
	struct retransmit_event *event = &connection->event;
	struct tcp_skb_cb part;

	if (!connection_passes(connection))
		return;
	read_endpoints(direct, sk, &event->ends);
	if (!endpoints_pass(&event->ends))
		return;
	part.seq = 0;
	part.end_seq = 0;
	bpf_core_read(&part.seq, sizeof(part.seq), &((struct tcp_skb_cb *)&skb->cb)->seq);
	bpf_core_read(&part.end_seq, sizeof(part.end_seq),
		      &((struct tcp_skb_cb *)&skb->cb)->end_seq);
	event->seq = part.seq;
	event->bytes = part.end_seq - part.seq;
	event->kind = kind_of(sk, state);
	event->role = connection->role;
	event->state = state;
	event->owned = connection->owned;
	connection_emit(ctx, connection);
}

/* The entry of a connection that is not known is for the event alone. */
static __always_inline int retransmit(void *ctx, bool direct, struct sock *sk, struct sk_buff *skb)
{
	struct connection *connection = connection_of(sk);
	int state = FIELD(direct, sk, __sk_common.skc_state);
	bool known = connection;

	if (!was_sent(ctx))
		return 0;
	if (!known)
		connection = connection_made(direct, sk);
	else if (!connection_is_of(direct, sk, state, connection))
		connection_blank(direct, sk, connection);
	if (!connection) {
		lose(LOSS_INFLIGHT_FULL);
		return 0;
	}
	tell(ctx, direct, sk, skb, state, connection);
	if (!known)
		connection_forget(sk);
	return 0;
}

static __always_inline int change(bool direct, struct sock *sk, int from, int to)
{
	if (to == TCP_LISTEN || !is_tcp(direct, sk))
		return 0;
	if (to == TCP_CLOSE)
		connection_forget(sk);
	else
		connection_moves(direct, sk, from, to);
	return 0;
}

#define RETRANSMIT(ctx, space, direct) retransmit(ctx, direct, sk, skb)
#define CHANGE(ctx, space, direct) change(direct, sk, from, to)

TRACEPOINT(segment, tcp_retransmit_skb, RETRANSMIT, struct sock *sk, struct sk_buff *skb)
TRACEPOINT(state, inet_sock_set_state, CHANGE, struct sock *sk, const int from, const int to)
