// SPDX-License-Identifier: MIT OR Apache-2.0
//! The account of what was seen and what was lost, and why.

use std::fmt;

/// Why an event was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The buffer between kernel and tool had no room.
    BufferFull,
    /// The map that joins an entry with its exit had no room.
    InflightFull,
    /// The map of followed processes had no room: a descendant was not followed. Counts processes, not events.
    FollowFull,
    /// The map of histograms had no room for one more key.
    KeysFull,
    /// Two operations under way could not be told apart; the earlier one is lost.
    InflightClash,
    /// The kernel refused to run a program inside itself on the same CPU (`recursion_misses`).
    Recursion,
    /// A function's return was not seen: a kretprobe has only so many places for calls under way.
    KprobeMissed,
    /// A function's return was not seen: another program was attached to it, or detached, during the call.
    FexitMissed,
    /// The kernel did not run the program for an operation's completion.
    CompletionMissed,
    /// The record was not one that this version of the tool makes.
    Malformed,
}

impl Cause {
    /// All causes, in the order of [`Counts`].
    pub const ALL: [Self; 10] = [
        Self::BufferFull,
        Self::InflightFull,
        Self::FollowFull,
        Self::KeysFull,
        Self::InflightClash,
        Self::Recursion,
        Self::KprobeMissed,
        Self::FexitMissed,
        Self::CompletionMissed,
        Self::Malformed,
    ];

    /// The name that JSON and CSV carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::BufferFull => "buffer_full",
            Self::InflightFull => "inflight_full",
            Self::FollowFull => "follow_full",
            Self::KeysFull => "keys_full",
            Self::InflightClash => "inflight_clash",
            Self::Recursion => "recursion",
            Self::KprobeMissed => "kprobe_missed",
            Self::FexitMissed => "fexit_missed",
            Self::CompletionMissed => "completion_missed",
            Self::Malformed => "malformed",
        }
    }

    /// The name in words, for a table.
    pub fn words(self) -> &'static str {
        match self {
            Self::BufferFull => "buffer full",
            Self::InflightFull => "in-flight map full",
            Self::FollowFull => "follow map full",
            Self::KeysFull => "map of keys full",
            Self::InflightClash => "in-flight clash",
            Self::Recursion => "recursion",
            Self::KprobeMissed => "kprobe missed",
            Self::FexitMissed => "fexit missed",
            Self::CompletionMissed => "completion missed",
            Self::Malformed => "malformed",
        }
    }
}

/// A count for each [`Cause`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([u64; Cause::ALL.len()]);

impl Counts {
    /// The count of one cause.
    pub fn get(&self, cause: Cause) -> u64 {
        self.0[cause as usize]
    }

    /// Adds `count` to one cause.
    pub fn add(&mut self, cause: Cause, count: u64) {
        self.0[cause as usize] += count;
    }

    /// The sum over all causes.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The causes that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Cause, u64)> + '_ {
        Cause::ALL
            .into_iter()
            .map(|cause| (cause, self.get(cause)))
            .filter(|(_, count)| *count > 0)
    }
}

impl fmt::Display for Counts {
    /// `5 lost (buffer full 5)`, or `0 lost`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lost", self.total())?;
        for (index, (cause, count)) in self.iter().enumerate() {
            let lead = if index == 0 { " (" } else { ", " };
            write!(f, "{lead}{} {count}", cause.words())?;
        }
        if self.total() > 0 {
            f.write_str(")")
        } else {
            Ok(())
        }
    }
}

/// A gap in the stream: events that were lost before the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// The boot-time nanoseconds of the event that follows the gap; `None` for a gap found at the end.
    pub time_ns: Option<u64>,
    /// How many were lost.
    pub count: u64,
    /// Why.
    pub cause: Cause,
}

#[cfg(test)]
mod tests {
    use super::{Cause, Counts};

    #[test]
    fn counts_read_as_a_sentence() {
        let mut counts = Counts::default();
        assert_eq!(counts.to_string(), "0 lost");
        counts.add(Cause::BufferFull, 5);
        counts.add(Cause::Recursion, 2);
        assert_eq!(counts.to_string(), "7 lost (buffer full 5, recursion 2)");
        assert_eq!(counts.total(), 7);
    }
}
