// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Never loaded: it gives the shared crate the types of shared.h, by BTF. */
#include "core.bpf.h"
#include "hist.h"
#include "sockets.h"

/* A type that no global uses would not be in the object. */
struct event_head *unused_event_head __attribute__((unused));
struct ancestor *unused_ancestor __attribute__((unused));
struct histogram *unused_histogram __attribute__((unused));
struct histogram_chunk *unused_histogram_chunk __attribute__((unused));
struct caller_space *unused_caller_space __attribute__((unused));
struct path_begins *unused_path_begins __attribute__((unused));
struct endpoints *unused_endpoints __attribute__((unused));
struct socket_knobs *unused_socket_knobs __attribute__((unused));
enum loss_cause *unused_loss_cause __attribute__((unused));
enum filter_by *unused_filter_by __attribute__((unused));
enum filter_kind *unused_filter_kind __attribute__((unused));
enum owner_filter *unused_owner_filter __attribute__((unused));

_Static_assert(sizeof(struct event_head) == 64, "event_head");
_Static_assert(sizeof(struct caller_space) == 32, "caller_space");
_Static_assert(sizeof(struct endpoints) == 48, "endpoints");
_Static_assert(sizeof(struct socket_knobs) == 16392, "socket_knobs");
_Static_assert(sizeof(struct shared_knobs) == 164, "shared_knobs");
_Static_assert(sizeof(struct loss_slot) == 128, "loss_slot");
