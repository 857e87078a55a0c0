// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table: the columns of BCC's opensnoop, in their order.

use tracewell_shared::event::column::FileEvent;
use tracewell_shared::output::table::{Cell, Column};

use crate::event::Open;
use crate::flags;
use crate::tracer::Opens;

/// The columns that were asked for.
pub(crate) fn of(
    time: bool,
    uid: bool,
    tid: bool,
    extended: bool,
    full_path: bool,
    callers: bool,
) -> Vec<Column<Opens>> {
    let mut columns = Column::<Opens>::of_task(time, uid, tid);
    columns.push(Column::right("FD", 3, |open, cell| {
        cell.i64(open.fd().unwrap_or(-1).into())
    }));
    columns.push(Column::error());
    if extended {
        columns.push(Column::left("FLAGS", 20, |open, cell| {
            for (index, name) in flags::names(open.flags).enumerate() {
                if index > 0 {
                    cell.text("|");
                }
                cell.text(name);
            }
        }));
        columns.push(Column::left("MODE", 5, |open, cell| {
            match open.creation_mode() {
                Some(mode) => cell.octal(mode.into()),
                None => cell.text("-"),
            }
        }));
    }
    columns.push(match (full_path, callers) {
        (_, false) => Column::path(full_path),
        (false, true) => Column::left("PATH/CALLER", 0, |open, cell| {
            open.named().show(cell);
            stack(open, cell);
        }),
        (true, true) => Column::left("PATH/CALLER", 0, |open, cell| {
            open.named().show_full(cell);
            stack(open, cell);
        }),
    });
    columns
}

/// A line for each frame; none where there is no stack.
fn stack(open: &Open<'_>, cell: &mut Cell<'_>) {
    let Some(callers) = open.callers() else {
        return;
    };
    let left_out = callers.frames(&mut |frame| {
        cell.below();
        cell.frame(frame);
    });
    // What is no code is where the stack could not be followed any further.
    if callers.truncated() || left_out > 0 {
        cell.below();
        cell.cut();
    }
}
