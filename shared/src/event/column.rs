// SPDX-License-Identifier: MIT OR Apache-2.0
//! Short ways to write a table's columns down.

use crate::event::names;
use crate::event::path::Named;
use crate::event::task::Task;
use crate::event::{Event, EventFamily};
use crate::output::table::{Cell, Column};

/// An event of one task about one file, which succeeds or fails: what most columns need.
pub trait FileEvent: Event {
    /// Who did it.
    fn task(&self) -> Task<'_>;

    /// The error's number; `None` for a success.
    fn errno(&self) -> Option<i32>;

    /// The file.
    fn named(&self) -> Named<'_>;
}

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

/// The columns that tools about files share.
impl<T: EventFamily> Column<T>
where
    for<'a> T::Event<'a>: FileEvent,
{
    /// The first ones: the time and the user if asked for, then the thread or its process, and the thread's name.
    pub fn of_task(time: bool, uid: bool, tid: bool) -> Vec<Self> {
        let asked = [(time, Self::time()), (uid, Self::uid())];
        let mut columns: Vec<_> = asked
            .into_iter()
            .filter_map(|(wanted, column)| wanted.then_some(column))
            .collect();
        columns.push(if tid { Self::tid() } else { Self::pid() });
        columns.push(Self::comm());
        columns
    }

    /// When, in local time.
    pub fn time() -> Self {
        Self::left("TIME", 15, |event, cell| {
            cell.time_of_day(event.task().time_ns)
        })
    }

    /// The real user id.
    pub fn uid() -> Self {
        Self::left("UID", 7, |event, cell| cell.u64(event.task().uid.into()))
    }

    /// The process.
    pub fn pid() -> Self {
        Self::left("PID", 7, |event, cell| cell.u64(event.task().pid.into()))
    }

    /// The thread.
    pub fn tid() -> Self {
        Self::left("TID", 7, |event, cell| cell.u64(event.task().tid.into()))
    }

    /// The thread's name.
    pub fn comm() -> Self {
        Self::left("COMM", 16, |event, cell| cell.word(event.task().comm))
    }

    /// The error's name; `0` for a success.
    pub fn error() -> Self {
        Self::left("ERR", 7, |event, cell| {
            let errno = event.errno().unwrap_or(0);
            match names::errno(errno) {
                Some(name) => cell.text(name),
                None => cell.i64(errno.into()),
            }
        })
    }

    /// The file, by the path as given or from the root.
    pub fn path(full: bool) -> Self {
        if full {
            Self::left("PATH", 0, |event, cell| event.named().show_full(cell))
        } else {
            Self::left("PATH", 0, |event, cell| event.named().show(cell))
        }
    }
}
