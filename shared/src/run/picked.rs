// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is shown of what comes, by `--where`: of events, of rows and of histograms alike.

use crate::cli::Asked;
use crate::error::Result;
use crate::event::{Event, Field, position};
use crate::query::condition::{Asks, Condition};
use crate::trace::knobs::COMM_MAX;
use crate::trace::options::Filter;
use crate::trace::set::Set;

/// Picks what is shown, and counts the rest.
pub(super) struct Picked {
    asked: Asked,
    condition: Option<Condition>,
    /// Of the kind of event.
    fields: &'static [Field],
    left_out: u64,
}

impl Picked {
    /// What is asked of this kind of event.
    pub(super) fn new<E: Event>(asked: &Asked) -> Result<Self> {
        let condition = asked.condition.as_ref();
        Ok(Self {
            asked: asked.clone(),
            condition: condition.map(|asked| asked.check(E::FIELDS)).transpose()?,
            fields: E::FIELDS,
            left_out: 0,
        })
    }

    /// Whether anything is left out at all.
    pub(super) fn asks(&self) -> bool {
        self.condition.is_some()
    }

    /// Whether an event is shown, which stands for so many operations.
    pub(super) fn lets<E: Event>(&mut self, event: &E, operations: u64) -> bool {
        let holds = self
            .condition
            .as_ref()
            .is_none_or(|asked| asked.holds(event));
        if !holds {
            self.left_out += operations;
        }
        holds
    }

    /// Has the kernel decide what it can of the condition by its filters, and gives the names of the fields that those ask for.
    /// A filter of that name which was given stays as it is, and the condition is then asked of what it lets pass.
    pub(super) fn narrow(&self, filter: &mut Filter) -> Vec<&'static str> {
        let mut decided = Vec::new();
        let Some(condition) = &self.condition else {
            return decided;
        };
        let numbers = |name: &str| {
            let numbers = condition.only(position(self.fields, name)?)?.iter();
            numbers
                .map(|number| u32::try_from(*number).ok())
                .collect::<Option<Vec<_>>>()
        };
        for (name, filter) in [
            ("pid", &mut filter.pid),
            ("ppid", &mut filter.ppid),
            ("uid", &mut filter.uid),
        ] {
            if filter.is_empty()
                && let Some(numbers) = numbers(name)
            {
                *filter = Set::any(numbers);
                decided.push(name);
            }
        }
        let comms = position(self.fields, "comm").and_then(|comm| condition.only_texts(comm));
        if let Some(comms) = comms
            && filter.comm.is_empty()
            && comms.iter().all(|comm| comm.len() <= COMM_MAX)
        {
            filter.comm = Set::any(comms.iter().cloned());
            decided.push("comm");
        }
        decided
    }

    /// What the tool itself may have the kernel decide.
    pub(super) fn asks_of(&self) -> Option<Asks<'_>> {
        Some(Asks {
            condition: self.condition.as_ref()?,
            fields: self.fields,
        })
    }

    /// Why nothing was shown though something came; for a run's last line. A field that the tool does not read without an
    /// option is the likeliest reason.
    pub(super) fn why_nothing(&self, shown: u64) -> Option<String> {
        if shown > 0 || self.left_out == 0 {
            return None;
        }
        let unread = self
            .fields
            .iter()
            .filter(|field| self.asked.names(field.name));
        let unread = unread.filter_map(|field| Some((field.name, field.null?)));
        let reasons =
            unread.map(|(name, null)| format!("; {name} is null {}", null.replace('`', "")));
        let reasons: String = reasons.collect();
        Some(format!(
            "--where let none of {} pass{reasons}",
            self.left_out
        ))
    }
}
