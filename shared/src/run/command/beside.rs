// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command beside the trace: whichever ends first, the other is treated as its user would want.

use std::process::ExitStatus;

use nix::sys::signal::Signal;

use super::{Held, Running, exit_code};
use crate::console;
use crate::error::Result;
use crate::run::shutdown::{Reason, Shutdown};

/// The command of a run, if it has one.
#[derive(Debug)]
pub(crate) struct Beside {
    name: &'static str,
    state: State,
}

#[derive(Debug)]
enum State {
    None,
    Running(Running),
    Ended(ExitStatus),
}

impl Beside {
    /// Lets the command run; `name` is the tool's. With `verbose` it is said if the thread that waits for the command is
    /// not confined as the one that traces.
    pub(crate) fn release(name: &'static str, held: Option<Held>, verbose: bool) -> Result<Self> {
        let state = match held {
            Some(held) => {
                let running = held.release()?;
                if verbose && let Some(error) = running.unconfined() {
                    console::say(
                        name,
                        format_args!(
                            "the thread that waits for the command keeps more than it needs: {error}"
                        ),
                    );
                }
                State::Running(running)
            }
            None => State::None,
        };
        Ok(Self { name, state })
    }

    /// Waits for the command's end; for ever where there is none to wait for.
    pub(crate) async fn wait(&mut self) -> Result<()> {
        match &mut self.state {
            State::Running(running) => {
                let status = running.wait().await?;
                self.state = State::Ended(status);
                Ok(())
            }
            State::None | State::Ended(_) => std::future::pending().await,
        }
    }

    /// Hands a signal on to the command. Not the terminal's interrupt, which reached it already.
    pub(crate) fn pass_on(&self, reason: Reason) {
        if let (State::Running(running), Some(signal @ (Signal::SIGTERM | Signal::SIGHUP))) =
            (&self.state, signal_of(reason))
            && let Err(error) = running.signal(signal)
        {
            // It may have become another user's. That is no reason to lose what was traced.
            console::say(
                self.name,
                format_args!("cannot hand {signal} on to the command: {error}"),
            );
        }
    }

    /// The exit status of the run, the trace having ended. A command that has not is the user's, and ends by
    /// itself; a second signal ends the wait for it.
    pub(crate) async fn outlast(mut self, shutdown: &mut Shutdown) -> Result<u8> {
        loop {
            match &self.state {
                State::None => return Ok(0),
                State::Ended(status) => return Ok(exit_code(*status)),
                State::Running(_) => {}
            }
            tokio::select! {
                ended = self.wait() => ended?,
                reason = shutdown.recv() => if let Some(signal) = signal_of(reason) {
                    return Ok(128 + signal as u8);
                },
            }
        }
    }
}

fn signal_of(reason: Reason) -> Option<Signal> {
    match reason {
        Reason::Interrupt => Some(Signal::SIGINT),
        Reason::Terminate => Some(Signal::SIGTERM),
        Reason::Hangup => Some(Signal::SIGHUP),
        Reason::ReaderGone => None,
    }
}
