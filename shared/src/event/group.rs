// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fields that stand together in any number of events: who did it, which file, how it failed.

use super::{Cell, Field, Fields};

/// A group of fields. It is derived from a struct, and flattened into an event or another group by `#[field(group)]`.
///
/// A key of histograms or counts is a group, too.
pub trait Group {
    /// What is known of the fields, in their order.
    const FIELDS: &'static [Field];

    /// Gives each field once, in that order.
    fn give(&self, to: &mut dyn Fields);

    /// Gives the field of this number alone. There is nothing beyond the last.
    fn give_one(&self, index: usize, to: &mut dyn Fields);

    /// Writes the field of this number into a cell.
    fn show_one(&self, index: usize, cell: &mut Cell<'_>);

    /// When what the group tells of happened, in nanoseconds of the boot-time clock, if it says.
    #[inline]
    fn time_ns(&self) -> Option<u64> {
        None
    }

    /// Whether it tells of a failure.
    #[inline]
    fn failed(&self) -> bool {
        false
    }
}
