// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options by which users ask anything of the fields of what a tool shows.

use std::str::FromStr;

use crate::error;
use crate::event::{Event, position};
use crate::query::condition::{Condition, Expression};
use crate::trace::options::Filter;
use crate::trace::set::Set;

/// What is asked of the fields, flattened into the options of each kind of tool.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Asked {
    /// Only what meets this condition over the fields of JSON, such as 'uid != 0 && comm ~ "^ssh"'
    ///
    /// Fields are compared by ==, !=, <, <=, >, >=, `in` with a list in parentheses, and ~ or !~ with a regular expression;
    /// `has` is for lists and sets. Comparisons are joined by && and ||, turned by !, and grouped by parentheses. Text stands
    /// in quotes; names of errors, signals and flags, and null, do not. Numbers of time and size take units: 10ms, 4k.
    #[arg(long = "where", value_name = "EXPR", help_heading = "Filters", value_parser = Expression::from_str)]
    pub condition: Option<Expression>,
}

impl Asked {
    /// Whether the condition asks for the field of this name.
    pub fn names(&self, field: &str) -> bool {
        let condition = self.condition.as_ref();
        condition.is_some_and(|condition| condition.names(field))
    }

    /// The condition, of this kind of event.
    pub(crate) fn condition<E: Event>(&self) -> error::Result<Option<Condition>> {
        let condition = self.condition.as_ref();
        condition.map(|asked| asked.check(E::FIELDS)).transpose()
    }
}

/// Why nothing was shown though so many operations were seen; for a run's last line. A field that the tool does not read
/// without an option is the likeliest reason.
pub(crate) fn let_none_pass<E: Event>(seen: u64, asked: &Asked) -> String {
    let unread = E::FIELDS.iter().filter(|field| asked.names(field.name));
    let unread = unread.filter_map(|field| Some((field.name, field.null?)));
    let reasons = unread.map(|(name, null)| format!("; {name} is null {}", null.replace('`', "")));
    let reasons: String = reasons.collect();
    format!("--where let none of {seen} pass{reasons}")
}

/// Has the kernel decide what it can of the condition: by process and by user. A filter of that name which was given stays as
/// it is, and the condition is then asked of what it lets pass.
pub(crate) fn narrow<E: Event>(condition: &Condition, filter: &mut Filter) {
    let only = |name: &str, filter: &mut Set<u32>| {
        let numbers = position(E::FIELDS, name).and_then(|field| condition.only(field));
        let numbers = numbers.map(|numbers| numbers.iter().map(|number| u32::try_from(*number)));
        if filter.is_empty()
            && let Some(Ok(numbers)) = numbers.map(Iterator::collect::<Result<Vec<_>, _>>)
        {
            *filter = Set::any(numbers);
        }
    };
    only("pid", &mut filter.pid);
    only("uid", &mut filter.uid);
}
