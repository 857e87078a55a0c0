/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP connections that are open: since when, who began them, and whose they
 * are. A change of the state of any TCP socket costs one look-up, and a
 * connection the making of one entry.
 *
 * The source that includes it defines CONNECTION_EVENT before that, the type of
 * the event that lies in an entry, and begins with the head of whose it is.
 *
 * A socket's state changes under its lock, so that one program at a time has
 * its entry. Who began a connection is known when it begins. One that came from
 * outside is made in an interrupt, and known to be a process's when that closes
 * it or shuts its side down.
 */
#ifndef TRACEWELL_CONNECTIONS_BPF_H
#define TRACEWELL_CONNECTIONS_BPF_H

#include "filter.bpf.h"
#include "sockets.bpf.h"
#include "stored.bpf.h"

/* What is known of a connection that was not closed yet. */
struct connection {
	__u64 cookie; /* of the socket; see socket_cookie() */
	__u64 since_ns; /* when it was established, or else begun; boot-time clock; 0: not known */
	__u64 all_bytes; /* the event's with what stands behind it */
	__u8 state; /* the last one that was seen */
	__u8 role; /* enum connection_role */
	__u8 owned; /* 0 or 1: the head is of a process whose it is */
	__u8 wanted; /* 0 or 1: by the filters, where it is owned */
	__u8 pad[4];
	CONNECTION_EVENT event;
};

/* By the address of the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct connection));
} connections SEC(".maps");

BLANK_MAP(sizeof(struct connection));

static __always_inline struct connection *connection_of(struct sock *sk)
{
	__u64 key = (__u64)sk;

	return bpf_map_lookup_elem(&connections, &key);
}

static __always_inline struct connection *connection_made(bool direct, struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct connection *connection = blank_entry(&connections, &key);

	if (connection)
		connection->cookie = socket_cookie(direct, sk);
	return connection;
}

static __always_inline void connection_forget(struct sock *sk)
{
	__u64 key = (__u64)sk;

	bpf_map_delete_elem(&connections, &key);
}

/*
 * Whether what is known is of this socket, and of all that became of it until
 * now. Else it is another's whose end no program saw, or the kernel refused the
 * program for a change of the state in between.
 */
static __always_inline bool connection_is_of(bool direct, struct sock *sk, int state,
					     const struct connection *connection)
{
	return connection->state == state && connection->cookie == socket_cookie(direct, sk);
}

static __always_inline void connection_blank(bool direct, struct sock *sk,
					     struct connection *connection)
{
	connection->cookie = socket_cookie(direct, sk);
	connection->since_ns = 0;
	connection->role = ROLE_UNKNOWN;
	connection->owned = 0;
	connection->event.head.behind_at = 0;
	connection->event.head.ancestors = 0;
	connection->event.head.cgroup = 0;
}

/*
 * Whether it is a call of the socket's own process that changes the state:
 * connect(2), close(2) and shutdown(2) alone do so (tcp_close_state()), and a
 * close that throws away what nobody has read, which leaves no error. Whoever
 * holds the lock does not always use the socket: ss(8) may, and works off what
 * has come meanwhile.
 */
static __always_inline bool is_by_owner(bool direct, struct sock *sk, int from, int to)
{
	if (!is_held_by_task(direct, sk))
		return false;
	if (to == TCP_CLOSE)
		return (from == TCP_ESTABLISHED || from == TCP_CLOSE_WAIT) &&
		       !FIELD(direct, sk, sk_err);
	return to == TCP_SYN_SENT || to == TCP_FIN_WAIT1 || to == TCP_LAST_ACK;
}

/* Whose it is: the first that is known. */
static __always_inline void connection_own(bool direct, struct sock *sk, int from, int to,
					   struct connection *connection)
{
	if (connection->owned || !is_by_owner(direct, sk, from, to))
		return;
	connection->all_bytes = stored_begin(&connection->event.head, sizeof(connection->event));
	connection->wanted = filter_passes();
	connection->owned = 1;
}

/*
 * The socket goes from one state to another, in which it is not closed. Where
 * there is no room, less is known of the connection; but nothing, where filters
 * ask whose it is.
 */
static __always_inline void connection_moves(bool direct, struct sock *sk, int from, int to)
{
	struct connection *connection = connection_of(sk);
	/* A socket that came from outside has no ends yet when it is cloned, and may be dropped without a word. */
	bool begins = to == TCP_SYN_SENT;

	if (from == TCP_LISTEN) {
		/* What had that address before was closed unseen. */
		if (connection)
			connection_forget(sk);
		return;
	}
	if (from == TCP_SYN_RECV)
		begins = !connection || connection->cookie != socket_cookie(direct, sk);
	if (!connection) {
		if (!begins && !is_by_owner(direct, sk, from, to))
			return;
		connection = connection_made(direct, sk);
		if (!connection) {
			if (shared_knobs.filtered)
				lose(LOSS_INFLIGHT_FULL);
			return;
		}
	} else if (begins || !connection_is_of(direct, sk, from, connection)) {
		connection_blank(direct, sk, connection);
	}
	if (begins)
		connection->role = to == TCP_SYN_SENT ? ROLE_CONNECT : ROLE_ACCEPT;
	if (begins || (to == TCP_ESTABLISHED && connection->since_ns))
		connection->since_ns = bpf_ktime_get_boot_ns();
	connection->state = to;
	connection_own(direct, sk, from, to, connection);
}

/*
 * Whether the filters of tasks let it through. Of one whose begin no program
 * saw, nobody can say whether they would have.
 */
static __always_inline bool connection_passes(const struct connection *connection)
{
	if (connection->owned || !shared_knobs.filtered)
		return !connection->owned || connection->wanted;
	if (connection->role == ROLE_UNKNOWN)
		lose(LOSS_ENTRY_MISSED);
	return false;
}

/* Sends its event, as of now. */
static __always_inline void connection_emit(void *ctx, struct connection *connection)
{
	__u64 bytes = sizeof(connection->event);

	stored_emit(ctx, &connection->event.head, bytes,
		    connection->owned ? connection->all_bytes : bytes);
}

#endif
