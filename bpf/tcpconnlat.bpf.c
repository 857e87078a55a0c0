// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TCP connections that are begun here, each once: how long it took from the
 * SYN to the answer, or what else became of it. A socket sends its SYN in the
 * middle of the call that asks for it, and is answered in an interrupt.
 */
#include "core.bpf.h"
#include "filter.bpf.h"
#include "sockets.bpf.h"
#include "stored.bpf.h"
#include "tracepoint.bpf.h"
#include "tcpconnlat.h"

struct connect_event *unused_connect_event __attribute__((unused));
_Static_assert(sizeof(struct connect_event) == 128, "connect_event");

const volatile bool failed_only = false;
const volatile bool succeeded_only = false;
const volatile __u64 min_took_ns = 0;

/* A SYN that was not answered yet. */
struct attempt {
	__u64 start_ns;
	__u64 cookie; /* of the socket; see socket_cookie() */
	__u64 all_bytes; /* the event's with what stands behind it */
	struct connect_event event;
};

/* By the address of the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct attempt));
} attempts SEC(".maps");

BLANK_MAP(sizeof(struct attempt));

/* That an entry is there says that the end of an earlier attempt was not seen: the kernel has counted that. */
static __always_inline void begin(bool direct, struct sock *sk, __u64 key)
{
	struct attempt *attempt;

	if (!filter_passes()) {
		bpf_map_delete_elem(&attempts, &key);
		return;
	}
	attempt = bpf_map_lookup_elem(&attempts, &key);
	if (!attempt)
		attempt = blank_entry(&attempts, &key);
	if (!attempt) {
		lose(LOSS_INFLIGHT_FULL);
		return;
	}
	attempt->all_bytes = stored_begin(&attempt->event.head, sizeof(attempt->event));
	attempt->cookie = socket_cookie(direct, sk);
	attempt->start_ns = bpf_ktime_get_ns();
}

static __always_inline void tell(void *ctx, bool direct, struct sock *sk, int to,
				 struct attempt *attempt)
{
	struct connect_event *event = &attempt->event;

	event->took_ns = bpf_ktime_get_ns() - attempt->start_ns;
	event->err = 0;
	if (to == TCP_ESTABLISHED) {
		event->outcome = CONNECT_ESTABLISHED;
	} else {
		event->err = FIELD(direct, sk, sk_err);
		event->outcome = event->err ? CONNECT_FAILED : CONNECT_CLOSED;
	}
	if ((failed_only && to == TCP_ESTABLISHED) || (succeeded_only && to != TCP_ESTABLISHED) ||
	    event->took_ns < min_took_ns)
		return;
	read_endpoints(direct, sk, &event->ends);
	if (endpoints_pass(&event->ends))
		stored_emit(ctx, &event->head, sizeof(*event), attempt->all_bytes);
}

static __always_inline int change(void *ctx, bool direct, struct sock *sk, int from, int to)
{
	__u64 key = (__u64)sk;
	struct attempt *attempt;

	if (to == TCP_SYN_SENT) {
		/* Without a process that holds it, whose it is could not be told. */
		if (is_tcp(direct, sk) && is_held_by_task(direct, sk))
			begin(direct, sk, key);
		return 0;
	}
	/* Where both sides connect at once, TCP_SYN_RECV comes between. */
	if ((from != TCP_SYN_SENT && from != TCP_SYN_RECV) || to == TCP_SYN_RECV)
		return 0;
	attempt = bpf_map_lookup_elem(&attempts, &key);
	if (!attempt)
		return 0;
	/* Another socket's, whose end no program saw: the kernel has counted that. */
	if (attempt->cookie == socket_cookie(direct, sk))
		tell(ctx, direct, sk, to, attempt);
	bpf_map_delete_elem(&attempts, &key);
	return 0;
}

#define CHANGE(ctx, space, direct) change(ctx, direct, sk, from, to)

TRACEPOINT(state, inet_sock_set_state, CHANGE, struct sock *sk, const int from, const int to)
