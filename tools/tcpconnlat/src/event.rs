// SPDX-License-Identifier: MIT OR Apache-2.0
//! One attempt to connect, from the record's bytes to named fields.

use std::mem::offset_of;

use tracewell_shared::data::record;
use tracewell_shared::event::endpoints::Endpoints;
use tracewell_shared::event::task::Task;
use tracewell_shared::event::{Event, Failure, Nanos, Word, as_known_millis};

use crate::skel::types::connect_event;
use crate::tracer::Connects;

/// What became of an attempt to connect: `enum connect_outcome`, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Word)]
#[non_exhaustive]
pub enum Outcome {
    /// The other side answered, and the connection is there.
    Established,
    /// It failed: the error says why.
    Failed,
    /// It was given up without an answer.
    Closed,
}

impl Outcome {
    fn of(number: u8) -> Option<Self> {
        let index = usize::from(number).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }
}

/// An attempt to connect, once it came to its end.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "connect", of = Connects, failed = Self::is_failure)]
#[non_exhaustive]
pub struct Connect<'a> {
    /// Who called connect(2) or sent the first data (TCP Fast Open), and when the attempt came to its end.
    #[field(group)]
    pub task: Task<'a>,
    /// The two ends.
    #[field(group)]
    pub ends: Endpoints,
    /// How long it took, from the SYN to the answer or the end.
    #[field(right("LAT(ms)", 9), show = as_known_millis)]
    pub duration_ns: Nanos,
    /// What became of it: `established`; `failed`, of which the error says why; `closed` where the process closed the socket
    /// before there was an answer, or connect(2) failed in itself, as without a free port.
    #[field(left("OUTCOME", 11))]
    pub outcome: Outcome,
    /// How it failed, if it did.
    #[field(group)]
    pub failure: Failure,
}

impl<'a> Connect<'a> {
    fn is_failure(&self) -> bool {
        self.outcome != Outcome::Established
    }

    pub(crate) fn decode(record: &'a [u8]) -> Option<Self> {
        let (raw, _) = record::split::<connect_event>(record)?;
        Some(Self {
            task: Task::decode(record)?,
            ends: Endpoints::decode(record.get(offset_of!(connect_event, ends)..)?)?,
            duration_ns: Nanos(raw.took_ns),
            outcome: Outcome::of(raw.outcome)?,
            failure: Failure::of(-i32::from(raw.err)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn outcomes_are_numbered_as_the_kernels_side_numbers_them() {
        let all = [0, 1, 2, 3, 4].map(Outcome::of);
        let [established, failed, closed] =
            [Outcome::Established, Outcome::Failed, Outcome::Closed];
        assert_eq!(
            all,
            [None, Some(established), Some(failed), Some(closed), None]
        );
    }
}
