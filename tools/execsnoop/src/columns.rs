// SPDX-License-Identifier: MIT OR Apache-2.0
//! Columns that are no field's: those of BCC's execsnoop.

use tracewell_shared::event::Truncated;
use tracewell_shared::output::table::{Cell, Column};

use crate::event::Exec;
use crate::tracer::Execs;

/// Seconds since the table was opened.
pub(crate) const ELAPSED: Column<Execs> =
    Column::left("TIME(s)", 10, |exec, cell| cell.elapsed(exec.time.boot_ns));

/// The command line as a shell would have been given it.
pub(crate) const ARGS: Column<Execs> = Column::left("ARGS", 0, |exec, cell| {
    command_line(exec, cell, |cell, arg| cell.argument(arg));
});

/// The same with every argument in quotes.
pub(crate) const QUOTED_ARGS: Column<Execs> = Column::left("ARGS", 0, |exec, cell| {
    command_line(exec, cell, |cell, arg| cell.quoted(arg));
});

/// The file, then the arguments behind argv[0]: what a shell would have been given. Of a script, the interpreter's
/// arguments: the file is among them.
fn command_line(exec: &Exec<'_>, cell: &mut Cell<'_>, show: impl Fn(&mut Cell<'_>, &[u8])) {
    let script = exec.via.is_script() && exec.args.get().is_some();
    if !script {
        match exec.filename.bytes {
            Some(filename) => show(cell, filename),
            None => cell.cut(),
        }
        if exec.filename.truncated {
            cell.cut();
        }
    }
    match exec.args.get() {
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
    if exec.args.is_truncated() {
        cell.cut();
    }
}
