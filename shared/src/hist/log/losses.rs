// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a log says that it lacks.

use std::collections::BTreeMap;
use std::fmt;

use super::line::Note;
use super::tag_shown;
use crate::data::loss::Cause;

/// As many causes are told apart as any program will have; a file may claim any number.
const CAUSES_MAX: usize = 64;

/// The values that were lost while logs were recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    /// How many, by the name of the cause.
    exact: BTreeMap<String, u64>,
    /// How many more at most.
    at_most: BTreeMap<String, u64>,
    /// Whether nobody knows how many.
    unknown: bool,
}

impl Losses {
    pub(super) fn note(&mut self, note: &Note<'_>) {
        match note {
            Note::Recorded(_) => {}
            Note::Lost(count, cause) => count_up(&mut self.exact, cause, *count),
            Note::LostAtMost(count, cause) => count_up(&mut self.at_most, cause, *count),
            Note::LostUnknown => self.unknown = true,
        }
    }

    /// Adds what another log lacks.
    pub fn add(&mut self, other: &Self) {
        for (cause, count) in &other.exact {
            count_up(&mut self.exact, cause, *count);
        }
        for (cause, count) in &other.at_most {
            count_up(&mut self.at_most, cause, *count);
        }
        self.unknown |= other.unknown;
    }

    /// Whether nothing was lost, as far as the log says.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The comments that say the same in a log.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let said =
            |name: &'static str| move |(cause, count): (&String, &u64)| lost(name, *count, cause);
        let unknown = self.unknown.then(|| "#[Lost: unknown]\n".to_owned());
        let exact = self.exact.iter().map(said(EXACT));
        exact
            .chain(self.at_most.iter().map(said(AT_MOST)))
            .chain(unknown)
    }
}

pub(super) const EXACT: &str = "Lost";
pub(super) const AT_MOST: &str = "Lost at most";

/// The comment on a loss.
pub(super) fn lost(name: &str, count: u64, cause: &str) -> String {
    format!("#[{name}: {count} {cause}]\n")
}

fn count_up(counts: &mut BTreeMap<String, u64>, cause: &str, count: u64) {
    let cause = if counts.contains_key(cause) || counts.len() < CAUSES_MAX {
        cause
    } else {
        "other"
    };
    let all = counts.entry(cause.to_owned()).or_default();
    *all = all.saturating_add(count);
}

impl fmt::Display for Losses {
    /// `5 values were lost (in-flight map full 5), at most 2 more (recursion 2)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |counts: &BTreeMap<_, _>| {
            counts
                .values()
                .fold(0_u64, |sum, count| sum.saturating_add(*count))
        };
        let mut lead = "";
        if !self.exact.is_empty() {
            write!(f, "{} values were lost", sum(&self.exact))?;
            causes(f, &self.exact)?;
            lead = ", ";
        }
        if !self.at_most.is_empty() {
            let more = if lead.is_empty() {
                "values were lost"
            } else {
                "more"
            };
            write!(f, "{lead}at most {} {more}", sum(&self.at_most))?;
            causes(f, &self.at_most)?;
            lead = ", ";
        }
        if self.unknown {
            write!(f, "{lead}how many values were lost is not known")?;
        }
        Ok(())
    }
}

fn causes(f: &mut fmt::Formatter<'_>, counts: &BTreeMap<String, u64>) -> fmt::Result {
    for (index, (name, count)) in counts.iter().enumerate() {
        let lead = if index == 0 { " (" } else { ", " };
        let known = Cause::ALL.into_iter().find(|cause| cause.name() == name);
        match known {
            Some(cause) => write!(f, "{lead}{} {count}", cause.words())?,
            None => write!(f, "{lead}{} {count}", tag_shown(name))?,
        }
    }
    f.write_str(")")
}

#[cfg(test)]
mod tests {
    use super::{Losses, Note};

    #[test]
    fn losses_add_up_and_are_said_in_words() {
        let mut losses = Losses::default();
        assert!(losses.is_empty());
        losses.note(&Note::Recorded(5));
        assert!(losses.is_empty());
        for note in [
            Note::Lost(5, "inflight_full"),
            Note::Lost(2, "inflight_full"),
            Note::LostAtMost(3, "recursion"),
        ] {
            losses.note(&note);
        }
        let mut both = losses.clone();
        both.add(&losses);
        assert_eq!(
            both.to_string(),
            "14 values were lost (in-flight map full 14), at most 6 more (recursion 6)"
        );
        both.note(&Note::LostUnknown);
        let lines: Vec<_> = both.lines().collect();
        assert_eq!(
            lines,
            [
                "#[Lost: 14 inflight_full]\n",
                "#[Lost at most: 6 recursion]\n",
                "#[Lost: unknown]\n"
            ]
        );
        assert!(
            both.to_string()
                .ends_with("how many values were lost is not known")
        );
    }

    #[test]
    fn no_file_makes_it_grow() {
        let mut losses = Losses::default();
        for number in 0..10_000 {
            losses.note(&Note::Lost(u64::MAX, &format!("cause\x1b{number}")));
        }
        assert_eq!(losses.exact.len(), 65);
        let said = losses.to_string();
        assert!(
            said.starts_with("18446744073709551615 values") && !said.contains('\x1b'),
            "{said}"
        );
    }
}
