// SPDX-License-Identifier: MIT OR Apache-2.0
//! One row, as a program reads it.

use tracewell_shared::event::{Cell, Event, Fields, Nanos, Type, Value, Word};
use tracewell_shared::run::runner::Interval;

/// What came of one system call, or of one process, in one interval. One of which nothing came has no object.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "row", of = Reports)]
pub struct Report<'a> {
    /// When it was.
    #[field(group)]
    pub interval: Interval,
    /// Whose row it is.
    pub tool: Itself,
    /// The call's name.
    #[field(null = "with `-P`, and of a number without a name")]
    pub syscall: Option<Name>,
    /// The call's number in the caller's table.
    #[field(null = "with `-P`, and of numbers that no call has")]
    pub number: Option<u32>,
    /// Whether that is the table of 32-bit programs.
    #[field(null = "as `number`")]
    pub compat: Option<bool>,
    /// The process, in the initial pid namespace.
    #[field(
        null = "without `-P`, and of those that found no room",
        left("PID", 6),
        none = "(other)"
    )]
    pub pid: Option<u32>,
    /// The name of its first thread.
    #[field(null = "as `pid`", left("COMM", 15), show = shown_comm)]
    pub comm: Option<&'a [u8]>,
    /// Of numbers that no call has, or of processes that found no room (`--room`).
    pub other: bool,
    /// How many calls returned.
    #[field(range(1, u64::MAX as i128), right("COUNT", 8))]
    pub count: u64,
    /// How many of them by an error.
    pub errors: u64,
    /// How long they took together, in nanoseconds.
    #[field(null = "without `-L`")]
    pub took_ns: Option<Nanos>,
}

/// The family of [`Report`].
#[derive(Debug, Clone, Copy)]
pub struct Reports;

fn shown_comm(comm: &Option<&[u8]>, cell: &mut Cell<'_>) {
    cell.word(comm.unwrap_or_default());
}

/// The name of a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name(pub &'static str);

impl Value for Name {
    const TYPE: Type = Type::Text("^[a-z0-9_]+$");

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.text(name, self.0);
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.text(self.0);
    }
}

/// This tool, of those that have tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Word)]
pub enum Itself {
    /// It is.
    Syscount,
}
