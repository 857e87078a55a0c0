// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lookups of hosts by the C library: getaddrinfo(3), gethostbyname(3) and their
 * kin, each once, at the return.
 *
 * What a function was given is kept as pointers, and read when it returns: the
 * function has read it by then, so that it is in memory.
 */
#include "core.bpf.h"
#include "emit.bpf.h"
#include "gethostlatency.h"

/* As much of a host is read as shows that there is more. */
#define HOST_ROOM STRING_ROOM(LOOKUP_HOST_MOST + 1)
#define CLAIM_BYTES (sizeof(struct lookup_event) + HOST_ROOM)
#include "claim.bpf.h"
#include "user_calls.bpf.h"

struct lookup_event *unused_lookup_event __attribute__((unused));
_Static_assert(sizeof(struct lookup_event) == 88, "lookup_event");

const volatile bool failed_only = false;
const volatile bool succeeded_only = false;
const volatile __u64 min_took_ns = 0;

/* What struct user_call's arg holds. */
enum {
	ARG_HOST, /* the host's name */
	ARG_FOUND, /* where the _r functions put what they found, and */
	ARG_ERROR, /* what h_errno is in others */
};

/* How a lookup came out. */
struct lookup_result {
	__s32 ret;
	__s32 error;
	__u8 detail;
};

common_code int lookup_begins(struct pt_regs *ctx, __u32 function)
{
	struct user_call call = {};

	if (!user_begins(ctx, function, &call))
		return 0;
	call.arg[ARG_HOST] = PT_REGS_PARM1(ctx);
	if (function == LOOKUP_GETHOSTBYNAME_R) {
		call.arg[ARG_FOUND] = PT_REGS_PARM5(ctx);
		call.arg[ARG_ERROR] = USER_ARG6(ctx);
	} else if (function == LOOKUP_GETHOSTBYNAME2_R) {
		call.arg[ARG_FOUND] = USER_ARG6(ctx);
		call.arg[ARG_ERROR] = USER_ARG7(ctx);
	}
	user_keep(&call);
	return 0;
}

/* Of a function that has the caller give it memory: it found something if it says where. */
static __always_inline void reentrant_result(struct lookup_result *result,
					     const struct user_call *call)
{
	__u64 found = 0;

	bpf_probe_read_user(&found, sizeof(found), (void *)call->arg[ARG_FOUND]);
	if (!result->ret && found)
		return;
	result->detail = LOOKUP_FAILED;
	if (!bpf_probe_read_user(&result->error, sizeof(result->error),
				 (void *)call->arg[ARG_ERROR]))
		result->detail |= LOOKUP_ERROR_KNOWN;
}

static __always_inline void lookup_result_of(struct lookup_result *result, __u64 returned,
					     const struct user_call *call)
{
	result->ret = returned;
	result->error = 0;
	result->detail = 0;
	switch (call->function) {
	case LOOKUP_GETADDRINFO:
		result->error = result->ret;
		if (result->error)
			result->detail = LOOKUP_FAILED | LOOKUP_ERROR_KNOWN;
		break;
	case LOOKUP_GETHOSTBYNAME:
	case LOOKUP_GETHOSTBYNAME2:
		/* A pointer. Why there is none stands in a variable of the thread's own. */
		result->ret = 0;
		if (!returned)
			result->detail = LOOKUP_FAILED;
		break;
	default:
		reentrant_result(result, call);
	}
}

/* Whether a lookup is one that is asked for. */
static __always_inline bool lookup_is_told(__u8 detail, __u64 took_ns)
{
	if (failed_only && !(detail & LOOKUP_FAILED))
		return false;
	if (succeeded_only && detail & LOOKUP_FAILED)
		return false;
	return took_ns >= min_took_ns;
}

/* Puts the host behind the event; gives its bytes. */
static __always_inline __u64 lookup_host(struct lookup_event *event, const void *host)
{
	long length = -1;

	if (host)
		length = bpf_probe_read_user_str(event + 1, HOST_ROOM, host);
	if (length < 0) {
		event->detail |= LOOKUP_NO_HOST;
		return 0;
	}
	/* Without the NUL; up to 6.1 an empty string has none. */
	if (length)
		length--;
	if (length > LOOKUP_HOST_MOST) {
		event->detail |= LOOKUP_HOST_CUT;
		length = LOOKUP_HOST_MOST;
	}
	return length;
}

common_code int lookup_ends(struct pt_regs *ctx, __u32 function)
{
	struct user_call call = {};
	struct lookup_result result;
	struct lookup_event *event;
	__u64 took_ns, bytes;
	__u32 place;

	if (!user_ends(ctx, function, &call))
		return 0;
	took_ns = bpf_ktime_get_ns() - call.began_ns;
	lookup_result_of(&result, PT_REGS_RC(ctx), &call);
	if (!lookup_is_told(result.detail, took_ns))
		return 0;
	event = claim_room(&place);
	if (!event)
		return 0;
	event_begin(&event->head);
	event->took_ns = took_ns;
	event->ret = result.ret;
	event->error = result.error;
	event->function = function;
	event->detail = result.detail;
	bytes = at_most(lookup_host(event, (void *)call.arg[ARG_HOST]), LOOKUP_HOST_MOST);
	event->host_bytes = bytes;
	emit(ctx, event, sizeof(*event) + bytes);
	claim_release(place);
	return 0;
}

/* Those that call others come first. */
USER_FUNCTION(getaddrinfo, LOOKUP_GETADDRINFO, lookup_begins, lookup_ends)
USER_FUNCTION(gethostbyname, LOOKUP_GETHOSTBYNAME, lookup_begins, lookup_ends)
USER_FUNCTION(gethostbyname2, LOOKUP_GETHOSTBYNAME2, lookup_begins, lookup_ends)
USER_FUNCTION(gethostbyname_r, LOOKUP_GETHOSTBYNAME_R, lookup_begins, lookup_ends)
USER_FUNCTION(gethostbyname2_r, LOOKUP_GETHOSTBYNAME2_R, lookup_begins, lookup_ends)
USER_FUNCTIONS("getaddrinfo,gethostbyname,gethostbyname2,gethostbyname_r,gethostbyname2_r",
	       lookup_begins, lookup_ends)
