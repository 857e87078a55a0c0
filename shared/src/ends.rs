// SPDX-License-Identifier: MIT OR Apache-2.0
//! What ends a run of a command line, whatever it prints: a signal, its duration, its command.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::cli::Common;
use crate::command::{Beside, Held};
use crate::error::{Error, Result};
use crate::shutdown::Shutdown;

/// The ends of a run under way, from when it began.
pub(crate) struct Ends {
    started: Instant,
    deadline: Option<Instant>,
    shutdown: Shutdown,
    command: Beside,
}

impl Ends {
    /// Begins the run: lets the command go, and the duration count. `name` is the tool's.
    pub(crate) fn begin(
        name: &'static str,
        common: &Common,
        shutdown: Shutdown,
        held: Option<Held>,
    ) -> Result<Self> {
        let mut ends = Self {
            started: Instant::now(),
            deadline: None,
            shutdown,
            command: Beside::release(name, held)?,
        };
        ends.deadline = ends.after(common.duration);
        Ok(ends)
    }

    /// How long the run has been under way.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// When a time will have passed since the beginning; `None` for none, or one that no clock will show.
    pub(crate) fn after(&self, time: Option<Duration>) -> Option<Instant> {
        time.and_then(|time| self.started.checked_add(time))
    }

    /// Waits for the first of the ends, and hands a signal on to the command. Nothing is lost if it is dropped.
    pub(crate) async fn reached(&mut self) -> Result<()> {
        tokio::select! {
            reason = self.shutdown.recv() => {
                self.command.pass_on(reason);
                Ok(())
            }
            () = sleep_until(self.deadline.unwrap_or(self.started)), if self.deadline.is_some() => Ok(()),
            ended = self.command.wait() => ended,
        }
    }

    /// The exit status of the run, its account having been given: `lost` says whether that tells of losses, `failed`
    /// what ended the output.
    pub(crate) async fn status(
        mut self,
        common: &Common,
        lost: bool,
        failed: Option<Error>,
    ) -> Result<u8> {
        if let Some(error) = failed {
            return Err(error);
        }
        let status = self.command.outlast(&mut self.shutdown).await?;
        Ok(if lost && common.fail_on_loss {
            3
        } else {
            status
        })
    }
}
