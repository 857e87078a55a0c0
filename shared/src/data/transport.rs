// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the kernel's buffer to a batch of copied records, without losing a wake-up and with few of them.

mod perf;
mod records;
mod rings;

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

pub(crate) use perf::PERF_MOST_BYTES;
pub use perf::page_bytes;
pub(crate) use records::{Records, head_of};

use crate::error::{Error, Result};
use crate::kernel::cpus;
use perf::PerfBuffers;
use rings::Rings;

/// Records fetched at most before the caller gets them: bounds memory, and the time until a signal is heard. As rows
/// they fill about one write of output.
const BATCH: usize = 1024;

/// How often the ring is looked at though nothing woke the reader: a net under the design, not a part of it.
const NET: Duration = Duration::from_secs(1);

/// How often perf buffers are looked at. They wake the reader only when half full: a wake-up for each event
/// costs the traced process some 7 µs.
const PERF_TICK: Duration = Duration::from_millis(40);

/// The largest event that a buffer of `bytes` takes. BPF counts a larger one as lost for that reason.
pub(crate) fn event_most_bytes(bytes: usize, perf: bool) -> u32 {
    // Each record of either has a head of 8 bytes and is padded to 8, and neither buffer is ever filled to its last byte;
    // in a perf buffer a length of 4 bytes lies before the event, and counts to what is padded.
    let fits = if perf {
        bytes.saturating_sub(8 + 8 + 4).min(PERF_MOST_BYTES)
    } else {
        bytes.saturating_sub(8 + 8)
    };
    u32::try_from(fits).unwrap_or(u32::MAX)
}

/// How large a ring has to be that is to take an event of so many bytes; it is rounded up to a power of two later.
pub(crate) fn ring_bytes(event: usize) -> usize {
    event.saturating_add(8 + 8 + 8)
}

#[derive(Debug)]
enum Buffer {
    Rings(Rings),
    Perf(PerfBuffers),
}

impl Buffer {
    /// Copies up to `at_most` records (perf buffers: all there are) and gives how many.
    fn consume(&mut self, into: &mut Records, at_most: usize) -> io::Result<usize> {
        match self {
            Self::Rings(rings) => rings.consume(into, at_most),
            Self::Perf(perf) => perf.consume(into),
        }
    }

    /// Whether one record may be older than another that was copied before it.
    fn is_many(&self) -> bool {
        match self {
            Self::Rings(rings) => rings.count() > 1,
            Self::Perf(_) => true,
        }
    }
}

/// The reading end of a tool's buffer.
#[derive(Debug)]
pub(crate) struct Transport {
    readiness: AsyncFd<OwnedFd>,
    buffer: Buffer,
    latency: Duration,
    tick: Duration,
    /// Something may be waiting: readiness was seen, or a drain stopped at its bound.
    pending: bool,
}

impl Transport {
    /// Reads ring buffer maps. Must be called inside a tokio runtime.
    pub(crate) fn rings(maps: Vec<OwnedFd>, latency: Duration) -> Result<Self> {
        let refused = |error: io::Error| Error::io("cannot map the ring buffer", &error);
        let rings = Rings::new(&maps).map_err(refused)?;
        let epoll = rings.epoll().map_err(refused)?;
        Self::new(Buffer::Rings(rings), epoll, latency, NET)
    }

    /// Reads the perf event array `map` through one buffer of `bytes` for each CPU. Must be called inside a
    /// tokio runtime.
    pub(crate) fn perf(map: OwnedFd, bytes: usize, latency: Duration) -> Result<Self> {
        let refused = |error: io::Error| Error::io("cannot open the perf buffers", &error);
        let perf = PerfBuffers::new(map, bytes, &cpus::online()?).map_err(refused)?;
        let epoll = perf.epoll().map_err(refused)?;
        Self::new(Buffer::Perf(perf), epoll, latency, PERF_TICK)
    }

    fn new(buffer: Buffer, fd: OwnedFd, latency: Duration, tick: Duration) -> Result<Self> {
        // SAFETY: an owned descriptor stays open, and the same, until it is dropped with the AsyncFd.
        let readiness = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }
            .map_err(|error| Error::io("cannot wait for the buffer", &io::Error::from(error)))?;
        Ok(Self {
            readiness,
            buffer,
            latency,
            tick,
            pending: true,
        })
    }

    /// What users call it: `ring` or `perf`.
    pub(crate) fn kind(&self) -> &'static str {
        match self.buffer {
            Buffer::Rings(_) => "ring",
            Buffer::Perf(_) => "perf",
        }
    }

    /// Waits until records may be there. Nothing is lost when the future is dropped.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        let wait = |error: io::Error| Error::io("cannot wait for the buffer", &error);
        if self.pending {
            // A drain that stopped at its bound: others on this thread get their turn, then on at once.
            tokio::task::yield_now().await;
            return Ok(());
        }
        if let Ok(guard) = timeout(self.tick, self.readiness.readable()).await {
            // Cleared before the drain: what comes later makes it ready again.
            guard.map_err(wait)?.clear_ready();
            self.pending = true;
            // The kernel wakes the reader again only when the ring is filling up.
            if let Ok(guard) = timeout(self.latency, self.readiness.readable()).await {
                guard.map_err(wait)?.clear_ready();
            }
        }
        Ok(())
    }

    /// Copies what is there, up to a bound, into `into`.
    ///
    /// The kernel wakes the reader only for a record that it puts where the reader stands. It may read that place
    /// before the reader's last step is visible, and the reader may look for more before that record is: then
    /// neither sees the other, and an edge-triggered wait would be for ever. A full fence between the step and the
    /// last look makes one of the two certain.
    pub(crate) fn drain(&mut self, into: &mut Records) -> Result<()> {
        let refused = |error: io::Error| Error::io("cannot read the buffer", &error);
        loop {
            let room = BATCH.saturating_sub(into.len());
            if room == 0 {
                self.pending = true;
                break;
            }
            if self.buffer.consume(into, room).map_err(refused)? > 0 {
                continue;
            }
            std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
            if self.buffer.consume(into, room).map_err(refused)? == 0 {
                self.pending = false;
                break;
            }
        }
        if self.buffer.is_many() {
            into.sort_by_time();
        }
        Ok(())
    }

    /// Whether the last drain stopped at its bound.
    pub(crate) fn has_more(&self) -> bool {
        self.pending
    }
}

#[cfg(test)]
mod tests {
    use super::{PERF_MOST_BYTES, event_most_bytes, ring_bytes};

    #[test]
    fn an_event_fits_with_what_the_kernel_puts_before_it() {
        assert_eq!(event_most_bytes(4096, false), 4080);
        assert_eq!(event_most_bytes(4096, true), 4076);
        assert_eq!(event_most_bytes(1 << 20, true) as usize, PERF_MOST_BYTES);
        assert_eq!(event_most_bytes(0, true), 0);
        for event in [1, 4080, 4081, 5_400_000] {
            let ring = ring_bytes(event).next_power_of_two();
            assert!(event_most_bytes(ring, false) as usize >= event, "{event}");
        }
    }
}
