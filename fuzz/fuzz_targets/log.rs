// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that may be a log of histograms, and one whose histogram may be one.
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

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    properties::judge::logs::any_bytes(bytes);
    properties::judge::logs::any_histogram(bytes);
});
