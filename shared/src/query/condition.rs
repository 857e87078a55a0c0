// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--where`: which events are shown, by a condition over their fields.
//!
//! ```
//! use tracewell_shared::event::{Event, EventFamily, Moment};
//! use tracewell_shared::query::condition::Expression;
//!
//! /// Something that happened.
//! #[derive(Debug, Event)]
//! #[event(kind = "thing", of = Things)]
//! struct Thing {
//!     /// When.
//!     time: Moment,
//!     /// The process.
//!     pid: u32,
//! }
//!
//! #[derive(Debug)]
//! struct Things;
//!
//! let asked: Expression = "pid in (1, 2) && !(pid == 2)".parse().unwrap();
//! let condition = asked.check(<Thing as Event>::FIELDS).unwrap();
//! let of = |pid| Thing { time: Moment::default(), pid };
//! assert!(condition.holds(&of(1)));
//! assert!(!condition.holds(&of(2)));
//! ```

#[cfg(test)]
mod addresses;
mod check;
mod expression;
mod grammar;
mod number;
mod test;

#[cfg(test)]
mod tests;

pub use expression::Expression;

use std::time::Duration;

use crate::event::{Event, Field, position};
use test::Test;

/// A condition that the fields of a kind of event can meet.
#[derive(Debug, Clone)]
pub struct Condition(Node);

#[derive(Debug, Clone)]
enum Node {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// Of the field of this number.
    Field(usize, Test),
}

impl Condition {
    /// Whether the event meets it.
    pub fn holds<E: Event>(&self, event: &E) -> bool {
        self.0.holds(event)
    }

    /// The numbers of a field that alone can meet it, as far as that is plain: those that it is compared with by `==` or
    /// `in` where all has to hold. [`Event::FIELDS`] numbers the fields.
    pub fn only(&self, field: usize) -> Option<&[i128]> {
        self.tests(field).find_map(|test| match test {
            Test::Number(numbers) => Some(numbers.as_slice()),
            _ => None,
        })
    }

    /// The same of texts.
    pub fn only_texts(&self, field: usize) -> Option<&[Vec<u8>]> {
        self.tests(field).find_map(|test| match test {
            Test::Text(texts) => Some(texts.as_slice()),
            _ => None,
        })
    }

    /// The least number that a field can have and meet it, as far as that is plain.
    pub fn least(&self, field: usize) -> Option<i128> {
        let least = self.tests(field).filter_map(|test| match test {
            Test::AtLeast(least) => Some(*least),
            Test::Number(numbers) => numbers.iter().min().copied(),
            _ => None,
        });
        least.max()
    }

    /// Whether it is plain that nothing meets it of which this field is absent.
    pub fn needs(&self, field: usize) -> bool {
        let is_there = |test: &Test| !matches!(test, Test::Absent);
        self.tests(field).any(is_there)
            || self.all().iter().any(|part| match part {
                Node::Not(inner) => {
                    matches!(**inner, Node::Field(index, Test::Absent) if index == field)
                }
                _ => false,
            })
    }

    /// Whether it is plain that nothing meets it of which this field is there.
    pub fn needs_absent(&self, field: usize) -> bool {
        self.tests(field).any(|test| matches!(test, Test::Absent))
    }

    /// What has to hold, all of it.
    fn all(&self) -> &[Node] {
        match &self.0 {
            Node::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        }
    }

    /// What has to hold of this field.
    fn tests(&self, field: usize) -> impl Iterator<Item = &Test> {
        self.all().iter().filter_map(move |part| match part {
            Node::Field(index, test) if *index == field => Some(test),
            _ => None,
        })
    }
}

/// A condition with the fields that it is about: for a tool that can have the kernel decide a part of it.
#[derive(Debug, Clone, Copy)]
pub struct Asks<'c> {
    /// The condition.
    pub condition: &'c Condition,
    /// The fields.
    pub fields: &'c [Field],
}

impl Asks<'_> {
    fn of<T>(&self, name: &str, ask: impl FnOnce(&Condition, usize) -> T) -> Option<T> {
        Some(ask(self.condition, position(self.fields, name)?))
    }

    /// Whether it is plain that nothing meets it of which the field of this name is absent.
    pub fn needs(&self, name: &str) -> bool {
        self.of(name, Condition::needs).unwrap_or(false)
    }

    /// Whether it is plain that nothing meets it of which the field of this name is there.
    pub fn needs_absent(&self, name: &str) -> bool {
        self.of(name, Condition::needs_absent).unwrap_or(false)
    }

    /// The least number that the field of this name can have and meet it, as far as that is plain.
    pub fn least(&self, name: &str) -> Option<i128> {
        self.of(name, Condition::least).flatten()
    }

    /// The numbers of the field of this name that alone can meet it, as far as that is plain.
    pub fn only(&self, name: &str) -> Option<&[i128]> {
        let index = position(self.fields, name)?;
        self.condition.only(index)
    }

    /// Raises the least duration that the kernel has to tell of to that which the field of this name, in nanoseconds, has to
    /// have, where that is plain. Gives whether it is.
    pub fn raise(&self, least: &mut Duration, name: &str) -> bool {
        let asked = self.least(name).and_then(|ns| u64::try_from(ns).ok());
        if let Some(ns) = asked {
            *least = Duration::from_nanos(ns).max(*least);
        }
        asked.is_some()
    }

    /// Sets which results of calls the kernel has to tell of, where that is plain: those that failed, or those that
    /// succeeded. Gives whether it set one. Of the fields of [`Failure`](crate::event::Failure).
    pub fn results(&self, failed_only: &mut bool, succeeded_only: &mut bool) -> bool {
        if self.needs("errno") || self.needs("error") {
            *failed_only = true;
        } else if self.needs_absent("errno") {
            *succeeded_only = true;
        } else {
            return false;
        }
        true
    }
}

impl Node {
    fn holds<E: Event>(&self, event: &E) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(event)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(event)),
            Self::Not(part) => !part.holds(event),
            Self::Field(index, test) => {
                let mut met = test::Met::new(test);
                event.field(*index, &mut met);
                met.is()
            }
        }
    }
}
