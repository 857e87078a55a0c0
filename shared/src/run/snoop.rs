// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of a tool that prints events: from its arguments to its exit status.

use crate::cli::{self, Common, Events};
use crate::confine::privilege::Capability;
use crate::console;
use crate::data::loss::Cause;
use crate::error::Result;
use crate::event::{Event, EventFamily};
use crate::kernel::clock::Clock;
use crate::kernel::pid;
use crate::output::outlet::{Out, Outlet};
use crate::output::table::Column;
use crate::output::{Format, Writer};
use crate::query::columns;
use crate::query::condition::Asks;
use crate::run::counted::Counted;
use crate::run::picked::Picked;
use crate::run::runner::{self, Account, More, Plan, Schedule, Source};
use crate::run::streamed;
use crate::trace::options::Options;
use crate::trace::stream::{Item, Stream};
use crate::trace::tracer::{Hooks, Tracer};

/// The arguments of such a tool.
pub trait Snoop: clap::FromArgMatches + 'static {
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

    /// Has the kernel decide what it can of `--where` by what is the tool's own; gives the names of the fields that this asks
    /// for. The condition is asked of each event all the same.
    fn narrow(_tracer: &mut Self::Tracer, _asks: &Asks<'_>) -> Vec<&'static str> {
        Vec::new()
    }

    /// The trace has begun.
    fn attached(&self) {}

    /// Why a run may have met nothing at all; for its last line.
    fn why_nothing(&self) -> Option<String> {
        None
    }

    /// The columns of a table.
    fn columns(&self) -> Vec<Column<Self::Tracer>>;

    /// Whether to print an event: what only user space can decide.
    fn keep(&self, _event: &<Self::Tracer as EventFamily>::Event<'_>) -> bool {
        true
    }
}

type EventOf<S> = <<S as Snoop>::Tracer as EventFamily>::Event<'static>;

/// Runs the tool; gives its exit status.
///
/// # Errors
///
/// Everything that ends a run early.
pub fn run<S: Snoop>(matches: &clap::ArgMatches) -> Result<u8> {
    let mut args: S = cli::from_matches(matches)?;
    args.common().settle();
    let ready = args.common().take_ready()?;
    let common = args.common().clone();
    let mut options = common.options()?;
    let events = args.events();
    let is_whole = events.columns.is_empty() && events.counting.count_by.is_empty();
    let all = is_whole && common.format != Format::Table;
    events.adjust(&mut options, <EventOf<S> as Event>::FIELDS, all);
    args.adjust(&mut options)?;
    options.exclude = Some(pid::own()?);
    let names = &args.events().columns;
    let mut columns = args.columns();
    let chosen = !names.is_empty();
    if chosen {
        columns = columns::chosen(names, &columns, common.format)?;
    } else {
        if common.time_format.is_some() {
            columns::timed(&mut columns);
        }
        if args.events().names {
            columns::before_last(&mut columns, &["user", "unit", "container"]);
        }
        if args.events().exe {
            columns::before_last(&mut columns, &["exe"]);
        }
        if args.events().ancestors {
            columns::with_last(&mut columns, "ancestors");
        }
    }
    let picked = Picked::new::<EventOf<S>>(&args.events().asked)?;
    let counting = &args.events().counting;
    let counted = Counted::new::<EventOf<S>>(counting, common.format)?;
    let tracer = args.tracer()?;
    let plan = Plan {
        name: S::Tracer::NAME,
        common: &common,
        options,
        ready,
        schedule: Schedule {
            interval: counting.interval,
            intervals: None,
        },
    };
    let (format, look, verbose) = (common.format, common.look(), common.verbose);
    runner::run(
        plan,
        Box::new(move |options, sink| {
            // Only here: who gives --pid has the run end with the process, and an error where there is none.
            let mut options = options.clone();
            let mut decided = picked.narrow(&mut options.filter);
            let mut tracer = tracer;
            if let Some(asks) = picked.asks_of() {
                decided.extend(S::narrow(&mut tracer, &asks));
            }
            if verbose && !decided.is_empty() {
                let decided = decided.join(", ");
                console::say(
                    S::Tracer::NAME,
                    format_args!("--where: what it asks of {decided} is asked in the kernel, too"),
                );
            }
            let stream = Stream::start(tracer, &options)?;
            let (columns, chosen) = match &counted {
                Some(counted) => (counted.columns(), true),
                None => (columns, chosen),
            };
            let mut writer = Writer::new(format, sink, columns, Clock::new()).with_look(look);
            if chosen {
                writer.choose();
            }
            let keeps = args.keeps();
            Ok(streamed::started(stream, keeps, |stream| {
                Box::new(Printed {
                    args,
                    stream,
                    out: Outlet::new(S::Tracer::NAME, format, writer),
                    printed: 0,
                    picked,
                    counted,
                    malformed: 0,
                })
            }))
        }),
    )
}

/// Events as they are printed.
struct Printed<S: Snoop> {
    args: S,
    stream: Stream<S::Tracer>,
    out: Outlet<S::Tracer>,
    /// How many were printed, or counted.
    printed: u64,
    /// Which of those are printed that the tool itself would print.
    picked: Picked,
    /// Where they are counted instead of printed.
    counted: Option<Counted>,
    malformed: u64,
}

impl<S: Snoop> Source for Printed<S> {
    fn begin(&mut self) -> Result<()> {
        self.args.attached();
        match &mut self.counted {
            Some(counted) => counted.begin(&mut self.out),
            None => self.out.write(Writer::header),
        }
    }

    fn show(&mut self) -> More<'_> {
        Box::pin(async {
            let Self {
                args,
                stream,
                out,
                printed,
                picked,
                counted,
                malformed,
            } = self;
            let Some(batch) = stream.next().await? else {
                // The last interval.
                if let Some(counted) = counted {
                    counted.show(out)?;
                }
                return Ok(false);
            };
            let full = |printed: u64| args.events().max_events.is_some_and(|most| printed >= most);
            for item in batch.items() {
                if !out.is_open() {
                    return Ok(true);
                }
                match item {
                    // Losses are told on, so that they come to what the account says.
                    Item::Event(_) if full(*printed) => {}
                    Item::Event(event) if args.keep(&event) && picked.lets(&event, 1) => {
                        *printed += 1;
                        out.write(|writer| match counted {
                            Some(counted) => {
                                counted.add(writer, &event);
                                Ok(())
                            }
                            None => writer.event(&event),
                        })?;
                    }
                    Item::Event(_) => {}
                    Item::Lost(lost) => {
                        streamed::lost(&lost, malformed, out)?;
                    }
                }
            }
            out.write(Writer::flush)?;
            Ok(true)
        })
    }

    fn end_interval(&mut self) -> Result<()> {
        match &mut self.counted {
            Some(counted) => counted.show(&mut self.out),
            None => Ok(()),
        }
    }

    fn is_full(&self) -> bool {
        let most = self.args.events().max_events;
        most.is_some_and(|most| self.printed >= most)
    }

    fn stop(&mut self) {
        self.stream.stop();
    }

    fn account(&self) -> Account {
        let account = self.stream.account();
        let left_out = self.picked.why_nothing(self.printed);
        let mut lost = account.lost;
        lost.add(Cause::Malformed, self.malformed);
        Account {
            events: self.printed,
            lost,
            certainty: account.certainty,
            asides: Vec::new(),
            why_nothing: match self.printed {
                0 => left_out.or_else(|| self.args.why_nothing()),
                _ => None,
            },
        }
    }

    fn out(&mut self) -> &mut dyn Out {
        &mut self.out
    }

    fn is_readable(&self) -> bool {
        self.stream.is_readable()
    }
}
