// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of a tool whose events are gathered, and shown when the trace ends as what they come to.

use crate::cli::{self, Common, Events};
use crate::data::loss::{Cause, Certainty};
use crate::error::Result;
use crate::event::EventFamily;
use crate::kernel::clock::{Clock, boot_now_ns};
use crate::kernel::pid;
use crate::output::outlet::{Out, Outlet};
use crate::output::table::Column;
use crate::output::{Format, Writer};
use crate::query::columns;
use crate::run::picked::Picked;
use crate::run::runner::{self, Account, More, Plan, Schedule, Source};
use crate::run::streamed;
use crate::trace::options::Options;
use crate::trace::stream::{Item, Stream};
use crate::trace::tracer::{Hooks, Tracer};

/// The arguments of such a tool.
pub trait Gather: clap::FromArgMatches + 'static {
    /// What they set up.
    type Tracer: Tracer;

    /// What its events are gathered in.
    type Gathered: Gathered<Of = Self::Tracer>;

    /// The options that all tools share.
    fn common(&mut self) -> &mut Common;

    /// The options that all tools share that trace events.
    fn events(&self) -> &Events;

    /// Adjusts what the shared options say by the tool's own.
    ///
    /// # Errors
    ///
    /// For options that cannot be meant together.
    fn adjust(&mut self, options: &mut Options) -> Result<()>;

    /// The tracer.
    ///
    /// # Errors
    ///
    /// For values that cannot be met.
    fn tracer(&self) -> Result<Self::Tracer>;

    /// Nothing, before the first event.
    fn gathered(&self) -> Self::Gathered;

    /// The columns of a table.
    fn columns(&self) -> Vec<Column<ReportOf<Self>>>;

    /// What people are told once it traces.
    fn greeting(&self) -> &'static str;
}

/// What the events of such a tool are shown as.
pub type ReportOf<G> = <<G as Gather>::Gathered as Gathered>::Report;

/// A row of what was gathered.
pub type RowOf<'a, G> = <<G as Gathered>::Report as EventFamily>::Event<'a>;

/// What events come to.
pub trait Gathered: 'static {
    /// What they are events of.
    type Of: EventFamily;

    /// What it is shown as: rows.
    type Report: EventFamily;

    /// Takes an event.
    fn add(&mut self, event: &<Self::Of as EventFamily>::Event<'_>);

    /// Nothing more comes.
    fn end(&mut self, ended: Ended);

    /// All rows.
    fn rows(&self) -> Vec<RowOf<'_, Self>>
    where
        Self: Sized;

    /// Leaves those rows that are shown, where these of all pass what is asked of each, and completes them.
    fn arrange<'a>(&'a self, rows: Vec<RowOf<'a, Self>>, passes: &[bool]) -> Vec<RowOf<'a, Self>>
    where
        Self: Sized;

    /// Writes the rows as one document, in pieces.
    ///
    /// # Errors
    ///
    /// Those of `write`.
    fn document<'a>(
        &'a self,
        rows: &[RowOf<'a, Self>],
        write: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()>
    where
        Self: Sized;

    /// How many events found no room.
    fn without_room(&self) -> u64;
}

/// How a trace ended, whose events were gathered.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// When it began: nanoseconds of the boot-time clock.
    pub begun_ns: u64,
    /// When it ended.
    pub ended_ns: u64,
    /// Whether all that happened between was told.
    pub complete: bool,
}

/// Runs the tool; gives its exit status.
///
/// # Errors
///
/// Everything that ends a run early.
pub fn run<G: Gather>(matches: &clap::ArgMatches) -> Result<u8> {
    let mut args: G = cli::from_matches(matches)?;
    args.common().settle();
    let ready = args.common().take_ready()?;
    let common = args.common().clone();
    let mut options = common.options()?;
    args.events().adjust(&mut options, &[], false);
    args.adjust(&mut options)?;
    options.exclude = Some(pid::own()?);
    let names = &args.events().columns;
    let mut columns = args.columns();
    let chosen = !names.is_empty();
    if chosen {
        columns = columns::chosen(names, &columns, common.format)?;
    } else if common.time_format.is_some() {
        columns::timed(&mut columns);
    }
    let picked = Picked::new::<<ReportOf<G> as EventFamily>::Event<'static>>(&args.events().asked)?;
    let tracer = args.tracer()?;
    let plan = Plan {
        name: G::Tracer::NAME,
        common: &common,
        options,
        ready,
        schedule: Schedule::default(),
    };
    let (format, look) = (common.format, common.look());
    runner::run(
        plan,
        Box::new(move |options, sink| {
            let stream = Stream::start(tracer, options)?;
            let mut writer = Writer::new(format, sink, columns, Clock::new()).with_look(look);
            if chosen {
                writer.choose();
            }
            Ok(streamed::started(stream, &[], |stream| {
                Box::new(Tracing::<G> {
                    gathered: args.gathered(),
                    greeting: args.greeting(),
                    stream,
                    out: Outlet::new(G::Tracer::NAME, format, writer),
                    format,
                    picked,
                    begun_ns: 0,
                    shown: 0,
                    malformed: 0,
                })
            }))
        }),
    )
}

/// A trace whose events are gathered.
struct Tracing<G: Gather> {
    gathered: G::Gathered,
    greeting: &'static str,
    stream: Stream<G::Tracer>,
    out: Outlet<ReportOf<G>>,
    format: Format,
    picked: Picked,
    begun_ns: u64,
    shown: u64,
    malformed: u64,
}

impl<G: Gather> Tracing<G> {
    /// Shows all that was gathered.
    fn show_all(&mut self) -> Result<()> {
        let account = Source::account(self);
        self.gathered.end(Ended {
            begun_ns: self.begun_ns,
            ended_ns: boot_now_ns(),
            complete: account.lost.total() == 0 && account.certainty == Certainty::Exact,
        });
        let Self {
            gathered,
            out,
            picked,
            shown,
            format,
            ..
        } = self;
        let rows = gathered.rows();
        let passes: Vec<_> = rows.iter().map(|row| picked.lets(row, 1)).collect();
        let rows = gathered.arrange(rows, &passes);
        *shown = rows.len() as u64;
        if *format == Format::TraceEvent {
            return out.write(|writer| {
                gathered.document(&rows, &mut |piece| writer.piece(piece))?;
                writer.flush()
            });
        }
        out.write(|writer| {
            writer.text(|lines| lines.end())?;
            writer.header()
        })?;
        for row in &rows {
            out.write(|writer| writer.event(row))?;
        }
        out.write(Writer::flush)
    }
}

impl<G: Gather> Source for Tracing<G> {
    fn begin(&mut self) -> Result<()> {
        self.begun_ns = boot_now_ns();
        let greeting = self.greeting;
        self.out.write(|writer| {
            writer.text(|lines| lines.text(format_args!("{greeting}\n")))?;
            writer.flush()
        })
    }

    fn show(&mut self) -> More<'_> {
        Box::pin(async {
            let Self {
                gathered,
                stream,
                out,
                malformed,
                ..
            } = self;
            let Some(batch) = stream.next().await? else {
                self.show_all()?;
                return Ok(false);
            };
            for item in batch.items() {
                match item {
                    Item::Event(event) => gathered.add(&event),
                    Item::Lost(lost) => {
                        streamed::lost(&lost, malformed, out)?;
                    }
                }
            }
            Ok(true)
        })
    }

    fn stop(&mut self) {
        self.stream.stop();
    }

    fn account(&self) -> Account {
        let account = self.stream.account();
        let mut lost = account.lost;
        lost.add(Cause::Malformed, self.malformed);
        lost.add(Cause::TreeFull, self.gathered.without_room());
        Account {
            events: self.shown,
            lost,
            certainty: account.certainty,
            asides: Vec::new(),
            why_nothing: self.picked.why_nothing(self.shown),
        }
    }

    fn out(&mut self) -> &mut dyn Out {
        &mut self.out
    }
}
