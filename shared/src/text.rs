// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes and times as text: what events, outputs and messages are written with.

pub mod escape;
pub(crate) mod near;
pub(crate) mod stamp;
