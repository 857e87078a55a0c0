// SPDX-License-Identifier: MIT OR Apache-2.0
//! The account of what was seen and what was lost, and why.

use std::fmt;

use crate::data::raw::loss_cause;

/// How near a count comes to the number of events that were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Figure {
    /// Each one counted is one lost.
    Exact,
    /// That many were lost at most: what was counted may have been no event, or one that nobody asked for.
    AtMost,
}

/// Declares the causes: the only place that says what each is called, and what its count is worth.
macro_rules! causes {
    ($($(#[$doc:meta])* $cause:ident: $name:literal, $words:literal, $figure:ident $(, $counted:ident)?;)*) => {
        /// Why an event was not delivered.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Cause {
            $($(#[$doc])* $cause,)*
        }

        impl Cause {
            /// All causes, in the order of [`Counts`].
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$cause),*];

            /// The name that JSON and CSV carry.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$cause => $name,)*
                }
            }

            /// The name in words, for a table.
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$cause => $words,)*
                }
            }

            /// What its count is worth.
            pub fn figure(self) -> Figure {
                match self {
                    $(Self::$cause => Figure::$figure,)*
                }
            }

            /// The causes that BPF counts, each with its index in `loss_slot.count`.
            pub(crate) fn counted() -> impl Iterator<Item = (Self, usize)> {
                [$($((Self::$cause, loss_cause::$counted.0 as usize),)?)*].into_iter()
            }
        }
    };
}

causes! {
    /// The buffer between kernel and tool had no room.
    BufferFull: "buffer_full", "buffer full", Exact, LOSS_BUFFER_FULL;
    /// The map that joins an entry with its exit had no room.
    InflightFull: "inflight_full", "in-flight map full", Exact, LOSS_INFLIGHT_FULL;
    /// The map of followed processes had no room: a descendant was not followed. Counts processes, not events.
    FollowFull: "follow_full", "follow map full", Exact, LOSS_FOLLOW_FULL;
    /// Two operations under way could not be told apart; the earlier one is lost.
    InflightClash: "inflight_clash", "in-flight clash", Exact, LOSS_INFLIGHT_CLASH;
    /// A function's return was not seen: a kretprobe has only so many places for calls under way.
    KprobeMissed: "kprobe_missed", "kprobe missed", Exact, LOSS_KPROBE_MISSED;
    /// A function's return was not seen: another program was attached to it, or detached, during the call, or the kernel
    /// refused to run the program then.
    FexitMissed: "fexit_missed", "fexit missed", Exact, LOSS_FEXIT_MISSED;
    /// The kernel did not run the program for an operation's completion.
    CompletionMissed: "completion_missed", "completion missed", Exact, LOSS_COMPLETION_MISSED;
    /// A call's entry was seen and its exit was not: the next call of the thread found the entry still there.
    ExitMissed: "exit_missed", "exit missed", Exact, LOSS_EXIT_MISSED;
    /// BPF had no memory to build the event in.
    NoRoom: "no_room", "no room to build it in", Exact, LOSS_NO_ROOM;
    /// The event is larger than the buffer, or than what one record of a perf buffer carries.
    TooLarge: "too_large", "larger than the buffer", Exact, LOSS_TOO_LARGE;
    /// The event's CPU came online after the start, and has no perf buffer.
    NoBuffer: "no_buffer", "no perf buffer on that CPU", Exact, LOSS_NO_BUFFER;
    /// The trace ended while the kernel had a task that was about to tell of the event off its CPU.
    Unfinished: "unfinished", "unfinished at the end", Exact, LOSS_UNFINISHED;
    /// There were more processes than the tree has room for (`--tree-max`).
    TreeFull: "tree_full", "no room in the tree", Exact;
    /// The record was not one that this version of the tool makes.
    Malformed: "malformed", "malformed", Exact;
    /// The kernel refused to run a program (`recursion_misses`): inside itself on the same CPU, or while a task that is
    /// preempted is in it. Each refused run may have been for an event, or for none.
    Recursion: "recursion", "recursion", AtMost;
    /// The kernel came to a probe on a function inside the handler of another probe, and skipped it. (`missed` of a
    /// link's information.)
    KprobeNested: "kprobe_nested", "kprobe nested", AtMost;
    /// A signal came while a call waited: it starts again, and is told when it ends, or it returned `EINTR`, and is not.
    Interrupted: "interrupted", "interrupted", AtMost, LOSS_INTERRUPTED;
    /// The end of a call or wait was seen and its beginning was not: a seccomp filter refused the call before that, it
    /// began before the trace, or the kernel did not run the program.
    EntryMissed: "entry_missed", "entry missed", AtMost, LOSS_ENTRY_MISSED;
    /// The kernel refused to run a program that keeps the followed processes: a descendant may not have been followed.
    FollowMissed: "follow_missed", "follow missed", AtMost;
}

/// A count for each [`Cause`]: of what was lost for certain, and beside it, never added up with it, of what may have been.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    exact: [u64; Cause::ALL.len()],
    at_most: [u64; Cause::ALL.len()],
}

impl Counts {
    /// How many were lost for certain by one cause.
    pub fn get(&self, cause: Cause) -> u64 {
        self.exact[cause as usize]
    }

    /// Adds `count` to one cause, as what its [`figure`](Cause::figure) is.
    pub fn add(&mut self, cause: Cause, count: u64) {
        match cause.figure() {
            Figure::Exact => self.exact[cause as usize] += count,
            Figure::AtMost => self.add_at_most(cause, count),
        }
    }

    /// Adds `count` to what may have been lost by one cause: with some settings a count that is exact elsewhere is none.
    pub fn add_at_most(&mut self, cause: Cause, count: u64) {
        self.at_most[cause as usize] += count;
    }

    /// The losses that were not told yet, if these are; `told` is what was, from now on with them.
    pub(crate) fn untold(&self, told: &mut Self, time_ns: u64) -> Vec<Lost> {
        let mut untold = Vec::new();
        for (cause, total) in self.iter() {
            let count = total.saturating_sub(told.get(cause));
            if count > 0 {
                told.add(cause, count);
                untold.push(Lost {
                    time_ns: Some(time_ns),
                    count,
                    cause,
                });
            }
        }
        untold
    }

    /// How many were lost for certain.
    pub fn total(&self) -> u64 {
        self.exact.iter().sum()
    }

    /// How many more may have been lost.
    pub fn total_at_most(&self) -> u64 {
        self.at_most.iter().sum()
    }

    /// The causes by which something was lost for certain, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Cause, u64)> + '_ {
        occurred(&self.exact)
    }

    /// The causes by which more may have been lost, each with how much at most.
    pub fn iter_at_most(&self) -> impl Iterator<Item = (Cause, u64)> + '_ {
        occurred(&self.at_most)
    }
}

fn occurred(counts: &[u64; Cause::ALL.len()]) -> impl Iterator<Item = (Cause, u64)> + '_ {
    Cause::ALL
        .into_iter()
        .map(|cause| (cause, counts[cause as usize]))
        .filter(|(_, count)| *count > 0)
}

impl fmt::Display for Counts {
    /// `5 lost (buffer full 5)`, or `0 lost`, and where it is so: `, at most 2 more (recursion 2)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lost", self.total())?;
        causes(f, self.iter())?;
        if self.total_at_most() > 0 {
            write!(f, ", at most {} more", self.total_at_most())?;
            causes(f, self.iter_at_most())?;
        }
        Ok(())
    }
}

/// Causes with their counts in parentheses; nothing where there are none.
fn causes(f: &mut fmt::Formatter<'_>, counts: impl Iterator<Item = (Cause, u64)>) -> fmt::Result {
    let mut lead = " (";
    for (cause, count) in counts {
        write!(f, "{lead}{} {count}", cause.words())?;
        lead = ", ";
    }
    f.write_str(if lead == ", " { ")" } else { "" })
}

/// What the figures of an account are worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Certainty {
    /// What was seen and what was lost is all that happened.
    #[default]
    Exact,
    /// Up to [`Counts::total_at_most`] more may have happened.
    AtMost,
    /// More may have happened, and nobody knows how much: the kernel skips programs of this kind without a count, a
    /// process was not followed, or a cgroup that is asked for was made again, or may have been.
    Unknown,
}

impl Certainty {
    /// The name that JSON carries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::AtMost => "at_most",
            Self::Unknown => "unknown",
        }
    }
}

/// What a trace saw and lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Events that reached the tool.
    pub seen: u64,
    /// Events that did not, by cause.
    pub lost: Counts,
    /// Whether `seen` and `lost` add up to what happened.
    pub certainty: Certainty,
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
    use crate::data::raw::loss_cause;

    #[test]
    fn each_cause_that_bpf_counts_is_declared_once() {
        let mut indexes: Vec<_> = Cause::counted().map(|(_, index)| index).collect();
        indexes.sort_unstable();
        let counted = loss_cause::LOSS_COUNTED.0 as usize;
        assert_eq!(indexes, (0..counted).collect::<Vec<_>>());
        const { assert!(loss_cause::LOSS_COUNTED.0 <= loss_cause::LOSS_CAUSES.0) };
        let names: std::collections::BTreeSet<_> = Cause::ALL.map(Cause::name).into();
        assert_eq!(names.len(), Cause::ALL.len());
    }

    #[test]
    fn counts_read_as_a_sentence() {
        let mut counts = Counts::default();
        assert_eq!(counts.to_string(), "0 lost");
        counts.add(Cause::BufferFull, 5);
        counts.add(Cause::Recursion, 2);
        assert_eq!(
            counts.to_string(),
            "5 lost (buffer full 5), at most 2 more (recursion 2)"
        );
        counts.add(Cause::InflightFull, 1);
        counts.add_at_most(Cause::InflightFull, 3);
        assert_eq!(
            counts.to_string(),
            "6 lost (buffer full 5, in-flight map full 1), at most 5 more (in-flight map full 3, recursion 2)"
        );
        assert_eq!((counts.total(), counts.total_at_most()), (6, 5));
    }
}
