// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lines that readline(3) gives to whoever calls it, bash(1) above all. What it
 * returns is all that is told, so that one program at its return does.
 */
#include "core.bpf.h"
#include "emit.bpf.h"
#include "filter.bpf.h"
#include "bashreadline.h"

/* As much of a line is read as shows that there is more. */
#define LINE_ROOM STRING_ROOM(LINE_MOST + 1)
#define CLAIM_BYTES (sizeof(struct line_event) + LINE_ROOM)
#include "claim.bpf.h"
#include "user.bpf.h"

struct line_event *unused_line_event __attribute__((unused));
_Static_assert(sizeof(struct line_event) == 72, "line_event");

/* Puts the line behind the event; gives its bytes. */
static __always_inline __u64 line_behind(struct line_event *event, const void *line)
{
	long length = bpf_probe_read_user_str(event + 1, LINE_ROOM, line);

	if (length < 0) {
		event->detail = LINE_UNREADABLE;
		return 0;
	}
	/* Without the NUL; up to 6.1 an empty string has none. */
	if (length)
		length--;
	if (length > LINE_MOST) {
		event->detail = LINE_CUT;
		length = LINE_MOST;
	}
	return length;
}

static __always_inline int line_read(struct pt_regs *ctx, __u32 function)
{
	const void *line = (const void *)PT_REGS_RC(ctx);
	struct line_event *event;
	__u32 place;
	__u64 bytes;

	/* There is none at the end of the input. */
	if (!line || !filter_passes())
		return 0;
	event = claim_room(&place);
	if (!event)
		return 0;
	event_begin(&event->head);
	event->detail = 0;
	bytes = at_most(line_behind(event, line), LINE_MOST);
	event->line_bytes = bytes;
	emit(ctx, event, sizeof(*event) + bytes);
	claim_release(place);
	return 0;
}

USER_RETURN(readline, 0, line_read)
