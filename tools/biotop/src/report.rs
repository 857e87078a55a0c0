// SPDX-License-Identifier: MIT OR Apache-2.0
//! One row, as a program reads it.

use tracewell_shared::block::{Operation, letter};
use tracewell_shared::event::{Bytes, Cell, Event, Nanos, Word};
use tracewell_shared::run::runner::Interval;

/// What came of one process's requests of one operation to one disk, in one interval. That of which nothing came has no
/// object.
#[derive(Debug, Clone, Event)]
#[event(kind = "row", of = Reports)]
pub struct Report<'a> {
    /// When it was.
    #[field(group)]
    pub interval: Interval,
    /// Whose row it is.
    pub tool: Itself,
    /// The process that submitted the requests, in the initial pid namespace.
    #[field(null = "of those that found no room", left("PID", 7), none = "(other)")]
    pub pid: Option<u32>,
    /// The name of its first thread, when the first of the requests was submitted.
    #[field(null = "as `pid`", left("COMM", 16), show = shown_comm)]
    pub comm: Option<&'a [u8]>,
    /// The operation, as the running kernel calls it, in lower case: read, write, flush, discard.
    #[field(null = "as `pid`", left("D", 1), show = as_letter)]
    pub op: Option<Operation>,
    /// The disk's major number.
    #[field(
        null = "as `pid`, and of a disk that has gone or shows none",
        right("MAJ", 3)
    )]
    pub major: Option<u32>,
    /// Its minor number.
    #[field(null = "as `major`", left("MIN", 3))]
    pub minor: Option<u32>,
    /// The disk's name as in /sys/block; no-disk of commands to a controller.
    #[field(null = "as `pid`", left("DISK", 8))]
    pub disk: Option<String>,
    /// These found no room (`--room`), whosever they are: pid, comm, op and disk are null.
    pub other: bool,
    /// How many requests ended.
    #[field(range(1, u64::MAX as i128), right("I/O", 5))]
    pub count: u64,
    /// How many bytes they were about.
    #[field(right("Kbytes", 7), show = as_kilobytes)]
    pub bytes: Bytes,
    /// How long they took together, each from its issue to the driver to its completion.
    pub took_ns: Nanos,
}

/// The family of [`Report`].
#[derive(Debug, Clone, Copy)]
pub struct Reports;

/// This tool, of those that have tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Word)]
pub enum Itself {
    /// It is.
    Biotop,
}

fn shown_comm(comm: &Option<&[u8]>, cell: &mut Cell<'_>) {
    cell.word(comm.unwrap_or_default());
}

/// The letter that blktrace(8) has for the operation.
fn as_letter(op: &Option<Operation>, cell: &mut Cell<'_>) {
    let op = op.as_ref().map(|Operation(name)| letter(name));
    cell.text(op.unwrap_or("-"));
}

fn as_kilobytes(Bytes(bytes): &Bytes, cell: &mut Cell<'_>) {
    cell.u64(bytes / 1024);
}
