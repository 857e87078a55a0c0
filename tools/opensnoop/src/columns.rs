// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table: the columns of BCC's opensnoop, in their order.

use tracewell_shared::names;
use tracewell_shared::output::table::Column;

use crate::tracer::Opens;

/// The columns that were asked for.
pub(crate) fn of(
    time: bool,
    uid: bool,
    tid: bool,
    extended: bool,
    full_path: bool,
) -> Vec<Column<Opens>> {
    let mut columns: Vec<Column<Opens>> = Vec::new();
    if time {
        columns.push(Column::left("TIME", 15, |open, cell| {
            cell.time_of_day(open.time_ns)
        }));
    }
    if uid {
        columns.push(Column::left("UID", 7, |open, cell| {
            cell.u64(open.uid.into())
        }));
    }
    columns.push(if tid {
        Column::left("TID", 6, |open, cell| cell.u64(open.tid.into()))
    } else {
        Column::left("PID", 6, |open, cell| cell.u64(open.pid.into()))
    });
    columns.push(Column::left("COMM", 16, |open, cell| cell.bytes(open.comm)));
    columns.push(Column::right("FD", 3, |open, cell| {
        cell.i64(open.fd().unwrap_or(-1).into())
    }));
    columns.push(Column::left("ERR", 7, |open, cell| {
        let errno = open.errno().unwrap_or(0);
        match names::errno(errno) {
            Some(name) => cell.text(name),
            None => cell.i64(errno.into()),
        }
    }));
    if extended {
        columns.push(Column::left("FLAGS", 8, |open, cell| {
            cell.octal(open.flags)
        }));
        columns.push(Column::left("MODE", 5, |open, cell| {
            match open.creation_mode() {
                Some(mode) => cell.octal(mode.into()),
                None => cell.text("-"),
            }
        }));
    }
    columns.push(if full_path {
        Column::left("PATH", 0, |open, cell| match open.full_path() {
            Some(path) => {
                if path.cut() {
                    cell.cut();
                }
                path.pieces(&mut |piece| cell.bytes(piece));
                if open.path_truncated {
                    cell.cut();
                }
            }
            None => cell.cut(),
        })
    } else {
        Column::left("PATH", 0, |open, cell| {
            match open.path {
                Some(path) => cell.bytes(path),
                None => cell.cut(),
            }
            if open.path_truncated {
                cell.cut();
            }
        })
    });
    columns
}
