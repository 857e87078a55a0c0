// SPDX-License-Identifier: MIT OR Apache-2.0
//! Short ways to write a table's columns down.

use crate::event::EventFamily;
use crate::output::table::{Cell, Column};

impl<T: EventFamily> Column<T> {
    /// A column whose values stand at the left.
    pub fn left(
        header: &'static str,
        width: usize,
        show: for<'a, 'b, 'c, 'd> fn(&'b T::Event<'a>, &'c mut Cell<'d>),
    ) -> Self {
        Self {
            header,
            width,
            right: false,
            show,
        }
    }

    /// A column whose values stand at the right.
    pub fn right(
        header: &'static str,
        width: usize,
        show: for<'a, 'b, 'c, 'd> fn(&'b T::Event<'a>, &'c mut Cell<'d>),
    ) -> Self {
        Self {
            right: true,
            ..Self::left(header, width, show)
        }
    }
}
