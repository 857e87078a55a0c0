// SPDX-License-Identifier: MIT OR Apache-2.0
//! One connection, from the record's bytes to named fields.

use std::mem::offset_of;

use tracewell_shared::data::record;
use tracewell_shared::event::connection::{Role, State};
use tracewell_shared::event::endpoints::Endpoints;
use tracewell_shared::event::owner::Owner;
use tracewell_shared::event::task::Task;
use tracewell_shared::event::{Bytes, Event, Failure, Nanos, as_kilobytes, as_millis};

use crate::skel::types::life_event;
use crate::tracer::Lives;

/// A TCP connection, once it is closed.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "connection", of = Lives)]
#[non_exhaustive]
pub struct Life<'a> {
    /// Whose it was, and when it was closed.
    #[field(group)]
    pub owner: Owner<'a>,
    /// Which side began it: `connect` this one, `accept` the other one.
    #[field(
        null = "of one that began before the trace, of more than `--inflight` at once, and where the kernel refused to run the \
                program for a part of it",
        left("ROLE", 7)
    )]
    pub role: Option<Role>,
    /// Its two ends.
    #[field(group)]
    pub ends: Endpoints,
    /// What this side sent and the other has acknowledged, without what was sent again.
    #[field(right("TX_KB", 6), show = as_kilobytes)]
    pub sent_bytes: Bytes,
    /// What this side received in its order, read or not.
    #[field(right("RX_KB", 6), show = as_kilobytes)]
    pub received_bytes: Bytes,
    /// How many segments this side sent again.
    pub retransmits: u32,
    /// How long it was there, from when it was established; of one that never was, from its first SYN.
    #[field(null = "as `role`", right("MS", 9), show = as_millis)]
    pub duration_ns: Option<Nanos>,
    /// The state that it was in before: `fin_wait2` and `closing` where this side closed first, `last_ack` where the other
    /// did, `established` where it was cut off, `syn_sent` where it never came to be.
    #[field(left("STATE", 11))]
    pub state: State,
    /// Why the kernel closed it, where it did.
    #[field(group)]
    pub failure: Failure,
}

impl<'a> Life<'a> {
    pub(crate) fn decode(record: &'a [u8]) -> Option<Self> {
        let (raw, _) = record::split::<life_event>(record)?;
        let task = Task::decode(record)?;
        let since = (raw.since_ns != 0).then_some(raw.since_ns);
        let closed_ns = task.time.boot_ns;
        Some(Self {
            owner: Owner::of(task, raw.owned != 0),
            role: Role::of(raw.role),
            ends: Endpoints::decode(record.get(offset_of!(life_event, ends)..)?)?,
            sent_bytes: Bytes(raw.sent_bytes),
            received_bytes: Bytes(raw.received_bytes),
            retransmits: raw.retransmits,
            duration_ns: since.map(|since_ns| Nanos(closed_ns.saturating_sub(since_ns))),
            state: State::of(raw.state)?,
            failure: Failure::of(-i32::from(raw.err)),
        })
    }
}
