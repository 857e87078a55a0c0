// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a tool gives up once it is attached: capabilities, system calls, memory.

pub(crate) mod memory;
pub mod privilege;
pub mod seccomp;
