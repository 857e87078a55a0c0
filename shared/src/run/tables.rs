// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of a tool that prints a table for each interval: from its arguments to its exit status.

mod sort;

use crate::cli::{self, Common, Rows};
use crate::error::Result;
use crate::event::EventFamily;
use crate::kernel::clock::Clock;
use crate::kernel::pid;
use crate::output::Writer;
use crate::output::outlet::Out;
use crate::output::table::Column;
use crate::run::periodic::Periodic;
use crate::run::picked::Picked;
use crate::run::rate::Rate;
use crate::run::runner::{self, Account, Interval, Plan, Schedule, Source, Started};
use crate::trace::tally::{Tallied, Tally};
use crate::trace::tracer::Hooks;

/// What a tool's rows are made of.
pub type RowOf<T> = <<T as Tabulate>::Hooks as Tallied>::Row;

/// The arguments of such a tool.
pub trait Tabulate: clap::FromArgMatches + 'static {
    /// What they set up.
    type Hooks: Tallied;

    /// The field that says how many operations a row tells of.
    const COUNT: &'static str = "count";

    /// What a program reads of a row.
    type Report: EventFamily;

    /// The options that all tools share.
    fn common(&mut self) -> &mut Common;

    /// When tables are shown.
    fn schedule(&self) -> Schedule;

    /// Which rows are shown, in which order.
    fn rows(&self) -> &Rows;

    /// How many rows are shown to people who do not say it; `None` shows all.
    fn top(&self) -> Option<usize> {
        None
    }

    /// Names that BCC has for fields to sort by, and whose fields these are.
    const SORTS: &'static [(&'static str, &'static str)] = &[];

    /// The field that rows are sorted by, where nobody says it.
    fn sorted_by(&self) -> &'static str;

    /// What is counted.
    ///
    /// # Errors
    ///
    /// For values that cannot be met.
    fn hooks(&mut self) -> Result<Self::Hooks>;

    /// The trace has begun.
    fn attached(&self) {}

    /// Why a run may have met nothing at all; for its last line.
    fn why_nothing(&self) -> String;

    /// What people are told once it counts.
    fn greeting(&self) -> String;

    /// The columns of a table.
    fn columns(&self) -> Vec<Column<Self::Report>>;

    /// How many operations a row tells of.
    fn count(row: &RowOf<Self>) -> u64;

    /// The event of a row.
    fn report<'a>(
        &'a self,
        row: &'a RowOf<Self>,
        interval: Interval,
    ) -> <Self::Report as EventFamily>::Event<'a>;
}

/// Runs the tool; gives its exit status.
///
/// # Errors
///
/// Everything that ends a run early.
pub fn run<T: Tabulate>(matches: &clap::ArgMatches) -> Result<u8> {
    let mut args: T = cli::from_matches(matches)?;
    args.common().settle();
    let ready = args.common().take_ready()?;
    let common = args.common().clone();
    let mut options = common.options()?;
    options.exclude = Some(pid::own()?);
    Rate::check(args.rows().rate, common.format)?;
    let order = sort::Order::new(&args, common.format)?;
    let picked = Picked::new::<<T::Report as EventFamily>::Event<'static>>(&args.rows().asked)?;
    let hooks = args.hooks()?;
    let plan = Plan {
        name: T::Hooks::NAME,
        common: &common,
        options,
        ready,
        schedule: args.schedule(),
    };
    let (format, look) = (common.format, common.look());
    runner::run(
        plan,
        Box::new(move |options, sink| {
            let mut tally = Tally::start(hooks, options)?;
            let writer = Writer::new(format, sink, args.columns(), Clock::new()).with_look(look);
            Ok(Started {
                rung: tally.rung(),
                buffer: None,
                passed: tally.passed().to_vec(),
                notes: Vec::new(),
                hooked: Vec::new(),
                cgroups: tally.take_cgroups(),
                state: tally.state(),
                capabilities: &[],
                // Maps by key take turns.
                updates_maps: true,
                source: Box::new(Shown {
                    args,
                    order,
                    tally,
                    periodic: Periodic::new(T::Hooks::NAME, format, writer, picked),
                }),
            })
        }),
    )
}

/// Tables as they are shown.
struct Shown<T: Tabulate> {
    args: T,
    order: sort::Order,
    tally: Tally<T::Hooks>,
    periodic: Periodic<T::Report>,
}

impl<T: Tabulate> Source for Shown<T> {
    fn begin(&mut self) -> Result<()> {
        self.args.attached();
        self.periodic.begin(&self.args.greeting())
    }

    fn is_stopped(&self) -> bool {
        self.periodic.stopped
    }

    fn end_interval(&mut self) -> Result<()> {
        let ended = self.periodic.timer.next();
        let rows = self.tally.rows()?;
        let args = &self.args;
        let mut shown = Vec::new();
        for row in &rows {
            let event = args.report(row, ended.interval());
            if self.periodic.picked.lets(&event, T::count(row)) {
                self.periodic.counted += T::count(row);
                shown.push(event);
            }
        }
        let rows = self.order.shown(shown);
        let (table, clear) = (self.periodic.is_table(), args.rows().clear);
        self.periodic.out.write(|writer| {
            if clear {
                writer.clear()?;
            }
            writer.text(|lines| {
                if !clear {
                    lines.end();
                }
                lines.time(ended.end_ns);
                lines.end();
            })?;
            // Each table has a header of its own; a program reads one.
            if table { writer.header() } else { Ok(()) }
        })?;
        for row in &rows {
            self.periodic.out.write(|writer| writer.event(row))?;
        }
        let losses = self.tally.losses();
        self.periodic.tell_losses(&losses, ended, |_| ())?;
        self.periodic.out.write(Writer::flush)
    }

    fn stop(&mut self) {
        self.tally.stop();
        self.periodic.stopped = true;
    }

    fn account(&self) -> Account {
        let lost = self.tally.losses();
        Account {
            events: self.periodic.counted,
            lost,
            certainty: self.tally.certainty(&lost),
            asides: Vec::new(),
            why_nothing: self.periodic.why_nothing(|| self.args.why_nothing()),
        }
    }

    fn out(&mut self) -> &mut dyn Out {
        &mut self.periodic.out
    }

    fn is_readable(&self) -> bool {
        self.tally.is_readable()
    }
}
