// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way from a kernel buffer to a record's bytes, and the account of what did not arrive.

pub mod aside;
pub mod decode;
pub(crate) mod gaps;
pub mod loss;
pub(crate) mod raw;
pub mod record;
pub(crate) mod state;
pub(crate) mod transport;
