// SPDX-License-Identifier: MIT OR Apache-2.0
//! The skeleton that the build made of `bpf/opensnoop.bpf.c`.
#![allow(
    clippy::all,
    clippy::absolute_paths,
    clippy::doc_markdown,
    clippy::undocumented_unsafe_blocks,
    clippy::use_self,
    clippy::wildcard_imports,
    dead_code,
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    reason = "generated"
)]

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

// SAFETY: integers and arrays of integers; any bytes are a value.
unsafe impl plain::Plain for types::open_event {}

const _: () = assert!(size_of::<types::open_event>() == 80);
