// SPDX-License-Identifier: MIT OR Apache-2.0
//! Short ways to write a table's columns down.

use super::table::{Cell, Column, Show};
use crate::event::{Event, EventFamily, position};

/// How wide the column of a value is made that is wide enough by itself at the end of a row, and stands elsewhere.
const WIDTH_INSIDE: usize = 16;

impl<T: EventFamily> Column<T> {
    /// The column of the field of this name, as its declaration has it. Within `const { ... }` a name that no field has
    /// does not compile; [`columns!`](crate::columns) asks in such a place.
    ///
    /// # Panics
    ///
    /// Where no field has this name.
    pub const fn named(name: &str) -> Self {
        match position(<T::Event<'static> as Event>::FIELDS, name) {
            Some(index) => Self::of(index),
            None => panic!("no field of the event has this name"),
        }
    }

    /// The column of the field of this number.
    pub const fn of(index: usize) -> Self {
        let header = &<T::Event<'static> as Event>::FIELDS[index].column;
        Self {
            header: header.title,
            width: header.width,
            right: header.right,
            show: Show::Field(index),
        }
    }

    /// A column of the tool's own, whose values stand at the left.
    pub const fn left(
        header: &'static str,
        width: usize,
        show: for<'a, 'b, 'c, 'd> fn(&'b T::Event<'a>, &'c mut Cell<'d>),
    ) -> Self {
        Self {
            header,
            width,
            right: false,
            show: Show::Own(show),
        }
    }

    /// The same with values at the right.
    pub const fn right(
        header: &'static str,
        width: usize,
        show: for<'a, 'b, 'c, 'd> fn(&'b T::Event<'a>, &'c mut Cell<'d>),
    ) -> Self {
        Self {
            right: true,
            ..Self::left(header, width, show)
        }
    }

    /// The same in a place that others stand behind.
    #[must_use]
    pub const fn inside(self) -> Self {
        let width = match self.width {
            0 if self.header.len() > WIDTH_INSIDE => self.header.len(),
            0 => WIDTH_INSIDE,
            width => width,
        };
        Self { width, ..self }
    }

    /// The same at least so wide.
    #[must_use]
    pub const fn wide(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// The same below another header.
    #[must_use]
    pub const fn titled(self, header: &'static str) -> Self {
        Self { header, ..self }
    }
}

/// The columns of a table, in their order: fields of the event by their names, and columns of the tool's own in
/// parentheses. Behind each may stand another header, and when it is shown.
///
/// ```ignore
/// columns![Opens:
///     time if self.timestamp,
///     pid,
///     comm as "WHO" if !self.short,
///     (Column::left("TWICE", 5, |open, cell| cell.u64(2 * open.size))),
/// ]
/// ```
#[macro_export]
macro_rules! columns {
    ($trace:ty: $($column:tt $(as $header:literal)? $(if $shown:expr)?),* $(,)?) => {{
        let mut columns: ::std::vec::Vec<$crate::output::table::Column<$trace>> = ::std::vec::Vec::new();
        $(
            if true $(&& $shown)? {
                let column = $crate::columns!(@one $trace, $column);
                columns.push(column$(.titled($header))?);
            }
        )*
        columns
    }};
    (@one $trace:ty, ($column:expr)) => { $column };
    (@one $trace:ty, $field:ident) => {
        const { $crate::output::table::Column::<$trace>::named(::core::stringify!($field)) }
    };
}
