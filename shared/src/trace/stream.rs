// SPDX-License-Identifier: MIT OR Apache-2.0
//! A running trace: an async stream of batches of typed events, and the account of what was lost.

use std::sync::Arc;

use crate::data::gaps::Gaps;
pub use crate::data::loss::Account;
use crate::data::loss::{Cause, Counts, Lost};
use crate::data::state::State;
use crate::data::transport::{Records, Transport};
use crate::error::Result;
use crate::kernel::probe::Passed;
use crate::trace::cgroups::Cgroups;
use crate::trace::options::Options;
use crate::trace::session::{self, Session};
use crate::trace::tracer::Tracer;
use crate::trace::under_way::UnderWay;

/// A running trace. Dropping it detaches.
///
/// ```no_run
/// # use tracewell_shared::error::Result;
/// # use tracewell_shared::trace::options::Options;
/// # use tracewell_shared::trace::stream::{Item, Stream};
/// # use tracewell_shared::trace::tracer::Tracer;
/// # async fn run<T: Tracer>(tracer: T) -> Result<()> {
/// let mut stream = Stream::start(tracer, &Options::default())?;
/// while let Some(batch) = stream.next().await? {
///     for item in batch.items() {
///         match item {
///             Item::Event(_event) => {}
///             Item::Lost(_gap) => {}
///         }
///     }
/// }
/// let account = stream.account();
/// # let _ = account; Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Stream<T: Tracer> {
    tracer: T,
    transport: Transport,
    session: Session,
    under_way: UnderWay,
    phase: Phase,
    records: Records,
    gaps: Gaps,
    seen: u64,
    /// The losses as the gaps told them at the end.
    lost: Option<Counts>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Detached; what the kernel had handed over is still to be fetched.
    Draining,
    Ended,
}

/// What a batch is made of.
#[derive(Debug)]
pub enum Item<E> {
    /// An event.
    Event(E),
    /// A gap: events were lost here.
    Lost(Lost),
}

/// Events that were fetched together.
#[derive(Debug)]
pub struct Batch<'s, T: Tracer> {
    tracer: &'s T,
    records: &'s Records,
    gaps: &'s Gaps,
}

impl<T: Tracer> Stream<T> {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// [`Permission`](crate::error::Kind::Permission) without the capabilities,
    /// [`Unsupported`](crate::error::Kind::Unsupported) with each rung's reason when the kernel offers none,
    /// [`Usage`](crate::error::Kind::Usage) for options that cannot be met.
    pub fn start(mut tracer: T, options: &Options) -> Result<Self> {
        tracer.prepare(options);
        let (session, (transport, under_way)) =
            session::start(&tracer, options, |loaded| UnderWay::of(&tracer, loaded))?;
        let gaps = Gaps::new(session.bounds);
        Ok(Self {
            tracer,
            transport,
            session,
            under_way,
            phase: Phase::Running,
            records: Records::default(),
            gaps,
            seen: 0,
            lost: None,
        })
    }

    /// The next batch; `None` once the trace was stopped and all that the kernel had handed over was given out.
    ///
    /// Nothing is lost when the future is dropped before it is ready.
    ///
    /// # Errors
    ///
    /// When the buffer cannot be read.
    pub async fn next(&mut self) -> Result<Option<Batch<'_, T>>> {
        self.records.clear();
        self.gaps.clear();
        loop {
            match self.phase {
                Phase::Running => {
                    self.transport.ready().await?;
                    self.session.state.allow_forced_wake();
                    self.transport.drain(&mut self.records)?;
                    self.gaps.find(&self.records);
                }
                Phase::Draining => {
                    self.transport.drain(&mut self.records)?;
                    self.gaps.find(&self.records);
                    if !self.transport.has_more() {
                        self.phase = Phase::Ended;
                        let losses = self.losses();
                        self.gaps.close(&losses, self.records.len());
                        // What is still counted now belongs to calls that outlast the trace.
                        self.lost = Some(losses);
                    }
                }
                Phase::Ended => return Ok(None),
            }
            self.seen += self.records.len() as u64;
            if !self.records.is_empty() || !self.gaps.is_empty() {
                return Ok(Some(Batch {
                    tracer: &self.tracer,
                    records: &self.records,
                    gaps: &self.gaps,
                }));
            }
        }
    }

    /// Detaches. The batches that are left are still given out, then [`next`](Self::next) gives `None`.
    ///
    /// This blocks the thread: for up to 20 ms, while calls under way come to their end, and for some milliseconds for
    /// each program that is taken off its hook. So does dropping a stream that runs, without the first. In a program
    /// that does other things meanwhile, call it by `tokio::task::spawn_blocking` or on a thread of its own.
    pub fn stop(&mut self) {
        if self.phase == Phase::Running {
            self.under_way.stop(&self.tracer, &mut self.session);
            self.phase = Phase::Draining;
        }
    }

    /// The account so far; final once the stream has ended. Calls whose exit was missed are in it at the end only: until
    /// then they may still be under way.
    pub fn account(&self) -> Account {
        let lost = self.lost.unwrap_or_else(|| self.losses());
        Account {
            seen: self.seen,
            lost,
            certainty: self.session.certainty(&lost),
        }
    }

    /// Whether the kernel lets this thread read what the account needs, as it is.
    pub(crate) fn is_readable(&self) -> bool {
        self.under_way.is_readable()
    }

    fn losses(&self) -> Counts {
        let mut losses = self.session.losses();
        self.under_way.add_to(&mut losses, &self.session);
        losses
    }

    /// The cgroups that are filtered by, for whoever runs [`Cgroups::changed`] beside the trace: one that is removed and made
    /// again is then traced again. [`Cgroups::last_look`] is for the end, before the [`account`](Self::account). Gives them
    /// once; `None` where none are filtered by.
    pub fn take_cgroups(&mut self) -> Option<Cgroups> {
        self.session.cgroups.take()
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.session.state)
    }

    /// The label of the rung that is attached.
    pub fn rung(&self) -> &'static str {
        self.session.rung
    }

    /// What carries the events: `ring` or `perf`.
    pub fn buffer(&self) -> &'static str {
        self.transport.kind()
    }

    /// The better rungs that could not be had, and why.
    pub fn passed(&self) -> &[Passed] {
        &self.session.passed
    }

    /// What the user is to know from the start, such as that an event may be too large for the buffer.
    pub fn notes(&self) -> &[String] {
        &self.session.notes
    }

    /// In which files functions of programs are hooked, a line for each.
    pub fn hooked(&self) -> &[String] {
        &self.session.hooked
    }

    /// The tracer that runs.
    pub fn tracer(&self) -> &T {
        &self.tracer
    }
}

impl<'s, T: Tracer> Batch<'s, T> {
    /// The events in the order of the buffer, and the gaps where they are.
    pub fn items(&self) -> impl Iterator<Item = Item<T::Event<'s>>> + 's {
        let Self {
            tracer,
            records,
            gaps,
        } = *self;
        let mut index = 0;
        let mut gaps = gaps.iter().peekable();
        std::iter::from_fn(move || {
            if let Some((_, lost)) = gaps.next_if(|(before, _)| *before <= index) {
                return Some(Item::Lost(lost));
            }
            let record = records.get(index)?;
            index += 1;
            // Both halves are built from one layout, so this is a bug; silence would hide it.
            Some(tracer.decode(record).map_or_else(
                || {
                    Item::Lost(Lost {
                        time_ns: None,
                        count: 1,
                        cause: Cause::Malformed,
                    })
                },
                Item::Event,
            ))
        })
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no event; there may still be a gap.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}
