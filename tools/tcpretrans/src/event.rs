// SPDX-License-Identifier: MIT OR Apache-2.0
//! One segment, from the record's bytes to named fields.

use std::mem::offset_of;

use tracewell_shared::data::record;
use tracewell_shared::event::connection::{Role, State};
use tracewell_shared::event::endpoints::Endpoints;
use tracewell_shared::event::owner::Owner;
use tracewell_shared::event::task::Task;
use tracewell_shared::event::{Bytes, Event, Word};

use crate::skel::types::retransmit_event;
use crate::tracer::Retransmits;

/// Why a segment is sent again: `enum retransmit_kind`, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Word)]
#[non_exhaustive]
pub enum Kind {
    /// A SYN that nobody has answered.
    Syn,
    /// Nothing was acknowledged for too long.
    Timeout,
    /// Acknowledgements of what came later say that it was lost.
    Recovery,
    /// The last of what was sent, to have the other side say what it has.
    LossProbe,
    /// Anything else, as where the path takes smaller packets only.
    Other,
}

impl Kind {
    fn of(number: u8) -> Option<Self> {
        let index = usize::from(number).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }
}

/// A TCP segment that is sent again.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "retransmit", of = Retransmits)]
#[non_exhaustive]
pub struct Retransmit<'a> {
    /// Whose the connection is, and when the segment was sent.
    #[field(group)]
    pub owner: Owner<'a>,
    /// Which side began the connection: `connect` this one, `accept` the other one.
    #[field(
        null = "of one that began before the trace, of more than `--inflight` at once, and where the kernel refused to run the \
                program for a part of it",
        left("ROLE", 7)
    )]
    pub role: Option<Role>,
    /// Its two ends.
    #[field(group)]
    pub ends: Endpoints,
    /// The state of this end.
    #[field(left("STATE", 11))]
    pub state: State,
    /// Why it is sent again: `syn` was not answered; `timeout`: nothing was acknowledged for too long; `recovery`: the other
    /// side has what came later; `loss_probe`: to have the other side say what it has; `other`.
    #[field(left("KIND", 10))]
    pub kind: Kind,
    /// The sequence number of its first byte.
    #[field(left("SEQ", 10))]
    pub seq: u32,
    /// How long it is, a SYN and a FIN as one byte each.
    #[field(right("BYTES", 6))]
    pub bytes: Bytes,
}

impl<'a> Retransmit<'a> {
    pub(crate) fn decode(record: &'a [u8]) -> Option<Self> {
        let (raw, _) = record::split::<retransmit_event>(record)?;
        Some(Self {
            owner: Owner::of(Task::decode(record)?, raw.owned != 0),
            role: Role::of(raw.role),
            ends: Endpoints::decode(record.get(offset_of!(retransmit_event, ends)..)?)?,
            state: State::of(raw.state)?,
            kind: Kind::of(raw.kind)?,
            seq: raw.seq,
            bytes: Bytes(raw.bytes.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn kinds_are_numbered_as_the_kernels_side_numbers_them() {
        let all = [0, 1, 4, 5, 6].map(Kind::of);
        let [syn, probe, other] = [Kind::Syn, Kind::LossProbe, Kind::Other];
        assert_eq!(all, [None, Some(syn), Some(probe), Some(other), None]);
    }
}
