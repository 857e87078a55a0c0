// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options by which users ask anything of the fields of what a tool shows.

use std::str::FromStr;

use crate::query::condition::Expression;

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
}
