// SPDX-License-Identifier: MIT OR Apache-2.0
//! Code whose name and place the tests know.

use std::fs;
use std::hint::black_box;

/// What [`known`] is called.
pub(super) const KNOWN: &str = "tracewell_shared::callers::test_code::known";

#[inline(never)]
pub(super) fn known() {
    black_box(KNOWN);
}

/// Where in this program's file the code at an address is.
pub(super) fn in_file(address: u64) -> u64 {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let found = maps.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let offset = hex(fields.nth(1)?);
        (hex(start)..hex(end))
            .contains(&address)
            .then(|| address - hex(start) + offset)
    });
    found.unwrap()
}
