// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program that reads a BPF map all the time. While it is in bpf(2), the kernel skips programs on kprobes and on classic
//! tracepoints of its CPU, also when it is preempted there.

use std::thread::scope;

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType};
use tracewell_tests::actor;

use super::load::pin;

/// So much to copy that it is often preempted at that.
const VALUE_BYTES: u32 = 64 * 1024;

/// The actor's name.
pub(super) const READER: &str = "reads_a_map";

actor!(reads_a_map, |stage| {
    pin();
    let options = libbpf_rs::libbpf_sys::bpf_map_create_opts {
        sz: size_of::<libbpf_rs::libbpf_sys::bpf_map_create_opts>() as _,
        ..Default::default()
    };
    let map = MapHandle::create(MapType::Array, Some("large"), 4, VALUE_BYTES, 1, &options);
    let map = map.unwrap();
    let read = || {
        let value = map.lookup(&0_u32.to_ne_bytes(), MapFlags::ANY).unwrap();
        assert_eq!(value.unwrap().len(), VALUE_BYTES as usize);
    };
    read();
    stage.say("begun");
    scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    read();
                }
            });
        }
    });
});
