// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of a tool that prints events: from its arguments to its exit status.

use crate::cli::{self, Common, Events};
use crate::confine::privilege::Capability;
use crate::console;
use crate::data::loss::Cause;
use crate::error::Result;
use crate::kernel::clock::Clock;
use crate::kernel::pid;
use crate::output::Writer;
use crate::output::outlet::Outlet;
use crate::output::summary::Summary;
use crate::output::table::Column;
use crate::run::ends::Ends;
use crate::run::launch::{self, Kept};
use crate::run::shutdown::Rotation;
use crate::trace::options::Options;
use crate::trace::stream::{Batch, Item, Stream};
use crate::trace::tracer::{Hooks, Tracer};

/// The arguments of such a tool.
pub trait Snoop: clap::FromArgMatches {
    /// What they set up.
    type Tracer: Tracer;

    /// The options that all tools share.
    fn common(&mut self) -> &mut Common;

    /// The options that all tools share that print events.
    fn events(&self) -> &Events;

    /// Adjusts what the shared options say by the tool's own.
    ///
    /// # Errors
    ///
    /// For options that cannot be meant together.
    fn adjust(&mut self, _options: &mut Options) -> Result<()> {
        Ok(())
    }

    /// The tracer.
    ///
    /// # Errors
    ///
    /// For values that cannot be met.
    fn tracer(&self) -> Result<Self::Tracer>;

    /// What is still needed once the programs are attached.
    fn keeps(&self) -> &'static [Capability] {
        &[]
    }

    /// The columns of a table.
    fn columns(&self) -> Vec<Column<Self::Tracer>>;

    /// Whether to print an event: what only user space can decide.
    fn keep(&self, _event: &<Self::Tracer as crate::event::EventFamily>::Event<'_>) -> bool {
        true
    }
}

/// Runs the tool; gives its exit status.
///
/// # Errors
///
/// Everything that ends a run early.
pub fn run<S: Snoop>(matches: &clap::ArgMatches) -> Result<u8> {
    let mut args: S = cli::from_matches(matches)?;
    let ready = args.common().take_ready()?;
    let common = args.common().clone();
    let mut options = common.options()?;
    args.events().adjust(&mut options);
    args.adjust(&mut options)?;
    options.exclude = Some(pid::own()?);
    let tracer = args.tracer()?;
    launch::run(&common, options, ready, async |launched| {
        let mut stream = Stream::start(tracer, &launched.options)?;
        launch::report_plan(
            S::Tracer::NAME,
            &common,
            stream.passed(),
            format_args!("probe {}, {} buffer", stream.rung(), stream.buffer()),
        );
        if let Some(note) = stream.note() {
            console::say(S::Tracer::NAME, note);
        }
        let writer = Writer::new(common.format, launched.sink, args.columns(), Clock::new());
        let mut out = Outlet::new(S::Tracer::NAME, common.format, writer);
        out.write(|writer| writer.header())?;
        let kept = Kept {
            cgroups: stream.take_cgroups(),
            state: stream.state(),
            capabilities: args.keeps(),
            updates_maps: false,
        };
        let pending = launched.pending;
        let ends = pending.begin(S::Tracer::NAME, &common, kept, || true)?;
        let run = Run {
            args: &args,
            common: &common,
            out,
            printed: 0,
            malformed: 0,
        };
        run.trace(stream, ends, launched.rotation).await
    })
}

/// A run under way.
struct Run<'a, S: Snoop> {
    args: &'a S,
    common: &'a Common,
    out: Outlet<S::Tracer>,
    printed: u64,
    malformed: u64,
}

impl<S: Snoop> Run<'_, S> {
    fn full(&self) -> bool {
        self.args
            .events()
            .max_events
            .is_some_and(|most| self.printed >= most)
    }

    async fn trace(
        mut self,
        mut stream: Stream<S::Tracer>,
        mut ends: Ends,
        mut rotation: Rotation,
    ) -> Result<u8> {
        // Output that fails ends the trace, and the account is given all the same.
        let mut failed = None;
        loop {
            let end = tokio::select! {
                batch = stream.next() => match batch? {
                    None => break,
                    Some(batch) => {
                        if let Err(error) = self.print(&batch) {
                            failed.get_or_insert(error);
                            self.out.close();
                        }
                        self.full() || !self.out.is_open()
                    }
                },
                reached = ends.reached() => {
                    reached?;
                    true
                }
                () = rotation.asked() => {
                    if let Err(error) = self.out.reopen() {
                        failed.get_or_insert(error);
                        self.out.close();
                    }
                    !self.out.is_open()
                }
            };
            if end {
                stream.stop();
            }
        }
        let lost = self.finish(&stream, &mut ends, failed.is_some())?;
        ends.status(self.common, lost, failed).await
    }

    fn print(&mut self, batch: &Batch<'_, S::Tracer>) -> Result<()> {
        for item in batch.items() {
            if !self.out.is_open() {
                return Ok(());
            }
            match item {
                // Losses are told on, so that they come to what the account says.
                Item::Event(_) if self.full() => {}
                Item::Event(event) if self.args.keep(&event) => {
                    self.printed += 1;
                    self.out.write(|writer| writer.event(&event))?;
                }
                Item::Event(_) => {}
                Item::Lost(lost) => {
                    // The stream counts such a record as one that came.
                    if lost.cause == Cause::Malformed {
                        self.malformed += lost.count;
                    }
                    self.out.lost(&lost)?;
                }
            }
        }
        self.out.write(Writer::flush)
    }

    /// Prints the account; says whether anything was lost.
    fn finish(
        &mut self,
        stream: &Stream<S::Tracer>,
        ends: &mut Ends,
        failed: bool,
    ) -> Result<bool> {
        let cgroup_made_again = ends.cgroup_made_again();
        let mut account = stream.account();
        account.lost.add(Cause::Malformed, self.malformed);
        let summary = Summary {
            tool: S::Tracer::NAME,
            events: self.printed,
            lost: account.lost,
            certainty: account.certainty,
            cgroup_made_again,
            duration: ends.elapsed(),
            rung: stream.rung(),
            buffer: Some(stream.buffer()),
            asides: &[],
        };
        self.out
            .summary(&summary, failed, self.common.fail_on_loss)?;
        Ok(account.lost.total() > 0)
    }
}
