// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an event is to everything that prints or passes it on.

pub mod column;
pub mod names;
pub mod path;
pub mod task;

use crate::output::fields::Fields;

/// One decoded event, borrowed from the batch that carried it.
pub trait Event {
    /// The value of JSON's `event` field: `exec`, `open`, ...
    const KIND: &'static str;

    /// The names that [`fields`](Event::fields) gives, in their order. They head a CSV file.
    const FIELDS: &'static [&'static str];

    /// When it happened: nanoseconds of the kernel's boot-time clock.
    fn time_ns(&self) -> u64;

    /// Whether the operation failed. A terminal shows such a row in colour.
    fn failed(&self) -> bool {
        false
    }

    /// Gives each field once, in the order of [`FIELDS`](Event::FIELDS).
    fn fields(&self, to: &mut dyn Fields);
}

/// A kind of event whose values borrow from a batch: what outputs are generic over.
pub trait EventFamily: 'static {
    /// The event itself.
    type Event<'a>: Event;
}
