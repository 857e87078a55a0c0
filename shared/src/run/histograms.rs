// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of a tool that prints histograms: from its arguments to its exit status.

mod record;

use std::time::Duration;

use crate::cli::{self, Common, Histograms, Intervals};
use crate::data::loss::Certainty;
use crate::error::Result;
use crate::event::EventFamily;
use crate::hist::log::{self, Record, Recorder};
use crate::hist::rows;
use crate::kernel::clock::Clock;
use crate::kernel::pid;
use crate::output::Writer;
use crate::output::lines::Lines;
use crate::output::outlet::Out;
use crate::run::periodic::Periodic;
use crate::run::picked::Picked;
use crate::run::runner::{self, Account, Interval, Plan, Source, Started};
use crate::run::timer::Ended;
use crate::trace::distribution::{Distribution, Keyed, Part};
use crate::trace::tracer::Hooks;

/// What is written in a key's place above values that found no room by key.
const OTHER: &str = "(other)";

/// The key of a tool's histograms.
pub type KeyOf<D> = <<D as Distribute>::Hooks as Keyed>::Key;

/// The arguments of such a tool.
pub trait Distribute: clap::FromArgMatches + 'static {
    /// What they set up.
    type Hooks: Keyed;

    /// What a program reads of an interval and key.
    type Report: EventFamily;

    /// The options that all tools share.
    fn common(&mut self) -> &mut Common;

    /// When histograms are shown.
    fn intervals(&self) -> &Intervals;

    /// How they are shown.
    fn histograms(&self) -> &Histograms;

    /// What is measured.
    ///
    /// # Errors
    ///
    /// For values that cannot be met.
    fn hooks(&mut self) -> Result<Self::Hooks>;

    /// Called once it measures.
    fn attached(&self) {}

    /// Called with the keys that the next calls are about, which came since the last time: what has to be looked for of
    /// them can be looked for at once.
    fn meet(&self, _keys: &mut dyn Iterator<Item = &KeyOf<Self>>) {}

    /// Why a run may have met nothing at all; for its last line.
    fn why_nothing(&self) -> String;

    /// What people are told once it measures.
    fn greeting(&self) -> &'static str;

    /// The key in words: what is told apart, by name. It stands above the rows, and in a recording; nothing where keys are
    /// not told apart.
    fn words(&self, key: &KeyOf<Self>) -> Vec<(&'static str, Vec<u8>)>;

    /// The event of an interval and key.
    fn report<'a>(
        &'a self,
        part: &'a Part<KeyOf<Self>>,
        interval: Interval,
    ) -> <Self::Report as EventFamily>::Event<'a>;
}

/// Runs the tool; gives its exit status.
///
/// # Errors
///
/// Everything that ends a run early.
pub fn run<D: Distribute>(matches: &clap::ArgMatches) -> Result<u8> {
    let mut args: D = cli::from_matches(matches)?;
    args.common().settle();
    let ready = args.common().take_ready()?;
    let common = args.common().clone();
    record::refuse_one_file(
        args.histograms().record.as_deref(),
        common.output.as_deref(),
    )?;
    let mut options = common.options()?;
    options.exclude = Some(pid::own()?);
    let asked = &args.histograms().asked;
    let picked = Picked::new::<<D::Report as EventFamily>::Event<'static>>(asked)?;
    let hooks = args.hooks()?;
    let plan = Plan {
        name: D::Hooks::NAME,
        common: &common,
        options,
        ready,
        schedule: args.intervals().schedule(),
    };
    let (format, look) = (common.format, common.look());
    runner::run(
        plan,
        Box::new(move |options, sink| {
            let mut distribution = Distribution::start(hooks, options)?;
            let clock = Clock::new();
            let recorder = match &args.histograms().record {
                Some(path) => Some(record::create(
                    path,
                    since_epoch(&clock, clock.boot_now_ns()),
                    &sink,
                )?),
                None => None,
            };
            let writer = Writer::new(format, sink, Vec::new(), clock.clone()).with_look(look);
            Ok(Started {
                rung: distribution.rung(),
                buffer: None,
                passed: distribution.passed().to_vec(),
                notes: Vec::new(),
                hooked: Vec::new(),
                cgroups: distribution.take_cgroups(),
                state: distribution.state(),
                capabilities: &[],
                // Maps of histograms take turns.
                updates_maps: true,
                source: Box::new(Shown {
                    args,
                    distribution,
                    recorder,
                    clock,
                    periodic: Periodic::new(D::Hooks::NAME, format, writer, picked),
                }),
            })
        }),
    )
}

/// A time of the boot-time clock, since the Unix epoch.
fn since_epoch(clock: &Clock, boot_ns: u64) -> Duration {
    Duration::from_nanos(clock.unix_ns(boot_ns))
}

/// Histograms as they are shown.
struct Shown<D: Distribute> {
    args: D,
    distribution: Distribution<D::Hooks>,
    recorder: Option<Recorder>,
    /// What a recording has the times of intervals by.
    clock: Clock,
    periodic: Periodic<D::Report>,
}

impl<D: Distribute> Source for Shown<D> {
    fn begin(&mut self) -> Result<()> {
        self.periodic.begin(self.args.greeting())?;
        self.args.attached();
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.periodic.stopped
    }

    fn end_interval(&mut self) -> Result<()> {
        let ended = self.periodic.timer.next();
        let mut parts = self.distribution.parts()?;
        let args = &self.args;
        args.meet(
            &mut parts
                .iter()
                .filter(|part| !part.other)
                .map(|part| &part.key),
        );
        let picked = &mut self.periodic.picked;
        if picked.asks() {
            parts.retain(|part| {
                let event = args.report(part, ended.interval());
                picked.lets(&event, part.histogram.count())
            });
        }
        // Before it is shown, and told below: what fails to be shown is recorded, and the other way round.
        let recorded = self.record(&parts, ended);
        if recorded.is_err() {
            // It ends with its last whole line; what comes after that would not.
            self.recorder = None;
        }
        let args = &self.args;
        let timestamp = args.intervals().timestamp;
        // An interval in which nothing happened is its time, if that is asked for, or nothing.
        if timestamp || !parts.is_empty() {
            self.periodic.out.write(|writer| {
                writer.text(|lines| {
                    lines.end();
                    if timestamp {
                        lines.time(ended.end_ns);
                        lines.end();
                    }
                })
            })?;
        }
        for part in &parts {
            self.periodic.counted += part.histogram.count();
            let event = args.report(part, ended.interval());
            self.periodic.out.write(|writer| {
                writer.lines(&event, |lines| {
                    heading(args, part, lines);
                    block(part, args.histograms(), lines);
                })
            })?;
        }
        let (losses, recorder) = (self.distribution.losses(), &mut self.recorder);
        self.periodic.tell_losses(&losses, ended, |lost| {
            if let Some(recorder) = recorder {
                // Written with the records that follow, or at the end.
                recorder.lost(lost.cause, lost.count, false);
            }
        })?;
        self.periodic.out.write(Writer::flush)?;
        recorded
    }

    fn stop(&mut self) {
        self.distribution.stop();
        self.periodic.stopped = true;
    }

    fn account(&self) -> Account {
        let lost = self.distribution.losses();
        Account {
            events: self.periodic.counted,
            lost,
            certainty: self.distribution.certainty(&lost),
            asides: self.distribution.asides(),
            why_nothing: self.periodic.why_nothing(|| self.args.why_nothing()),
        }
    }

    /// Writes what is known at the end into the log: for how long was recorded, and what it lacks.
    fn finish(&mut self, account: &Account) -> Result<()> {
        let Some(recorder) = &mut self.recorder else {
            return Ok(());
        };
        for (cause, count) in account.lost.iter_at_most() {
            recorder.lost(cause, count, true);
        }
        if account.certainty == Certainty::Unknown {
            recorder.lost_unknown();
        }
        recorder.recorded(self.periodic.timer.length());
        recorder.flush()
    }

    fn out(&mut self) -> &mut dyn Out {
        &mut self.periodic.out
    }

    fn is_readable(&self) -> bool {
        self.distribution.is_readable()
    }
}

impl<D: Distribute> Shown<D> {
    fn record(&mut self, parts: &[Part<KeyOf<D>>], ended: Ended) -> Result<()> {
        let Some(recorder) = &mut self.recorder else {
            return Ok(());
        };
        let end = since_epoch(&self.clock, ended.end_ns);
        for part in parts {
            let tag = tag(&self.args, part);
            recorder.add(&Record {
                tag: tag.as_deref(),
                start: end.saturating_sub(ended.length),
                length: ended.length,
                histogram: &part.histogram.to_logged()?,
            })?;
        }
        recorder.flush()
    }
}

/// What a recording calls a part; `None` where keys are not told apart.
fn tag<D: Distribute>(args: &D, part: &Part<KeyOf<D>>) -> Option<String> {
    if part.other {
        return Some(OTHER.to_owned());
    }
    let words = args.words(&part.key);
    let words = words
        .iter()
        .map(|(name, value)| format!("{name}={}", log::tag(value)));
    let words: Vec<_> = words.collect();
    (!words.is_empty()).then(|| words.join(";"))
}

/// What a histogram is of, above its rows: nothing where keys are not told apart.
fn heading<D: Distribute>(args: &D, part: &Part<KeyOf<D>>, lines: &mut Lines<'_>) {
    if part.other {
        lines.text(format_args!("{OTHER}"));
        lines.end();
        return;
    }
    let mut lead = "";
    for (name, value) in args.words(&part.key) {
        lines.text(format_args!("{lead}{name} = "));
        lines.bytes(&value);
        lead = ", ";
    }
    if !lead.is_empty() {
        lines.end();
    }
}

/// A histogram for people.
fn block<K>(part: &Part<K>, shown: &Histograms, lines: &mut Lines<'_>) {
    let unit = shown.unit();
    rows::write(&part.histogram, unit, lines);
    rows::write_quantiles(&part.histogram, unit, lines);
    if shown.extension {
        rows::write_mean(&part.histogram, unit, lines);
    }
    lines.end();
}
