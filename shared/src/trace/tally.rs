// SPDX-License-Identifier: MIT OR Apache-2.0
//! A running trace whose result is a table of counts that BPF keeps: for each key of those that come and go, for each CPU,
//! or both.

use std::sync::Arc;

use crate::data::loss::{Certainty, Counts};
use crate::data::state::State;
use crate::error::{Error, Kind, Result};
use crate::kernel::probe::Passed;
use crate::trace::by_cpu::ByCpu;
use crate::trace::cgroups::Cgroups;
use crate::trace::options::Options;
use crate::trace::session::{self, Session};
use crate::trace::tracer::Hooks;
use crate::trace::turns::Turns;
use crate::trace::under_way::UnderWay;

/// A tool whose object has the maps of `bpf/include/turns.bpf.h`, of `bpf/include/by_cpu.bpf.h`, or both.
pub trait Tallied: Hooks {
    /// What came of one subject.
    type Row: Send;

    /// Whether these settings count by key at all.
    fn is_keyed(&self) -> bool;

    /// The rows of what was counted: by all CPUs together, and by key, each as BPF keeps it. Those in which nothing was
    /// counted are left out. `None` when the bytes are not of this layout.
    fn rows(&self, by_cpu: &[u64], by_key: &[(Vec<u8>, Vec<u8>)]) -> Option<Vec<Self::Row>>;
}

/// A running trace. Dropping it detaches.
#[derive(Debug)]
pub struct Tally<H: Tallied> {
    hooks: H,
    session: Session,
    by_cpu: Option<ByCpu>,
    keyed: Option<Turns>,
    under_way: UnderWay,
}

impl<H: Tallied> Tally<H> {
    /// Loads and attaches.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`](crate::trace::stream::Stream::start).
    pub fn start(mut hooks: H, options: &Options) -> Result<Self> {
        hooks.prepare(options);
        let (session, (by_cpu, keyed, under_way)) =
            session::attach_first(&hooks, options, |loaded| {
                let object = loaded.object;
                let keyed = hooks.is_keyed().then(|| Turns::of(object)).transpose()?;
                Ok((ByCpu::of(object)?, keyed, UnderWay::of(&hooks, loaded)?))
            })?;
        Ok(Self {
            hooks,
            session,
            by_cpu,
            keyed,
            under_way,
        })
    }

    /// What came since the last call, in no order. The rows of all calls add up to all that happened.
    ///
    /// Where there are keys, this blocks the thread until no program uses the counts that are read: some 20 ms, and more on
    /// a busy machine.
    ///
    /// # Errors
    ///
    /// When the kernel's maps cannot be read. That takes `CAP_BPF` on kernels older than 5.19.
    pub fn rows(&mut self) -> Result<Vec<H::Row>> {
        let by_cpu = self.by_cpu.as_mut().map(ByCpu::take).transpose()?;
        let by_key = self.keyed.as_mut().map(Turns::take).transpose()?;
        self.hooks
            .rows(&by_cpu.unwrap_or_default(), &by_key.unwrap_or_default())
            // Both halves are built from one layout, so this is a bug.
            .ok_or_else(|| Error::new(Kind::Bpf, "the kernel's counts have another layout"))
    }

    /// Whether the kernel lets this thread read the counts, as it is.
    pub(crate) fn is_readable(&self) -> bool {
        let by_cpu = self.by_cpu.as_ref().is_none_or(ByCpu::is_readable);
        by_cpu && self.keyed.as_ref().is_none_or(Turns::is_readable)
    }

    /// Detaches. What was counted can still be read. This blocks the thread for some milliseconds for each program, and for
    /// up to 20 ms while what is under way comes to its end.
    pub fn stop(&mut self) {
        self.under_way.stop(&self.hooks, &mut self.session);
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

    /// What is counted, and how.
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
