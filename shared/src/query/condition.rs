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

mod check;
mod expression;
mod grammar;
mod number;
mod test;

#[cfg(test)]
mod tests;

pub use expression::Expression;

use crate::event::Event;
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
        let parts = match &self.0 {
            Node::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        parts.iter().find_map(|part| match part {
            Node::Field(index, Test::Number(numbers)) if *index == field => {
                Some(numbers.as_slice())
            }
            _ => None,
        })
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
