// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of a tool that prints histograms: from its arguments to its exit status.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Distribution, Keyed, Part, record};
use crate::cli::{self, Common};
use crate::console;
use crate::data::loss::{Certainty, Counts, Lost};
use crate::error::Result;
use crate::event::EventFamily;
use crate::hist::log::{Record, Recorder};
use crate::hist::rows::{self, Unit};
use crate::kernel::clock::Clock;
use crate::output::lines::Lines;
use crate::output::outlet::Outlet;
use crate::output::summary::Summary;
use crate::output::{Format, Writer};
use crate::run::ends::Ends;
use crate::run::launch::{self, Kept};
use crate::run::shutdown::Rotation;
use crate::trace::tracer::Hooks;

/// How and when histograms are shown.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    /// How long an interval is; `None` shows all at the end.
    pub interval: Option<Duration>,
    /// How many intervals there are; `None` goes on.
    pub intervals: Option<u64>,
    /// Whether each begins with the time of day.
    pub timestamp: bool,
    /// Whether the mean and the sum are shown.
    pub extended: bool,
    /// What the rows are in.
    pub unit: Unit,
}

/// What is printed of one key in one interval.
#[derive(Debug, Clone, Copy)]
pub struct Interval<'a, K> {
    /// When it ended: nanoseconds of the boot-time clock.
    pub end_ns: u64,
    /// How long it was.
    pub length: Duration,
    /// What happened in it.
    pub part: &'a Part<K>,
}

/// What is written in a key's place above values that found no room by key.
pub(super) const OTHER: &str = "(other)";

/// The arguments of such a tool.
pub trait Distribute: clap::FromArgMatches {
    /// What they set up.
    type Hooks: Keyed;

    /// What a program reads of an interval and key.
    type Report: EventFamily;

    /// The options that all tools share.
    fn common(&mut self) -> &mut Common;

    /// What is measured.
    ///
    /// # Errors
    ///
    /// For values that cannot be met.
    fn hooks(&mut self) -> Result<Self::Hooks>;

    /// How it is shown.
    fn show(&self) -> Show;

    /// The log to write each interval's histograms to as well.
    fn record(&self) -> Option<&Path>;

    /// What a key is called in that log; `None` where keys are not told apart. What found no room is `(other)` there.
    fn tag(&self, key: &<Self::Hooks as Keyed>::Key) -> Option<String>;

    /// Called once it measures.
    fn attached(&self) {}

    /// Called with the keys that the next calls are about, which came since the last time: what has to be looked for of
    /// them can be looked for at once.
    fn meet(&self, _keys: &mut dyn Iterator<Item = &<Self::Hooks as Keyed>::Key>) {}

    /// Why a run may have met nothing at all; for its last line.
    fn why_nothing(&self) -> String;

    /// What people are told once it measures.
    fn greeting(&self) -> &'static str;

    /// The event of an interval and key.
    fn report<'a>(
        &'a self,
        interval: Interval<'a, <Self::Hooks as Keyed>::Key>,
    ) -> <Self::Report as EventFamily>::Event<'a>;

    /// Writes what a histogram is of, above its rows: nothing where keys are not told apart.
    fn heading(&self, key: &<Self::Hooks as Keyed>::Key, to: &mut Lines<'_>);
}

/// Runs the tool; gives its exit status.
///
/// # Errors
///
/// Everything that ends a run early.
pub fn run<D: Distribute>(matches: &clap::ArgMatches) -> Result<u8> {
    let mut args: D = cli::from_matches(matches)?;
    let ready = args.common().take_ready()?;
    let common = args.common().clone();
    record::refuse_one_file(args.record(), common.output.as_deref())?;
    let options = common.options()?;
    let hooks = args.hooks()?;
    launch::run(&common, options, ready, async |launched| {
        let mut distribution = Distribution::start(hooks, &launched.options)?;
        launch::report_plan(
            D::Hooks::NAME,
            &common,
            distribution.passed(),
            format_args!("probe {}", distribution.rung()),
        );
        let clock = Clock::new();
        let recorder = match args.record() {
            Some(path) => Some(record::create(path, since_epoch(&clock), &launched.sink)?),
            None => None,
        };
        let mut run = Run {
            args: &args,
            recorder,
            common: &common,
            out: Outlet::new(
                D::Hooks::NAME,
                common.format,
                Writer::new(common.format, launched.sink, Vec::new(), clock.clone()),
            ),
            clock,
            begun_ns: 0,
            last_ns: 0,
            counted: 0,
            told: Counts::default(),
        };
        run.begin()?;
        args.attached();
        let kept = Kept {
            cgroups: distribution.take_cgroups(),
            state: distribution.state(),
            capabilities: &[],
            // Maps of histograms take turns.
            updates_maps: true,
        };
        let pending = launched.pending;
        let ends = pending.begin(D::Hooks::NAME, &common, kept, || distribution.is_readable())?;
        run.trace(distribution, ends, launched.rotation).await
    })
}

/// Now, since the Unix epoch.
fn since_epoch(clock: &Clock) -> Duration {
    Duration::from_nanos(clock.unix_ns(clock.boot_now_ns()))
}

/// A run under way.
struct Run<'a, D: Distribute> {
    args: &'a D,
    recorder: Option<Recorder>,
    common: &'a Common,
    out: Outlet<D::Report>,
    clock: Clock,
    /// The beginning of the first interval.
    begun_ns: u64,
    /// The end of the last interval.
    last_ns: u64,
    counted: u64,
    /// The losses that were told.
    told: Counts,
}

impl<D: Distribute> Run<'_, D> {
    fn begin(&mut self) -> Result<()> {
        let greeting = self.args.greeting();
        let table = self.common.format == Format::Table;
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

    async fn trace(
        mut self,
        mut distribution: Distribution<D::Hooks>,
        mut ends: Ends,
        mut rotation: Rotation,
    ) -> Result<u8> {
        let Show {
            interval,
            intervals,
            ..
        } = self.args.show();
        let mut next = ends.after(interval);
        let mut left = intervals;
        let mut failed = None;
        loop {
            let end = tokio::select! {
                () = rotation.asked() => {
                    if let Err(error) = self.out.reopen() {
                        failed = Some(error);
                        self.out.close();
                        true
                    } else {
                        continue;
                    }
                }
                reached = ends.reached() => {
                    reached?;
                    true
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    left = left.map(|left| left - 1);
                    // From when it was due, so that intervals do not drift; but none is made up for.
                    next = next.zip(interval).and_then(|(due, interval)| {
                        due.checked_add(interval).map(|due| due.max(Instant::now()))
                    });
                    left == Some(0)
                }
            };
            if end {
                // Before the last look, so that nothing comes after it.
                distribution.stop();
            }
            if let Err(error) = self.look(&mut distribution) {
                failed = Some(error);
                self.out.close();
            }
            if end || !self.out.is_open() {
                distribution.stop();
                break;
            }
        }
        let lost = self.finish(&distribution, &mut ends, failed.is_some())?;
        ends.status(self.common, lost, failed).await
    }

    /// Shows what came since the last look.
    fn look(&mut self, distribution: &mut Distribution<D::Hooks>) -> Result<()> {
        let args = self.args;
        let end_ns = self.clock.boot_now_ns();
        let length = Duration::from_nanos(end_ns.saturating_sub(self.last_ns));
        self.last_ns = end_ns;
        let parts = distribution.parts()?;
        let show = args.show();
        args.meet(
            &mut parts
                .iter()
                .filter(|part| !part.other)
                .map(|part| &part.key),
        );
        // Before it is shown, and told below: what fails to be shown is recorded, and the other way round.
        let recorded = self.record(&parts, end_ns, length);
        if recorded.is_err() {
            // It ends with its last whole line; what comes after that would not.
            self.recorder = None;
        }
        // An interval in which nothing happened is its time, if that is asked for, or nothing.
        if show.timestamp || !parts.is_empty() {
            self.out.write(|writer| {
                writer.text(|lines| {
                    lines.end();
                    if show.timestamp {
                        lines.time_of_day(end_ns);
                        lines.end();
                    }
                })
            })?;
        }
        for part in &parts {
            self.counted += part.histogram.count();
            let event = args.report(Interval {
                end_ns,
                length,
                part,
            });
            self.out.write(|writer| {
                writer.lines(&event, |lines| {
                    if part.other {
                        lines.text(format_args!("{OTHER}"));
                        lines.end();
                    } else {
                        args.heading(&part.key, lines);
                    }
                    block(part, show, lines);
                })
            })?;
        }
        self.tell_losses(&distribution.losses(), end_ns)?;
        self.out.write(Writer::flush)?;
        recorded
    }

    fn record(
        &mut self,
        parts: &[Part<<D::Hooks as Keyed>::Key>],
        end_ns: u64,
        length: Duration,
    ) -> Result<()> {
        let Some(recorder) = &mut self.recorder else {
            return Ok(());
        };
        let end = Duration::from_nanos(self.clock.unix_ns(end_ns));
        for part in parts {
            let tag = if part.other {
                Some(OTHER.to_owned())
            } else {
                self.args.tag(&part.key)
            };
            recorder.add(&Record {
                tag: tag.as_deref(),
                start: end.saturating_sub(length),
                length,
                histogram: &part.histogram.to_logged()?,
            })?;
        }
        recorder.flush()
    }

    fn tell_losses(&mut self, losses: &Counts, time_ns: u64) -> Result<()> {
        for (cause, total) in losses.iter() {
            let count = total.saturating_sub(self.told.get(cause));
            if count == 0 {
                continue;
            }
            self.told.add(cause, count);
            if let Some(recorder) = &mut self.recorder {
                // Written with the records that follow, or at the end.
                recorder.lost(cause, count, false);
            }
            let lost = Lost {
                time_ns: Some(time_ns),
                count,
                cause,
            };
            self.out.lost(&lost)?;
        }
        Ok(())
    }

    /// Prints the account; says whether anything was lost.
    fn finish(
        &mut self,
        distribution: &Distribution<D::Hooks>,
        ends: &mut Ends,
        failed: bool,
    ) -> Result<bool> {
        let cgroup_made_again = ends.cgroup_made_again();
        let lost = distribution.losses();
        let asides = distribution.asides();
        let certainty = distribution.certainty(&lost);
        let recorded = self.end_recording(&lost, certainty);
        let summary = Summary {
            tool: D::Hooks::NAME,
            events: self.counted,
            lost,
            certainty,
            cgroup_made_again,
            duration: ends.elapsed(),
            rung: distribution.rung(),
            buffer: None,
            asides: &asides,
        };
        self.out
            .summary(&summary, failed, self.common.fail_on_loss)?;
        if self.counted == 0 && lost.total() + lost.total_at_most() == 0 && !failed {
            console::say(D::Hooks::NAME, self.args.why_nothing());
        }
        // What failed before is told already.
        if !failed {
            recorded?;
        }
        Ok(lost.total() > 0)
    }

    /// Writes what is known at the end into the log: for how long was recorded, and what it lacks.
    fn end_recording(&mut self, lost: &Counts, certainty: Certainty) -> Result<()> {
        let Some(recorder) = &mut self.recorder else {
            return Ok(());
        };
        for (cause, count) in lost.iter_at_most() {
            recorder.lost(cause, count, true);
        }
        if certainty == Certainty::Unknown {
            recorder.lost_unknown();
        }
        recorder.recorded(Duration::from_nanos(self.last_ns - self.begun_ns));
        recorder.flush()
    }
}

/// A histogram for people.
fn block<K>(part: &Part<K>, show: Show, lines: &mut Lines<'_>) {
    rows::write(&part.histogram, show.unit, lines);
    rows::write_quantiles(&part.histogram, show.unit, lines);
    if show.extended {
        rows::write_mean(&part.histogram, show.unit, lines);
    }
    lines.end();
}
