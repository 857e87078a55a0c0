// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table, in the manner of opensnoop's.

use tracewell_shared::output::table::Column;

use crate::tracer::Unlinks;

/// The columns that were asked for.
pub(crate) fn of(time: bool, uid: bool, tid: bool, full_path: bool) -> Vec<Column<Unlinks>> {
    let mut columns = Column::<Unlinks>::of_task(time, uid, tid);
    columns.push(Column::left("OP", 6, |unlink, cell| {
        cell.text(unlink.op.name());
    }));
    columns.push(Column::error());
    columns.push(Column::path(full_path));
    columns
}
