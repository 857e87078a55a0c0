// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one loop of all tools, whatever they show: events as they come, histograms or tables of what was counted in each
//! interval. It knows none of their types, so that it is compiled once.

use std::fs::File;
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::cli::Common;
use crate::confine::privilege::Capability;
use crate::console;
use crate::data::loss::{Certainty, Counts};
use crate::data::state::State;
use crate::error::{Error, Result};
use crate::event::{Group, Moment};
use crate::kernel::probe::Passed;
use crate::output::outlet::Out;
use crate::output::sink::Sink;
use crate::output::summary::Summary;
use crate::run::ends::Ends;
use crate::run::launch::{self, Kept};
use crate::run::rate::Rate;
use crate::run::shutdown::Rotation;
use crate::trace::cgroups::Cgroups;
use crate::trace::distribution::Aside;
use crate::trace::options::Options;

/// When intervals end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Schedule {
    /// How long an interval is; `None` shows all at the end.
    pub interval: Option<Duration>,
    /// How many intervals there are; `None` goes on.
    pub intervals: Option<u64>,
}

/// An interval that is over, in fields of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Group)]
pub struct Interval {
    /// The end of the interval.
    pub time: Moment,
    /// How long the interval was, in milliseconds.
    pub interval_ms: u64,
    #[field(skip)]
    length: Duration,
}

impl Interval {
    /// One that ended at this time of the boot-time clock, and was so long.
    pub fn new(end_ns: u64, length: Duration) -> Self {
        Self {
            time: Moment { boot_ns: end_ns },
            interval_ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
            length,
        }
    }

    /// How many there were in a second, of so many in all.
    pub fn rate(&self, count: u64) -> Rate {
        Rate::of(count, self.length)
    }
}

/// What becomes of a wait for something to show: whether more may come.
pub(crate) type More<'a> = Pin<Box<dyn Future<Output = Result<bool>> + 'a>>;

/// A trace that runs, and how it is shown.
pub(crate) trait Source {
    /// Begins the output: once, when the programs are attached.
    fn begin(&mut self) -> Result<()>;

    /// Waits until something has come, and shows it. `false` is for the time after [`stop`](Self::stop), when all that had
    /// come was shown. Nothing is lost if it is dropped. As it is, all is shown when an interval ends, the last at the end.
    fn show(&mut self) -> More<'_> {
        if !self.is_stopped() {
            return Box::pin(pending());
        }
        Box::pin(ready(self.end_interval().map(|()| false)))
    }

    /// Whether [`stop`](Self::stop) was called; asked where all is shown when an interval ends.
    fn is_stopped(&self) -> bool {
        false
    }

    /// Shows what came in the interval that ends now.
    fn end_interval(&mut self) -> Result<()> {
        Ok(())
    }

    /// Whether all was shown that was asked for.
    fn is_full(&self) -> bool {
        false
    }

    /// Detaches. What has come is still shown.
    fn stop(&mut self);

    /// What came of it; final when there is no more to show.
    fn account(&self) -> Account;

    /// Ends what is written beside the output.
    fn finish(&mut self, _account: &Account) -> Result<()> {
        Ok(())
    }

    /// The output.
    fn out(&mut self) -> &mut dyn Out;

    /// Whether the kernel lets this thread read what comes, as it is.
    fn is_readable(&self) -> bool {
        true
    }
}

/// What came of a run.
pub(crate) struct Account {
    /// How much was shown.
    pub(crate) events: u64,
    pub(crate) lost: Counts,
    pub(crate) certainty: Certainty,
    /// What was counted beside the events.
    pub(crate) asides: Vec<(Aside, Option<u64>)>,
    /// Why it may be that nothing was met at all.
    pub(crate) why_nothing: Option<String>,
}

/// A source whose programs are attached, and what is known of that.
pub(crate) struct Started<'a> {
    pub(crate) source: Box<dyn Source + 'a>,
    /// The label of the rung.
    pub(crate) rung: &'static str,
    /// What carries events: `ring` or `perf`.
    pub(crate) buffer: Option<&'static str>,
    /// The better rungs that could not be had.
    pub(crate) passed: Vec<Passed>,
    /// What the user is to know from the start.
    pub(crate) notes: Vec<String>,
    /// In which files functions of programs are hooked, a line for each.
    pub(crate) hooked: Vec<String>,
    pub(crate) cgroups: Option<Cgroups>,
    pub(crate) state: Arc<State>,
    /// What is needed from now on.
    pub(crate) capabilities: &'static [Capability],
    /// Whether it writes to its maps.
    pub(crate) updates_maps: bool,
}

/// What a run is made of, beside its source.
pub(crate) struct Plan<'a> {
    /// The tool's name.
    pub(crate) name: &'static str,
    pub(crate) common: &'a Common,
    pub(crate) options: Options,
    /// Where it is told that events are traced.
    pub(crate) ready: Option<File>,
    pub(crate) schedule: Schedule,
}

/// Loads and attaches a source, which writes to this sink.
pub(crate) type Start<'a> = Box<dyn FnOnce(&Options, Sink) -> Result<Started<'a>> + 'a>;

/// Runs a tool; gives its exit status.
pub(crate) fn run(plan: Plan<'_>, start: Start<'_>) -> Result<u8> {
    let Plan {
        name,
        common,
        options,
        ready,
        schedule,
    } = plan;
    launch::run(common, options, ready, async |launched| {
        let started = start(&launched.options, launched.sink)?;
        let Started {
            mut source,
            rung,
            buffer,
            passed,
            notes,
            hooked,
            cgroups,
            state,
            capabilities,
            updates_maps,
        } = started;
        let carried = buffer.map_or_else(String::new, |buffer| format!(", {buffer} buffer"));
        launch::report_plan(name, common, &passed, format_args!("probe {rung}{carried}"));
        if common.verbose {
            for line in hooked {
                console::say(name, line);
            }
        }
        for note in notes {
            console::say(name, note);
        }
        source.begin()?;
        let kept = Kept {
            cgroups,
            state,
            capabilities,
            updates_maps,
        };
        let pending = launched.pending;
        let mut ends = pending.begin(name, common, kept, || source.is_readable())?;
        let failed = trace(&mut *source, schedule, &mut ends, launched.rotation).await?;
        let cgroup_made_again = ends.cgroup_made_again();
        let account = source.account();
        let finished = source.finish(&account);
        let Account {
            events,
            lost,
            certainty,
            asides,
            why_nothing,
        } = account;
        let summary = Summary {
            tool: name,
            events,
            lost,
            certainty,
            cgroup_made_again,
            duration: ends.elapsed(),
            rung,
            buffer,
            asides: &asides,
        };
        source
            .out()
            .summary(&summary, failed.is_some(), common.fail_on_loss)?;
        if let Some(why) = why_nothing
            && events + lost.total() + lost.total_at_most() == 0
            && failed.is_none()
        {
            console::say(name, why);
        }
        // What failed before is told already.
        if failed.is_none() {
            finished?;
        }
        ends.status(common, lost.total() > 0, failed).await
    })
}

/// Shows what comes until the end. Output that fails is an end, too, and given back: the account is told all the same.
async fn trace(
    source: &mut dyn Source,
    schedule: Schedule,
    ends: &mut Ends,
    mut rotation: Rotation,
) -> Result<Option<Error>> {
    let Schedule {
        interval,
        intervals,
    } = schedule;
    let mut next = ends.after(interval);
    let mut left = intervals;
    let mut ended = false;
    let mut failed = None;
    loop {
        let step = tokio::select! {
            more = source.show() => match more {
                Ok(false) => break,
                Ok(true) => Ok(source.is_full()),
                // There is nothing more to be had of it.
                Err(error) if ended => {
                    failed.get_or_insert(error);
                    break;
                }
                Err(error) => Err(error),
            },
            reached = ends.reached() => {
                reached?;
                Ok(true)
            }
            () = rotation.asked() => source.out().reopen().map(|()| false),
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                left = left.map(|left| left - 1);
                // From when it was due, so that intervals do not drift; but none is made up for.
                next = next.zip(interval).and_then(|(due, interval)| {
                    due.checked_add(interval).map(|due| due.max(Instant::now()))
                });
                // The last one is shown when nothing more comes.
                if left == Some(0) {
                    Ok(true)
                } else {
                    source.end_interval().map(|()| false)
                }
            }
        };
        let end = step.unwrap_or_else(|error| {
            source.out().close();
            failed.get_or_insert(error);
            true
        });
        if end || !source.out().is_open() {
            ended = true;
            next = None;
            source.stop();
        }
    }
    Ok(failed)
}
