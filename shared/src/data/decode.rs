// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pieces of records that all tools decode alike.

use std::mem::offset_of;
use std::ops::Range;

use crate::data::raw::event_head;

/// Where the head of every event has `comm`.
pub const COMM: Range<usize> = {
    let start = offset_of!(event_head, comm);
    start..start + 16
};

/// The bytes before the first NUL; all of them where there is none.
pub fn until_nul(bytes: &[u8]) -> &[u8] {
    match memchr::memchr(0, bytes) {
        Some(end) => bytes.get(..end).unwrap_or(bytes),
        None => bytes,
    }
}
