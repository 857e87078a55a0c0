// SPDX-License-Identifier: MIT OR Apache-2.0
//! An object in the kernel: opened, configured, loaded, attached, filtered, read, and asked for its account.

pub mod begins;
pub(crate) mod by_cpu;
pub mod cgroups;
pub(crate) mod descendants;
pub mod distribution;
pub(crate) mod filters;
pub mod knobs;
pub(crate) mod libbpf_log;
pub mod object;
pub mod options;
pub mod prospect;
pub(crate) mod session;
pub mod set;
pub mod sockets;
pub mod stream;
pub mod subjects;
pub mod tally;
pub mod tracer;
pub mod turns;
pub(crate) mod under_way;
