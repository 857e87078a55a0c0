// SPDX-License-Identifier: MIT OR Apache-2.0
//! The types of `bpf/include/shared.h`, as the compiler of the BPF side laid them out.

use plain::Plain;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub(crate) use skel::types::{
    caller_space, event_head, filter_by, filter_kind, filter_places, histogram, histogram_chunk,
    loss_cause, loss_slot, owner_filter, shared_knobs, shared_state,
};

// SAFETY: integers and arrays of integers; any bytes are a value.
unsafe impl Plain for event_head {}
// SAFETY: as above.
unsafe impl Plain for shared_knobs {}
// SAFETY: as above.
unsafe impl Plain for caller_space {}

const _: () = assert!(size_of::<event_head>() == 48);
const _: () = assert!(size_of::<caller_space>() == 32);
const _: () = assert!(size_of::<shared_knobs>() == 76);
