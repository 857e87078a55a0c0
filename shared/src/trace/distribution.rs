// SPDX-License-Identifier: MIT OR Apache-2.0
//! A running trace whose result is histograms that BPF keeps, one for each key.
//!
//! The counts of the one histogram of all values only grow. What belongs to an interval is what they grew by, so nothing
//! is reset, and no count can fall between two intervals. Of histograms by key there are two sets: one is counted in while
//! the other is read and emptied, so that the room of keys that come no more is free again.

use std::collections::BTreeMap;
use std::sync::Arc;

use libbpf_rs::{MapCore, MapFlags, MapHandle};

pub use crate::data::aside::Aside;
use crate::data::loss::{Certainty, Counts};
use crate::data::state::State;
use crate::error::{Error, Kind, Result};
use crate::event::Word;
use crate::hist::Histogram;
use crate::kernel::probe::Passed;
use crate::trace::cgroups::Cgroups;
use crate::trace::options::Options;
use crate::trace::session::{self, Session, bpf_error, keep_map};
use crate::trace::tracer::Hooks;
use crate::trace::turns::Turns;
use crate::trace::under_way::UnderWay;

/// What the values of a histogram are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Word)]
pub enum Quantity {
    /// Nanoseconds.
    Ns,
    /// Bytes.
    Bytes,
    /// Numbers of things.
    Count,
}

/// A tool whose object has the maps of `bpf/include/hist.bpf.h`.
pub trait Keyed: Hooks {
    /// What its histograms are told apart by. Its default stands for all together.
    type Key: Copy + Default + Ord + Send;

    /// What it counts beside the histograms, on rungs of which [`under_way_in`](Hooks::under_way_in) knows a map: those that
    /// show the operation itself.
    const ASIDES: &'static [Aside] = &[];

    /// Whether these settings tell values apart at all.
    fn is_keyed(&self) -> bool;

    /// The key in the bytes that `struct keyed` begins with; `None` when they are not one.
    fn key(&self, bytes: &[u8]) -> Option<Self::Key>;
}

/// A running trace. Dropping it detaches.
#[derive(Debug)]
pub struct Distribution<H: Keyed> {
    hooks: H,
    session: Session,
    maps: Maps,
    /// The one histogram as it was last read.
    before: Histogram,
    under_way: UnderWay,
}

/// What one key's values were since the last look.
#[derive(Debug, Clone)]
pub struct Part<K> {
    /// The key; the default for [`other`](Self::other).
    pub key: K,
    /// These are values whose key found no room, of any key. A key that is told beside them may lack some of its own.
    pub other: bool,
    /// How its values are spread; not empty.
    pub histogram: Histogram,
}

#[derive(Debug)]
struct Maps {
    whole: MapHandle,
    keyed: Option<Turns>,
    /// In the order of [`Keyed::ASIDES`]; none on a rung that cannot tell.
    asides: Vec<MapHandle>,
}

impl<H: Keyed> Distribution<H> {
    /// Loads and attaches.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`](crate::trace::stream::Stream::start).
    pub fn start(mut hooks: H, options: &Options) -> Result<Self> {
        hooks.prepare(options);
        let (session, (maps, under_way)) = session::attach_first(&hooks, options, |loaded| {
            let object = loaded.object;
            let under_way = UnderWay::of(&hooks, loaded)?;
            let maps = Maps {
                whole: keep_map(object, "whole")?,
                keyed: hooks.is_keyed().then(|| Turns::of(object)).transpose()?,
                asides: under_way
                    .is_told()
                    .then_some(H::ASIDES)
                    .into_iter()
                    .flatten()
                    .map(|aside| keep_map(object, aside.map))
                    .collect::<Result<_>>()?,
            };
            Ok((maps, under_way))
        })?;
        Ok(Self {
            hooks,
            session,
            maps,
            before: Histogram::default(),
            under_way,
        })
    }

    /// What came since the last call, by rising key, and at last what found no room. The parts of all calls add up to all
    /// that happened.
    ///
    /// Where there are keys, this blocks the thread until no program uses the counts that are read: some 20 ms, and more on
    /// a busy machine. They are those of the moment at which it was called.
    ///
    /// # Errors
    ///
    /// When the kernel's maps cannot be read. That takes `CAP_BPF` on kernels older than 5.19.
    pub fn parts(&mut self) -> Result<Vec<Part<H::Key>>> {
        // Before the turn, which takes its time: what finds no room meanwhile is of the next part.
        let now = self.whole()?.ok_or_else(strange)?;
        let mut keyed: BTreeMap<H::Key, Histogram> = BTreeMap::new();
        if let Some(turns) = &mut self.maps.keyed {
            for (of, chunk) in turns.take()? {
                let (key, number) = of.split_last_chunk().ok_or_else(strange)?;
                let key = self.hooks.key(key).ok_or_else(strange)?;
                let histogram = keyed.entry(key).or_default();
                histogram
                    .add_chunk(u64::from_ne_bytes(*number), &chunk)
                    .ok_or_else(strange)?;
            }
        }
        let part = |(key, histogram)| Part {
            key,
            other: false,
            histogram,
        };
        let mut parts: Vec<_> = keyed.into_iter().map(part).collect();
        parts.push(Part {
            key: H::Key::default(),
            other: self.hooks.is_keyed(),
            histogram: now.since(&self.before),
        });
        self.before = now;
        // A chunk is made just before its first value comes.
        parts.retain(|part| !part.histogram.is_empty());
        Ok(parts)
    }

    fn whole(&self) -> Result<Option<Histogram>> {
        lookup(&self.maps.whole, &0_u32.to_ne_bytes())
    }

    /// Whether the kernel lets this thread read the counts, as it is.
    pub(crate) fn is_readable(&self) -> bool {
        self.whole().is_ok()
    }

    /// Detaches. What was counted can still be read.
    ///
    /// This blocks the thread: for up to 20 ms while what is under way comes to its end, and for some milliseconds for
    /// each program that is taken off its hook. In a program that does other things meanwhile, call it by
    /// `tokio::task::spawn_blocking` or on a thread of its own.
    pub fn stop(&mut self) {
        self.under_way.stop(&self.hooks, &mut self.session);
    }

    /// What was counted beside the histograms; `None` of what this rung cannot tell, or that cannot be read.
    pub fn asides(&self) -> Vec<(Aside, Option<u64>)> {
        let mut maps = self.maps.asides.iter();
        let counted = |aside: &Aside| (*aside, maps.next().and_then(number));
        H::ASIDES.iter().map(counted).collect()
    }

    /// What was lost so far, by cause. What depends on operations that are still under way is known once the trace was
    /// stopped.
    pub fn losses(&self) -> Counts {
        let mut losses = self.session.losses();
        self.under_way.add_to(&mut losses, &self.session);
        losses
    }

    /// What such losses are worth.
    pub fn certainty(&self, losses: &Counts) -> Certainty {
        self.session.certainty(losses)
    }

    /// What is measured, and how.
    pub fn hooks(&self) -> &H {
        &self.hooks
    }

    /// As [`Stream::take_cgroups`](crate::trace::stream::Stream::take_cgroups).
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

    /// The better rungs that could not be had, and why.
    pub fn passed(&self) -> &[Passed] {
        &self.session.passed
    }
}

fn lookup(map: &MapHandle, key: &[u8]) -> Result<Option<Histogram>> {
    let value = map
        .lookup(key, MapFlags::ANY)
        .map_err(|error| bpf_error("cannot read the histograms", &error))?;
    value
        .map(|bytes| Histogram::from_bytes(&bytes).ok_or_else(strange))
        .transpose()
}

/// The one number of an array.
fn number(map: &MapHandle) -> Option<u64> {
    let value = map.lookup(&0_u32.to_ne_bytes(), MapFlags::ANY).ok()??;
    value.first_chunk().copied().map(u64::from_ne_bytes)
}

/// Both halves are built from one layout, so this is a bug.
fn strange() -> Error {
    Error::new(Kind::Bpf, "the kernel's histograms have another layout")
}
