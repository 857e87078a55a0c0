// SPDX-License-Identifier: MIT OR Apache-2.0
//! What ends a run of a command line, whatever it prints: a signal, its duration, its command.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::cli::Common;
use crate::console;
use crate::data::state::State;
use crate::error::{Error, Result};
use crate::run::command::{Beside, Held};
use crate::run::shutdown::Shutdown;
use crate::trace::cgroups::{Cgroups, Change};
use crate::trace::subjects::{Ended, Subjects};

/// How often `--wait-all` looks whether a descendant is left.
const DESCENDANTS_LOOK: Duration = Duration::from_millis(50);

/// The ends of a run under way, from when it began.
pub(crate) struct Ends {
    name: &'static str,
    started: Instant,
    deadline: Option<Instant>,
    shutdown: Shutdown,
    command: Beside,
    watched: Watched,
    /// Whether the end of the first process that is followed is not the run's, but that of its last descendant.
    wait_all: bool,
    /// Whether processes that run are followed.
    children: bool,
    /// The first has ended: the command, or all that `--pid` names.
    first_ended: bool,
    over: bool,
    /// The descendants that were there when the end of the first ended the run.
    outlived_by: u32,
}

/// What a run looks at beside its events.
pub(crate) struct Watched {
    /// The processes and threads that filters name.
    pub(crate) subjects: Subjects,
    /// The cgroups that filters name.
    pub(crate) cgroups: Option<Cgroups>,
    /// Where the kernel's side counts the command's descendants.
    pub(crate) state: Arc<State>,
}

/// What a run met.
enum Met {
    End,
    CommandEnd(Result<()>),
    Nothing,
    Subjects(Ended),
    Cgroup(Change),
}

impl Ends {
    /// Begins the run: lets the command go, and the duration count. `name` is the tool's.
    pub(crate) fn begin(
        name: &'static str,
        common: &Common,
        shutdown: Shutdown,
        held: Option<Held>,
        watched: Watched,
    ) -> Result<Self> {
        if watched.subjects.are_unseen() {
            console::say(
                name,
                "this pid namespace does not show the processes that are filtered by: their end does not end the run",
            );
        }
        let mut ends = Self {
            name,
            started: Instant::now(),
            deadline: None,
            shutdown,
            command: Beside::release(name, held, common.verbose)?,
            watched,
            wait_all: common.wait_all,
            children: common.children,
            first_ended: false,
            over: false,
            outlived_by: 0,
        };
        ends.deadline = ends.after(common.duration);
        Ok(ends)
    }

    /// How long the run has been under way.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether a cgroup that is asked for was made again, so that not all that ran in it was seen. For when the trace has
    /// ended, before its account is asked for, which knows it then.
    pub(crate) fn cgroup_made_again(&mut self) -> bool {
        self.watched.cgroups.as_mut().is_some_and(|cgroups| {
            cgroups.last_look();
            cgroups.is_interrupted()
        })
    }

    /// When a time will have passed since the beginning; `None` for none, or one that no clock will show.
    pub(crate) fn after(&self, time: Option<Duration>) -> Option<Instant> {
        time.and_then(|time| self.started.checked_add(time))
    }

    /// Waits for the first of the ends, and hands a signal on to the command. Says what else is met. Nothing is lost if it
    /// is dropped. Once the run is over, only signals are waited for.
    pub(crate) async fn reached(&mut self) -> Result<()> {
        if self.over {
            let reason = self.shutdown.recv().await;
            self.command.pass_on(reason);
            return Ok(());
        }
        let reached = self.first().await;
        self.over = true;
        reached
    }

    async fn first(&mut self) -> Result<()> {
        loop {
            if self.first_ended {
                let left = self.watched.state.followed();
                if left == 0 || !self.wait_all {
                    self.outlived_by = left;
                    return Ok(());
                }
            }
            let left = self.first_ended;
            let met = tokio::select! {
                reason = self.shutdown.recv() => {
                    self.command.pass_on(reason);
                    Met::End
                }
                () = sleep_until(self.deadline.unwrap_or(self.started)), if self.deadline.is_some() => Met::End,
                ended = self.command.wait() => Met::CommandEnd(ended),
                () = sleep(DESCENDANTS_LOOK), if left => Met::Nothing,
                ended = self.watched.subjects.ended(), if !left => Met::Subjects(ended),
                change = changed(self.watched.cgroups.as_mut()) => Met::Cgroup(change),
            };
            match met {
                Met::End => return Ok(()),
                Met::CommandEnd(ended) => {
                    ended?;
                    self.first_ended = true;
                }
                Met::Nothing => {}
                Met::Subjects(ended) => {
                    console::say(self.name, ended);
                    if !self.children {
                        return Ok(());
                    }
                    self.first_ended = true;
                }
                Met::Cgroup(change) => console::say(self.name, change),
            }
        }
    }

    /// Says how many descendants the run has left behind.
    fn tell_outlived(&self) {
        match self.outlived_by {
            0 => {}
            left => console::say(
                self.name,
                format_args!(
                    "{} has ended, and {left} of its descendants still {}; --wait-all traces them to their end",
                    if self.children {
                        "what --pid names"
                    } else {
                        "the command"
                    },
                    if left == 1 { "runs" } else { "run" }
                ),
            ),
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
        self.tell_outlived();
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

/// Waits for a change of a cgroup; for ever where none is filtered by.
async fn changed(cgroups: Option<&mut Cgroups>) -> Change {
    match cgroups {
        Some(cgroups) => cgroups.changed().await,
        None => std::future::pending().await,
    }
}
