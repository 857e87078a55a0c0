// SPDX-License-Identifier: MIT OR Apache-2.0
//! One line, from the record's bytes to named fields.

use tracewell_shared::data::record;
use tracewell_shared::event::Event;
use tracewell_shared::event::task::Task;
use tracewell_shared::event::text::Text;

use crate::skel::types::line_event;
use crate::tracer::Lines;

/// `enum line_detail`.
const UNREADABLE: u8 = 1;
const CUT: u8 = 2;

/// One line that was read by readline(3).
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "line", of = Lines)]
#[non_exhaustive]
pub struct Line<'a> {
    /// Who read it, and when.
    #[field(group)]
    pub task: Task<'a>,
    /// The line as it was read, without its end: before the shell has expanded anything.
    #[field(
        null = "where it could not be read",
        truncated = "The line has more than 8192 bytes: the rest is missing.",
        left("COMMAND", 0)
    )]
    pub line: Text<'a>,
}

impl<'a> Line<'a> {
    pub(crate) fn decode(record: &'a [u8]) -> Option<Self> {
        let (raw, mut tail) = record::split::<line_event>(record)?;
        let has = |detail: u8| raw.detail & detail != 0;
        let line = tail.take(raw.line_bytes)?;
        Some(Self {
            task: Task::decode(record)?,
            line: Text {
                bytes: (!has(UNREADABLE)).then_some(line),
                truncated: has(CUT),
            },
        })
    }
}
