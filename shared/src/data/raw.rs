// SPDX-License-Identifier: MIT OR Apache-2.0
//! The types of `bpf/include/shared.h`, as the compiler of the BPF side laid them out.

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub(crate) use skel::types::{
    ancestor, caller_space, endpoints, event_head, exe_places, filter_by, filter_kind,
    filter_places, histogram, histogram_chunk, loss_cause, loss_slot, owner_filter, path_begin,
    path_begins, port_set, shared_knobs, shared_state, socket_knobs,
};
