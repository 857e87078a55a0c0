// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many buffers carry the events, and how large each is.

use super::rings::Rings;
use crate::data::transport::{self, page_bytes};
use crate::error::Result;
use crate::kernel::cpus;
use crate::trace::options::{Buffer, Options};

/// The ring's size unless asked otherwise: what 530,000 opens a second need while the reader is off its CPU.
const RING_BYTES: usize = 4 << 20;

/// The least of each, where there are several.
const RING_LEAST_BYTES: usize = 1 << 20;

/// Each CPU's perf buffer unless asked otherwise.
const PERF_BYTES: usize = 1 << 20;

/// What carries the events of a trace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buffers {
    /// Where they are no perf buffers.
    pub(super) rings: Rings,
    /// Of each ring, or of each CPU's perf buffer.
    pub(super) bytes: usize,
}

impl Buffers {
    /// Those that were asked for, or that are right, for events of at most so many bytes.
    pub(super) fn of(options: &Options, most_bytes: usize) -> Result<Self> {
        let online = u32::try_from(cpus::online()?.len()).unwrap_or(u32::MAX);
        let mut rings = Rings::of(options.rings, online);
        if options.buffer == Buffer::Perf {
            let bytes = whole_pages(options.buffer_bytes, PERF_BYTES);
            return Ok(Self { rings, bytes });
        }
        let least = transport::ring_bytes(most_bytes);
        let each = match options.buffer_bytes {
            Some(bytes) => {
                // Not so many that an event which the whole would take finds none that does.
                while options.rings.is_none()
                    && rings.count > 1
                    && bytes / (rings.count as usize) < least
                {
                    rings = Rings::of(Some(rings.count / 2), online);
                }
                bytes / rings.count as usize
            }
            None => (RING_BYTES / rings.count as usize)
                .max(RING_LEAST_BYTES)
                .max(least),
        };
        let bytes = whole_pages(Some(each), RING_BYTES);
        Ok(Self { rings, bytes })
    }
}

/// A power of two of pages, as both kinds of buffer want it.
fn whole_pages(bytes: Option<usize>, default: usize) -> usize {
    bytes
        .unwrap_or(default)
        .max(page_bytes())
        .checked_next_power_of_two()
        .unwrap_or(default)
}
