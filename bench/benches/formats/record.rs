// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records of opens as the BPF program makes them, and the table's columns.

use tracewell::opensnoop::Opens;
use tracewell_shared::output::table::Column;

/// The record of an open, `struct open_event` and the path: one in four failed.
pub(crate) fn open(number: u32) -> Vec<u8> {
    let path = format!(
        "/usr/lib/x86_64-linux-gnu/part-{}/lib{number}.so.6",
        number % 7
    );
    let failed = number.is_multiple_of(4);
    let mut record = Vec::new();
    record.extend((u64::from(number) * 123_457).to_ne_bytes());
    for id in [1000 + number, 1000 + number, number % 3] {
        record.extend(id.to_ne_bytes());
    }
    record.extend([0; 12]); // the account of losses
    let comm = format!("worker/{}", number % 100);
    record.extend(comm.as_bytes());
    record.resize(48, 0);
    record.extend([0o2_000_000_u64, 0o1101, 2][number as usize % 3].to_ne_bytes());
    record.extend(if failed { -2 } else { (number % 1000) as i32 }.to_ne_bytes());
    record.extend((-100_i32).to_ne_bytes());
    record.extend(0o644_u32.to_ne_bytes());
    record.extend((path.len() as u16).to_ne_bytes());
    record.resize(80, 0);
    record.extend(path.as_bytes());
    record
}

/// The columns that the tool shows by itself.
pub(crate) fn columns() -> Vec<Column<Opens>> {
    tracewell_shared::columns![Opens: pid, comm, fd, error, path]
}
