// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names: escaped in each way, and read back; and read as if they were escaped.
#![no_main]
#![allow(
    dead_code,
    reason = "each target asks for a part of what the judge knows"
)]

#[path = "../../tests/properties"]
mod properties {
    pub(crate) mod judge;
}
#[path = "../../tests/e2e/words.rs"]
mod words;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::judge::escapes::escapes(bytes));
