// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is shown for each interval, whatever that is: its output, the times of intervals, and how much was counted.

use std::time::Duration;

use crate::data::loss::{Counts, Lost};
use crate::error::Result;
use crate::event::EventFamily;
use crate::kernel::clock::Clock;
use crate::output::outlet::{Out, Outlet};
use crate::output::{Format, Writer};
use crate::run::picked::Picked;
use crate::run::runner::Interval;

/// The output of a tool that shows something for each interval.
pub(super) struct Periodic<T: EventFamily> {
    pub(super) out: Outlet<T>,
    format: Format,
    clock: Clock,
    /// The beginning of the first interval.
    begun_ns: u64,
    /// The end of the last interval.
    last_ns: u64,
    /// How many operations were shown.
    pub(super) counted: u64,
    /// Which of them are shown.
    pub(super) picked: Picked,
    /// The losses that were told.
    told: Counts,
    /// Whether the trace has ended, so that only its last interval is to be shown.
    pub(super) stopped: bool,
}

impl<T: EventFamily> Periodic<T> {
    pub(super) fn new(
        tool: &'static str,
        format: Format,
        writer: Writer<T>,
        clock: Clock,
        picked: Picked,
    ) -> Self {
        Self {
            out: Outlet::new(tool, format, writer),
            format,
            clock,
            begun_ns: 0,
            last_ns: 0,
            counted: 0,
            picked,
            told: Counts::default(),
            stopped: false,
        }
    }

    pub(super) fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// The first interval begins: people are greeted, and programs get what the output begins with.
    pub(super) fn begin(&mut self, greeting: &str) -> Result<()> {
        let table = self.is_table();
        self.out.write(|writer| {
            if table {
                writer.text(|lines| lines.text(format_args!("{greeting}\n")))?;
                writer.flush()
            } else {
                writer.header()
            }
        })?;
        self.begun_ns = self.clock.boot_now_ns();
        self.last_ns = self.begun_ns;
        Ok(())
    }

    /// An interval ends now, and the next one begins.
    pub(super) fn next(&mut self) -> Ended {
        let end_ns = self.clock.boot_now_ns();
        let length = Duration::from_nanos(end_ns.saturating_sub(self.last_ns));
        self.last_ns = end_ns;
        Ended { end_ns, length }
    }

    /// Why nothing was shown, where that is so; `otherwise` is where nothing came.
    pub(super) fn why_nothing(&self, otherwise: impl Fn() -> String) -> Option<String> {
        let left_out = self.picked.why_nothing(self.counted);
        left_out.or_else(|| (self.counted == 0).then(otherwise))
    }

    /// How long all intervals were together.
    pub(super) fn length(&self) -> Duration {
        Duration::from_nanos(self.last_ns - self.begun_ns)
    }

    /// The time of an end, since the Unix epoch.
    pub(super) fn since_epoch(&self, ended: Ended) -> Duration {
        Duration::from_nanos(self.clock.unix_ns(ended.end_ns))
    }

    /// Tells the losses that were not told yet, each to `also` too.
    pub(super) fn tell_losses(
        &mut self,
        losses: &Counts,
        ended: Ended,
        mut also: impl FnMut(&Lost),
    ) -> Result<()> {
        for lost in losses.untold(&mut self.told, ended.end_ns) {
            also(&lost);
            self.out.lost(&lost)?;
        }
        Ok(())
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
