// SPDX-License-Identifier: MIT OR Apache-2.0
//! When the intervals of a run begin and end.

use std::time::Duration;

use crate::kernel::clock::boot_now_ns;
use crate::run::runner::Interval;

/// Tells intervals, from the time at which the first one begins.
#[derive(Debug, Default)]
pub(super) struct Timer {
    /// The beginning of the first interval.
    begun_ns: u64,
    /// The end of the last interval.
    last_ns: u64,
}

impl Timer {
    /// The first interval begins now.
    pub(super) fn begin(&mut self) {
        self.begun_ns = boot_now_ns();
        self.last_ns = self.begun_ns;
    }

    /// An interval ends now, and the next one begins.
    pub(super) fn next(&mut self) -> Ended {
        let end_ns = boot_now_ns();
        let length = Duration::from_nanos(end_ns.saturating_sub(self.last_ns));
        self.last_ns = end_ns;
        Ended { end_ns, length }
    }

    /// How long all intervals were together.
    pub(super) fn length(&self) -> Duration {
        Duration::from_nanos(self.last_ns - self.begun_ns)
    }
}

/// An interval that is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    /// When, by the boot-time clock.
    pub(super) end_ns: u64,
    /// How long it was.
    pub(super) length: Duration,
}

impl Ended {
    /// In fields of an event.
    pub(super) fn interval(self) -> Interval {
        Interval::new(self.end_ns, self.length)
    }
}
