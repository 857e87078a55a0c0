// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an event is to everything that prints it, describes it or passes it on.
//!
//! An event's struct is its declaration: `#[derive(Event)]` makes JSON, CSV, the table, the schema and the pages' tables
//! of it. Fields that many events have are a [`Group`]; a type with a form of its own is a [`Value`].

pub mod address;
pub mod ancestors;
pub mod belonging;
pub mod connection;
pub mod ending;
pub mod endpoints;
pub mod exe;
pub mod fields;
pub mod names;
pub mod owner;
pub mod path;
pub mod task;
pub mod text;
pub mod users;

mod bucket;
mod cell;
mod failure;
mod field;
pub(crate) mod frame;
mod group;
mod kinds;
mod signal;
mod value;

pub use bucket::Bucket;
pub use cell::Cell;
pub use failure::{ErrorName, Failure};
pub use field::{Field, Header, Type, count, joined, position};
pub use fields::Fields;
pub use frame::Frame;
pub use group::Group;
pub use kinds::{Kind, count_united, firsts, places, united};
pub use signal::SignalName;
pub use tracewell_derive::{Event, Group, Word};
pub use value::{
    Bytes, Mode, Moment, Nanos, Truncated, Value, Word, as_kilobytes, as_known_millis, as_millis,
    as_returned, as_word,
};

/// One decoded event, borrowed from the batch that carried it. It is derived.
pub trait Event {
    /// What is known of the fields, in their order. They head a CSV file. Of several kinds, those of all.
    const FIELDS: &'static [Field];

    /// The kinds of events that these can be: one for most traces.
    const KINDS: &'static [Kind];

    /// The first kind's name: the value of JSON's `event` field, where there are no others.
    const KIND: &'static str = Self::KINDS[0].name;

    /// The name of this event's kind.
    fn kind(&self) -> &'static str;

    /// When it happened: nanoseconds of the kernel's boot-time clock.
    fn time_ns(&self) -> u64;

    /// Whether the operation failed. A terminal shows such a row in colour.
    fn failed(&self) -> bool;

    /// Gives each field of its kind once, in their order.
    fn fields(&self, to: &mut dyn Fields);

    /// Gives the field of this number among [`FIELDS`](Event::FIELDS) alone.
    fn field(&self, index: usize, to: &mut dyn Fields);

    /// Writes the field of this number into a cell of a table.
    fn show(&self, index: usize, cell: &mut Cell<'_>);
}

/// A kind of event whose values borrow from a batch: what outputs are generic over.
pub trait EventFamily: 'static {
    /// The event itself.
    type Event<'a>: Event;
}

#[cfg(test)]
mod tests;
