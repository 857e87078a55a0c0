// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the sources of all tools have in common that read a stream of events.

use crate::confine::privilege::Capability;
use crate::data::loss::{Cause, Lost};
use crate::error::Result;
use crate::output::outlet::Out;
use crate::run::runner::{Source, Started};
use crate::trace::stream::Stream;
use crate::trace::tracer::Tracer;

/// A stream that is attached, and the source that is made of it.
pub(super) fn started<'a, T: Tracer>(
    mut stream: Stream<T>,
    capabilities: &'static [Capability],
    source: impl FnOnce(Stream<T>) -> Box<dyn Source + 'a>,
) -> Started<'a> {
    Started {
        rung: stream.rung(),
        buffer: Some(stream.buffer()),
        passed: stream.passed().to_vec(),
        notes: stream.notes().to_vec(),
        hooked: stream.hooked().to_vec(),
        cgroups: stream.take_cgroups(),
        state: stream.state(),
        capabilities,
        updates_maps: false,
        source: source(stream),
    }
}

/// Tells of a loss where it stands in the stream. Counts a record that could not be read: the stream takes it for one that
/// came.
pub(super) fn lost(lost: &Lost, malformed: &mut u64, out: &mut dyn Out) -> Result<()> {
    if lost.cause == Cause::Malformed {
        *malformed += lost.count;
    }
    out.lost(lost)
}
