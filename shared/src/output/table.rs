// SPDX-License-Identifier: MIT OR Apache-2.0
//! Table output: columns for people. A value that is wider than its column pushes the row, and is
//! never cut.

use super::summary::Gap;
use crate::data::loss::Lost;
pub use crate::event::Cell;
use crate::event::{Event, EventFamily, Group, Type};
use crate::text::stamp::{Stamp, TimeFormat};
use std::fmt;

const BOLD: &[u8] = b"\x1b[1m";
const RED: &[u8] = b"\x1b[31m";
const PLAIN: &[u8] = b"\x1b[0m";

/// What the line of a gap begins with. No row does: see [`Table::event`].
const GAP: &[u8] = b"(lost ";

/// One column of a table.
pub struct Column<T: EventFamily> {
    /// What the column is called.
    pub header: &'static str,
    /// How many columns of the terminal it takes, at least. The last column of a row takes what it needs.
    pub width: usize,
    /// Whether values stand at the right, as numbers may.
    pub right: bool,
    /// What stands in it.
    pub(crate) show: Show<T>,
}

/// What writes a column's value.
pub(crate) enum Show<T: EventFamily> {
    /// The event itself: the field of this number.
    Field(usize),
    /// A function of the tool's own.
    Own(for<'a, 'b, 'c, 'd> fn(&'b T::Event<'a>, &'c mut Cell<'d>)),
}

impl<T: EventFamily> Clone for Show<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: EventFamily> Copy for Show<T> {}

impl<T: EventFamily> Clone for Column<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: EventFamily> Copy for Column<T> {}

impl<T: EventFamily> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Column")
            .field("header", &self.header)
            .field("width", &self.width)
            .field("right", &self.right)
            .finish_non_exhaustive()
    }
}

/// Writes the rows of a table.
#[derive(Debug)]
pub(super) struct Table<T: EventFamily> {
    columns: Vec<Column<T>>,
    styled: bool,
}

impl<T: EventFamily> Table<T> {
    /// A table; `styled` for one that a terminal shows in bold and colour.
    pub(super) fn new(columns: Vec<Column<T>>, styled: bool) -> Self {
        Self { columns, styled }
    }

    /// From now on it is styled or not, and its times are shown so.
    pub(super) fn set_look(&mut self, styled: bool, times: TimeFormat) {
        self.styled = styled;
        let fields = <T::Event<'static> as Event>::FIELDS;
        for column in &mut self.columns {
            if let Show::Field(index) = column.show
                && matches!(fields[index].of, Type::Time)
            {
                column.width = times.width();
            }
        }
    }

    pub(super) fn header(&self, out: &mut Vec<u8>, stamp: &mut Stamp) {
        if self.columns.is_empty() {
            return;
        }
        self.styled(out, BOLD, self.styled, |out| {
            self.cells(out, stamp, |column, cell| cell.text(column.header));
        });
    }

    pub(super) fn event(&self, out: &mut Vec<u8>, stamp: &mut Stamp, event: &T::Event<'_>) {
        let red = self.styled && event.failed();
        self.styled(out, RED, red, |out| {
            let start = out.len();
            self.key(out, stamp, event);
            if out[start..].starts_with(GAP) {
                // A command's name may begin like this. Escaped, it is not taken for a gap.
                out.splice(start..=start, *br"\x28");
            }
        });
    }

    pub(super) fn lost(&self, out: &mut Vec<u8>, lost: &Lost) {
        out.extend_from_slice(Gap(lost).to_string().as_bytes());
        out.push(b'\n');
    }

    /// A line of these numbers of a group's fields before the header.
    pub(super) fn header_behind<G: Group>(
        &self,
        out: &mut Vec<u8>,
        stamp: &mut Stamp,
        shown: &[usize],
    ) {
        self.styled(out, BOLD, self.styled, |out| {
            for index in shown {
                let header = G::FIELDS[*index].column;
                number(out, stamp, header.width, |cell| cell.text(header.title));
            }
            self.cells(out, stamp, |column, cell| cell.text(column.header));
        });
    }

    /// The cells of an event alone.
    pub(super) fn key(&self, out: &mut Vec<u8>, stamp: &mut Stamp, event: &T::Event<'_>) {
        self.cells(out, stamp, |column, cell| match column.show {
            Show::Field(index) => event.show(index, cell),
            Show::Own(show) => show(event, cell),
        });
    }

    /// A line, in a style if `style` is to be used.
    #[inline]
    fn styled(&self, out: &mut Vec<u8>, code: &[u8], style: bool, line: impl FnOnce(&mut Vec<u8>)) {
        if style {
            out.extend_from_slice(code);
        }
        line(out);
        if style {
            out.extend_from_slice(PLAIN);
        }
        out.push(b'\n');
    }

    #[inline]
    fn cells(
        &self,
        out: &mut Vec<u8>,
        stamp: &mut Stamp,
        mut show: impl FnMut(&Column<T>, &mut Cell<'_>),
    ) {
        let Some((last, columns)) = self.columns.split_last() else {
            return;
        };
        for column in columns {
            if column.right {
                number(out, stamp, column.width, |cell| show(column, cell));
            } else {
                let mut cell = Cell::new(out, stamp, 0);
                show(column, &mut cell);
                cell.end_left(column.width);
            }
        }
        let mut cell = Cell::new(out, stamp, 0);
        show(last, &mut cell);
        if last.right {
            cell.end_right(last.width);
        }
    }
}

/// A cell whose value stands at the right, and a space behind it.
#[inline]
pub(super) fn number(
    out: &mut Vec<u8>,
    stamp: &mut Stamp,
    width: usize,
    show: impl FnOnce(&mut Cell<'_>),
) {
    let mut cell = Cell::new(out, stamp, width);
    show(&mut cell);
    cell.end_right(width);
    out.push(b' ');
}

#[cfg(test)]
mod tests;
