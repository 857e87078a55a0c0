// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions of `--where`, and patterns of `--path` with a path behind a NUL.
#![no_main]

#[path = "../../tests/properties/judge/asked.rs"]
mod asked;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    asked::condition(&String::from_utf8_lossy(bytes));
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let pattern = parts.next().unwrap_or_default();
    asked::pattern(pattern, parts.next().unwrap_or_default());
});
