// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is under way when a trace ends: what of it has ended unseen is lost, and nothing else would tell.

use std::thread::sleep;
use std::time::Duration;

use libbpf_rs::{MapCore, MapFlags, MapHandle};

use crate::data::loss::{Cause, Counts};
use crate::error::Result;
use crate::trace::session::{Loaded, Session, keep_map};
use crate::trace::tracer::Hooks;

/// How often, and after what time, the end looks whether what is under way has ended.
const ENDING_STEPS: u32 = 20;
const ENDING_STEP: Duration = Duration::from_millis(1);

/// The map of [`Hooks::under_way_in`], and what is known by it.
#[derive(Debug)]
pub(crate) struct UnderWay {
    map: Option<MapHandle>,
    /// What had ended unseen when the trace was stopped, and was not met again by BPF; `None` while it runs.
    unseen: Option<u64>,
}

impl UnderWay {
    pub(crate) fn of<H: Hooks>(hooks: &H, loaded: &Loaded<'_>) -> Result<Self> {
        let name = hooks.under_way_in(loaded.rung);
        let map = name.map(|name| keep_map(loaded.object, name)).transpose()?;
        Ok(Self { map, unseen: None })
    }

    /// Whether this rung can tell what is under way.
    pub(crate) fn is_told(&self) -> bool {
        self.map.is_some()
    }

    /// Detaches, once what is under way had its time to come to its end.
    pub(crate) fn stop<H: Hooks>(&mut self, hooks: &H, session: &mut Session) {
        if self.unseen.is_none() {
            // While ends are still seen: what ends after them is neither seen nor lost.
            session.state.close();
            self.unseen = Some(self.find_unseen(hooks));
            session.detach();
        }
    }

    /// What ended unseen, among what was lost. Known once the trace was stopped.
    pub(crate) fn add_to(&self, losses: &mut Counts, session: &Session) {
        let unseen = self.unseen.unwrap_or(0);
        if session.bounds.contains(&Cause::CompletionMissed) {
            losses.add_at_most(Cause::CompletionMissed, unseen);
        } else {
            losses.add(Cause::CompletionMissed, unseen);
        }
    }

    /// Whether the kernel lets this thread look at what is under way.
    pub(crate) fn is_readable(&self) -> bool {
        // A key that no operation has: none is an answer, too.
        let look = |map: &MapHandle| map.lookup(&[0; size_of::<u64>()], MapFlags::ANY).is_ok();
        self.map.as_ref().is_none_or(look)
    }

    /// How many have ended of those whose end no program saw.
    fn find_unseen<H: Hooks>(&self, hooks: &H) -> u64 {
        let mut unseen = u64::MAX;
        for _ in 0..ENDING_STEPS {
            let left = self.left();
            let Some(under_way) = hooks.under_way() else {
                return 0;
            };
            // What ends between the two looks is there for one step only; what ended unseen stays.
            unseen = unseen.min(left.saturating_sub(under_way));
            if unseen == 0 {
                break;
            }
            sleep(ENDING_STEP);
        }
        unseen
    }

    fn left(&self) -> u64 {
        let Some(map) = &self.map else {
            return 0;
        };
        let started = map.keys().filter(|key| {
            let value = map.lookup(key, MapFlags::ANY).ok().flatten();
            value.is_some_and(|value| value.iter().take(size_of::<u64>()).any(|byte| *byte != 0))
        });
        started.count() as u64
    }
}
