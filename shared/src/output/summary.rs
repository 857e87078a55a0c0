// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said about a whole run, and about a gap in it.

use crate::data::aside::Aside;
use crate::data::loss::{Cause, Certainty, Counts, Lost};
use std::fmt;
use std::time::Duration;

/// The account of a run. In words, as people are told on standard error:
/// `execsnoop: 1234 events, 5 lost (buffer full 5)`.
#[derive(Debug, Clone)]
pub struct Summary<'a> {
    /// The tool that ran.
    pub tool: &'a str,
    /// How many events were printed.
    pub events: u64,
    /// How many were lost, by cause.
    pub lost: Counts,
    /// Whether that is all.
    pub certainty: Certainty,
    /// Whether a cgroup that is asked for was made again: what ran in it before it was found is missing.
    pub cgroup_made_again: bool,
    /// How long the run took.
    pub duration: Duration,
    /// The label of the rung that the tool was attached by.
    pub rung: &'a str,
    /// What carried the events: `ring` or `perf`; `None` for a tool that counts in the kernel.
    pub buffer: Option<&'a str>,
    /// What the tool counted beside its events; `None` of what it could not.
    pub asides: &'a [(Aside, Option<u64>)],
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.events == 1 { "" } else { "s" };
        let Self {
            tool, events, lost, ..
        } = self;
        write!(f, "{tool}: {events} event{plural}, {lost}")?;
        for (aside, count) in self.asides {
            if let Some(count @ 1..) = count {
                write!(f, ", {count} {}", aside.words)?;
            }
        }
        Ok(())
    }
}

impl Summary<'_> {
    /// What the figures do not say, in plain words; `None` where they say it all.
    pub fn doubt(&self) -> Option<String> {
        let rung = self.rung;
        match self.certainty {
            Certainty::Exact => None,
            Certainty::AtMost => Some(format!(
                "at most {} more events than the lost ones may be missing: the kernel counts what it refused, not what that was",
                self.lost.total_at_most()
            )),
            Certainty::Unknown if self.lost.get(Cause::FollowFull) > 0 => Some(
                "how many events are missing is not known: not all descendants were followed"
                    .into(),
            ),
            Certainty::Unknown if self.cgroup_made_again => Some(
                "how many events are missing is not known: what ran in a cgroup that was made again, before it was found, was not seen"
                    .into(),
            ),
            Certainty::Unknown => Some(format!(
                "how many events are missing is not known: this kernel may skip programs of probe {rung} while others use BPF maps, and does not count it"
            )),
        }
    }
}

/// A gap in words: `(lost 5: buffer full)`.
#[derive(Debug, Clone, Copy)]
pub struct Gap<'a>(pub &'a Lost);

impl fmt::Display for Gap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(lost {}: {})", self.0.count, self.0.cause.words())
    }
}

#[cfg(test)]
mod tests {
    use super::{Gap, Summary};
    use crate::data::aside::Aside;
    use crate::data::loss::{Cause, Certainty, Counts, Lost};
    use std::time::Duration;

    #[test]
    fn a_run_reads_as_a_sentence() {
        let mut summary = Summary {
            tool: "execsnoop",
            events: 1234,
            lost: Counts::default(),
            certainty: Certainty::Exact,
            cgroup_made_again: false,
            duration: Duration::from_secs(1),
            rung: "tp_btf",
            buffer: Some("ring"),
            asides: &[],
        };
        assert_eq!(summary.to_string(), "execsnoop: 1234 events, 0 lost");
        summary.events = 1;
        summary.lost.add(Cause::BufferFull, 5);
        assert_eq!(
            summary.to_string(),
            "execsnoop: 1 event, 5 lost (buffer full 5)"
        );
        let again = Aside {
            map: "again",
            name: "again",
            words: "met again",
        };
        for (count, words) in [(None, ""), (Some(0), ""), (Some(3), ", 3 met again")] {
            let asides = [(again, count)];
            let said = Summary {
                asides: &asides,
                ..summary.clone()
            };
            assert_eq!(said.to_string(), format!("{summary}{words}"));
        }
        assert_eq!(summary.doubt(), None);
        summary.lost.add(Cause::Recursion, 34);
        summary.certainty = Certainty::AtMost;
        assert_eq!(
            summary.to_string(),
            "execsnoop: 1 event, 5 lost (buffer full 5), at most 34 more (recursion 34)"
        );
        assert!(summary.doubt().unwrap().contains("at most 34 more"));
        summary.certainty = Certainty::Unknown;
        assert!(summary.doubt().unwrap().contains("probe tp_btf"));
        summary.cgroup_made_again = true;
        assert!(summary.doubt().unwrap().contains("cgroup"));
        summary.lost.add(Cause::FollowFull, 1);
        assert!(summary.doubt().unwrap().contains("descendants"));
    }

    #[test]
    fn a_gap_is_in_parentheses() {
        let lost = Lost {
            time_ns: None,
            count: 5,
            cause: Cause::BufferFull,
        };
        assert_eq!(Gap(&lost).to_string(), "(lost 5: buffer full)");
    }
}
