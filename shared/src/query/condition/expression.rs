// SPDX-License-Identifier: MIT OR Apache-2.0
//! A condition as it was written, before it is known of which events.

use std::ops::Range;
use std::str::FromStr;

use super::grammar;

/// A condition as it was written: its form is right, and its fields are not looked up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    pub(super) text: String,
    pub(super) part: Part,
}

/// Where something stands in the text, in bytes.
pub(super) type Span = Range<usize>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Field {
        name: String,
        at: Span,
        /// Without one, the field is to be true.
        question: Option<Question>,
    },
}

/// What is asked of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) operator: Operator,
    /// Where the operator stands.
    pub(super) at: Span,
    /// One, but for `in`.
    pub(super) values: Vec<(Literal, Span)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
    Matches,
    MatchesNot,
    In,
    Has,
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    /// Between quotes, its escapes as they are.
    Quoted(String),
    /// Digits, perhaps with a fraction and a unit.
    Number(String),
    /// An address of IP, or a network of them.
    Address(String),
    /// A name: of an error, a flag, a word; or `true`, `false`, `null`.
    Name(String),
}

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let part = grammar::parse(text)?;
        Ok(Self {
            text: text.to_owned(),
            part,
        })
    }
}

impl Expression {
    /// Whether it asks anything of the field of this name, or whether that was cut.
    pub fn names(&self, field: &str) -> bool {
        self.part.names(field)
    }
}

impl Part {
    fn names(&self, field: &str) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.names(field)),
            Self::Not(part) => part.names(field),
            Self::Field { name, .. } => name.strip_suffix("_truncated").unwrap_or(name) == field,
        }
    }
}

/// What is wrong, with the text and the place below it.
pub(super) fn wrong(what: &str, text: &str, at: &Span) -> String {
    use unicode_width::UnicodeWidthStr;

    let until = |end: usize| text.get(..end).map_or(0, UnicodeWidthStr::width);
    let (start, end) = (until(at.start), until(at.end));
    let marks = "^".repeat((end - start.min(end)).max(1));
    format!("{what}\n  {text}\n  {:start$}{marks}", "")
}
