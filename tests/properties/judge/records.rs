// SPDX-License-Identifier: MIT OR Apache-2.0
//! The decoders of the tools' records: any bytes are an event or none, and an event can be printed.

use serde_json::Value;
use tracewell::biolatency::Latencies;
use tracewell::execsnoop::Execs;
use tracewell::opensnoop::{Opens, Symbols};
use tracewell::unlinksnoop::Unlinks;
use tracewell_shared::event::EventFamily;
use tracewell_shared::event::column::FileEvent;
use tracewell_shared::hist::Histogram;
use tracewell_shared::output::table::Column;
use tracewell_shared::trace::distribution::Keyed;
use tracewell_shared::trace::tracer::Tracer;

use super::outputs::outputs;

type Decoder = fn(&[u8]);

/// What each tool makes of a record, with all that it can be asked for and with nothing.
pub(crate) const DECODERS: &[(&str, Decoder)] = &[
    ("biolatency", |record| _ = Latencies::default().key(record)),
    ("execsnoop", |record| {
        for max_args in [usize::MAX, 2] {
            drop(exec(record, max_args));
        }
    }),
    ("opensnoop", |record| {
        for full in [false, true] {
            drop(open(record, full));
        }
        with_callers(record);
    }),
    ("unlinksnoop", |record| {
        for full in [false, true] {
            drop(unlink(record, full));
        }
    }),
];

/// The record as each tool's, and as a histogram.
pub(crate) fn any_bytes(record: &[u8]) {
    for (_, decode) in DECODERS {
        decode(record);
    }
    if let Some(histogram) = Histogram::from_bytes(record) {
        let total = histogram.buckets().map(|bucket| bucket.count);
        assert_eq!(histogram.count(), total.fold(0, u64::wrapping_add));
    }
}

/// The JSON of an open; `None` where the bytes are none.
pub(crate) fn open(record: &[u8], full_path: bool) -> Option<Value> {
    let tracer = Opens {
        full_path,
        ..Opens::default()
    };
    let event = tracer.decode(record)?;
    Some(outputs(&columns::<Opens>(full_path), &event))
}

/// The JSON of a removal.
pub(crate) fn unlink(record: &[u8], full_path: bool) -> Option<Value> {
    let tracer = Unlinks {
        full_path,
        ..Unlinks::default()
    };
    let event = tracer.decode(record)?;
    Some(outputs(&columns::<Unlinks>(full_path), &event))
}

/// The JSON of an exec.
pub(crate) fn exec(record: &[u8], max_args: usize) -> Option<Value> {
    let tracer = Execs {
        max_args,
        ..Execs::default()
    };
    let event = tracer.decode(record)?;
    assert!(event.args().is_none_or(|args| args.count() <= max_args));
    let columns = [
        Column::<Execs>::left("PCOMM", 16, |exec, cell| cell.bytes(exec.comm)),
        Column::right("RET", 3, |exec, cell| cell.signed_errno(exec.ret.into())),
        Column::left("ARGS", 0, |exec, cell| {
            for arg in exec.args().into_iter().flatten() {
                cell.space();
                match arg {
                    Some(arg) => cell.argument(arg),
                    None => cell.cut(),
                }
            }
        }),
    ];
    Some(outputs(&columns, &event))
}

/// Addresses only: to name them, other processes would be looked into.
fn with_callers(record: &[u8]) {
    let tracer = Opens {
        callers: Some(Symbols::default()),
        full_path: true,
        ..Opens::default()
    };
    if let Some(callers) = tracer.decode(record).and_then(|open| open.callers()) {
        assert!(callers.addresses().count() <= 16);
        _ = callers.truncated();
    }
}

/// The columns of a table about a file, the path last.
fn columns<T: EventFamily>(full_path: bool) -> Vec<Column<T>>
where
    for<'a> T::Event<'a>: FileEvent,
{
    let path = if full_path {
        Column::left("PATH", 0, |event: &T::Event<'_>, cell| {
            event.named().show_full(cell)
        })
    } else {
        Column::left("PATH", 0, |event: &T::Event<'_>, cell| {
            event.named().show(cell)
        })
    };
    vec![
        Column::time(),
        Column::left("COMM", 16, |event: &T::Event<'_>, cell| {
            cell.bytes(event.task().comm)
        }),
        path,
    ]
}
