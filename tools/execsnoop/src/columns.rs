// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table: the columns of BCC's execsnoop, in their order.

use tracewell_shared::output::table::{Cell, Column};

use crate::event::Exec;
use crate::tracer::Execs;

/// Which columns to show.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) time: bool,
    pub(crate) elapsed: bool,
    pub(crate) uid: bool,
    pub(crate) parent: bool,
    pub(crate) cpu: bool,
    pub(crate) quote: bool,
}

/// The columns that were asked for.
pub(crate) fn of(shown: Shown) -> Vec<Column<Execs>> {
    let mut columns: Vec<Column<Execs>> = Vec::new();
    if shown.time {
        columns.push(Column::left("TIME", 15, |exec, cell| {
            cell.time_of_day(exec.time_ns)
        }));
    }
    if shown.elapsed {
        columns.push(Column::left("TIME(s)", 10, |exec, cell| {
            cell.elapsed(exec.time_ns)
        }));
    }
    if shown.uid {
        columns.push(Column::left("UID", 7, |exec, cell| {
            cell.u64(exec.uid.into())
        }));
    }
    // With both names shown, the headers tell them apart as BCC's older tool does.
    let comm = if shown.parent { "COMM" } else { "PCOMM" };
    columns.push(Column::left(comm, 16, |exec, cell| cell.word(exec.comm)));
    columns.push(Column::left("PID", 7, |exec, cell| {
        cell.u64(exec.pid.into())
    }));
    if shown.parent {
        columns.push(Column::left("PCOMM", 16, |exec, cell| {
            cell.word(exec.pcomm)
        }));
    }
    columns.push(Column::left("PPID", 7, |exec, cell| {
        cell.u64(exec.ppid.into())
    }));
    if shown.cpu {
        columns.push(Column::left("CPU", 3, |exec, cell| {
            cell.u64(exec.cpu.into())
        }));
    }
    columns.push(Column::left("RET", 7, |exec, cell| {
        cell.signed_errno(exec.ret.into())
    }));
    columns.push(if shown.quote {
        Column::left("ARGS", 0, |exec, cell| {
            command_line(exec, cell, |cell, arg| cell.quoted(arg));
        })
    } else {
        Column::left("ARGS", 0, |exec, cell| {
            command_line(exec, cell, |cell, arg| cell.argument(arg));
        })
    });
    columns
}

/// The file, then the arguments behind argv[0]: what a shell would have been given. Of a script, the interpreter's
/// arguments: the file is among them.
fn command_line(exec: &Exec<'_>, cell: &mut Cell<'_>, show: impl Fn(&mut Cell<'_>, &[u8])) {
    let script = exec.via().is_script() && exec.args().is_some();
    if !script {
        match exec.filename {
            Some(filename) => show(cell, filename),
            None => cell.cut(),
        }
        if exec.filename_truncated {
            cell.cut();
        }
    }
    match exec.args() {
        Some(args) => args
            .enumerate()
            .skip(usize::from(!script))
            .for_each(|(index, arg)| {
                if index > 0 {
                    cell.space();
                }
                match arg {
                    Some(arg) => show(cell, arg),
                    None => cell.cut(),
                }
            }),
        None => {
            cell.space();
            cell.cut();
        }
    }
    if exec.args_truncated {
        cell.cut();
    }
}
