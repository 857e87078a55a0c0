// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the intervals of each tag come to.

use std::collections::BTreeMap;
use std::time::Duration;

use super::read::{Interval, too_many};
use super::spread::Spread;
use crate::error::Result;

/// What a tag's intervals come to.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The first moment, since the Unix epoch.
    pub start: Duration,
    /// The last.
    pub end: Duration,
    /// All values.
    pub values: Spread,
}

impl Merged {
    fn add(&mut self, interval: &Interval<'_>) -> Result<()> {
        self.start = self.start.min(interval.start);
        self.end = self.end.max(end(interval));
        self.values.add(interval.values).map_err(|_| too_many())
    }
}

fn end(interval: &Interval<'_>) -> Duration {
    interval.start.saturating_add(interval.length)
}

/// Intervals, added up by tag.
#[derive(Debug, Clone, Default)]
pub struct Tags {
    untagged: Option<Merged>,
    tagged: BTreeMap<String, Merged>,
}

impl Tags {
    /// Adds one.
    ///
    /// # Errors
    ///
    /// When there are more values than can be counted.
    pub fn add(&mut self, interval: &Interval<'_>) -> Result<()> {
        let found = match interval.tag {
            None => self.untagged.as_mut(),
            Some(tag) => self.tagged.get_mut(tag),
        };
        if let Some(merged) = found {
            return merged.add(interval);
        }
        let merged = Merged {
            start: interval.start,
            end: end(interval),
            values: interval.values.clone(),
        };
        match interval.tag {
            None => self.untagged = Some(merged),
            Some(tag) => drop(self.tagged.insert(tag.to_owned(), merged)),
        }
        Ok(())
    }

    /// What a tag comes to.
    pub fn get(&self, tag: Option<&str>) -> Option<&Merged> {
        match tag {
            None => self.untagged.as_ref(),
            Some(tag) => self.tagged.get(tag),
        }
    }

    /// All of them: first what has no tag, then by the bytes of the tag.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&str>, &Merged)> + '_ {
        let untagged = self.untagged.iter().map(|merged| (None, merged));
        let tagged = self.tagged.iter();
        untagged.chain(tagged.map(|(tag, merged)| (Some(tag.as_str()), merged)))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.untagged.is_none() && self.tagged.is_empty()
    }
}
