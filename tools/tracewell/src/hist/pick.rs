// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which tags are asked for.

use std::collections::BTreeSet;

use super::table::tag_word;
use tracewell_shared::error::Error;
use tracewell_shared::trace::set::Set;

/// What has no tag, on the command line and in a table.
pub(super) const UNTAGGED: &str = "-";

/// As many tags are named to one who asked for another.
const NAMED: usize = 10;

/// A tag that is asked for, by its whole text or by parts of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted(String);

pub(super) fn wanted(text: &str) -> Result<Wanted, String> {
    Ok(Wanted(text.to_owned()))
}

impl Wanted {
    /// Whether this tag is meant: all of it, or each part that is asked for is one of its parts.
    fn is(&self, tag: Option<&str>) -> bool {
        let Some(tag) = tag else {
            return self.0 == UNTAGGED;
        };
        tag == self.0
            || self
                .0
                .split(';')
                .all(|wanted| tag.split(';').any(|part| part == wanted))
    }
}

/// The tags that are asked for, and what there was instead.
#[derive(Debug)]
pub(super) struct Pick {
    wanted: Set<Wanted>,
}

impl Pick {
    pub(super) fn new(wanted: Set<Wanted>) -> Self {
        Self { wanted }
    }

    pub(super) fn lets(&self, tag: Option<&str>) -> bool {
        self.wanted.lets(|wanted| wanted.is(tag))
    }
}

/// What a look at logs came to: whether there was what was asked for, and what else.
#[derive(Debug, Default)]
pub(super) struct Met {
    picked: bool,
    others: BTreeSet<String>,
    more: bool,
}

impl Met {
    /// Notes a tag; says whether it is asked for.
    pub(super) fn lets(&mut self, pick: &Pick, tag: Option<&str>) -> bool {
        if pick.lets(tag) {
            self.picked = true;
            return true;
        }
        let word = tag_word(tag);
        if !self.others.contains(&word) {
            if self.others.len() < NAMED {
                self.others.insert(word);
            } else {
                self.more = true;
            }
        }
        false
    }

    /// The error for one who asked for what there was not.
    pub(super) fn check(self) -> Result<(), Error> {
        if self.picked || self.others.is_empty() {
            return Ok(());
        }
        let mut others: Vec<_> = self.others.into_iter().collect();
        if self.more {
            others.push("and others".to_owned());
        }
        let help = format!(
            "there are {}; a tag is named by all of it, or by whole parts between its semicolons",
            others.join(", ")
        );
        Err(Error::usage("no record has a tag that --tag asks for").help(help))
    }
}

#[cfg(test)]
mod tests {
    use super::{Met, Pick, Wanted};
    use tracewell_shared::trace::set::Set;

    #[test]
    fn a_tag_is_meant_by_all_of_it_or_by_parts() {
        let tag = "disk=sda;flags=Sync-Read;cgroup=/a";
        for (text, meant) in [
            (tag, true),
            ("disk=sda", true),
            ("cgroup=/a;disk=sda", true),
            ("disk=sd", false),
            ("sda", false),
            ("disk=sda;flags=Write", false),
            ("-", false),
        ] {
            assert_eq!(Wanted(text.to_owned()).is(Some(tag)), meant, "{text}");
        }
        assert!(Wanted("-".to_owned()).is(None) && Wanted("-".to_owned()).is(Some("-")));
        assert!(!Wanted("a".to_owned()).is(None));
    }

    #[test]
    fn who_asks_for_what_is_not_there_is_told_what_is() {
        let pick = Pick::new(Set::any([Wanted("disk=x".to_owned())]));
        let mut met = Met::default();
        assert!(!met.lets(&pick, Some("disk=a b")) && !met.lets(&pick, None));
        let said = met.check().unwrap_err().to_string();
        assert!(said.contains(r"there are -, disk=a\x20b;"), "{said}");
        // In a recording of nothing, nothing is missed.
        assert!(Met::default().check().is_ok());
        let mut met = Met::default();
        assert!(met.lets(&pick, Some("flags=Read;disk=x")));
        met.lets(&pick, None);
        assert!(met.check().is_ok());
    }
}
