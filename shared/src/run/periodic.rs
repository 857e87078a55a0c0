// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is counted in the kernel and shown for each interval, whatever that is: its output, and how much it was.

use crate::data::loss::{Counts, Lost};
use crate::error::Result;
use crate::event::EventFamily;
use crate::output::outlet::{Out, Outlet};
use crate::output::{Format, Writer};
use crate::run::picked::Picked;
use crate::run::timer::{Ended, Timer};

/// The output of a tool that shows something for each interval.
pub(super) struct Periodic<T: EventFamily> {
    pub(super) out: Outlet<T>,
    format: Format,
    pub(super) timer: Timer,
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
        picked: Picked,
    ) -> Self {
        Self {
            out: Outlet::new(tool, format, writer),
            format,
            timer: Timer::default(),
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
        self.timer.begin();
        Ok(())
    }

    /// Why nothing was shown, where that is so; `otherwise` is where nothing came.
    pub(super) fn why_nothing(&self, otherwise: impl Fn() -> String) -> Option<String> {
        let left_out = self.picked.why_nothing(self.counted);
        left_out.or_else(|| (self.counted == 0).then(otherwise))
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
