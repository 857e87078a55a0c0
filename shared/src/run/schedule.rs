// SPDX-License-Identifier: MIT OR Apache-2.0
//! When intervals end, by the command line.

use crate::cli::Intervals;
use crate::run::runner::Schedule;

impl Intervals {
    /// The same, for a run.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            interval: self.interval,
            intervals: self.count,
        }
    }
}
