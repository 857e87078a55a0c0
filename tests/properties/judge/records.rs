// SPDX-License-Identifier: MIT OR Apache-2.0
//! The decoders of the tools' records: any bytes are an event or none, and an event can be printed.

use serde_json::Value;
use tracewell::bashreadline::Lines;
use tracewell::biolatency::Latencies;
use tracewell::biosnoop::Requests;
use tracewell::biotop::Submitters;
use tracewell::execsnoop::tree::{Programs, Tree};
use tracewell::execsnoop::{Execs, Processes};
use tracewell::exitsnoop::Exits;
use tracewell::gethostlatency::Lookups;
use tracewell::opensnoop::{Opens, Symbols};
use tracewell::runqlat::Waits;
use tracewell::syncsnoop::Syncs;
use tracewell::syscount::Calls;
use tracewell::tcpconnlat::Connects;
use tracewell::tcplife::Lives;
use tracewell::tcpretrans::Retransmits;
use tracewell::unlinksnoop::Unlinks;
use tracewell_shared::event::{Event, EventFamily};
use tracewell_shared::hist::Histogram;
use tracewell_shared::output::table::Column;
use tracewell_shared::run::gathered::{Ended, Gathered};
use tracewell_shared::trace::distribution::Keyed;
use tracewell_shared::trace::tally::Tallied;
use tracewell_shared::trace::tracer::Tracer;

use super::outputs::outputs;

type Decoder = fn(&[u8]);

/// What each tool makes of a record, with all that it can be asked for and with nothing.
pub(crate) const DECODERS: &[(&str, Decoder)] = &[
    ("bashreadline", |record| drop(line(record))),
    ("biolatency", |record| _ = Latencies::default().key(record)),
    ("biosnoop", |record| drop(request(record))),
    ("biotop", |record| {
        let (key, value) = record.split_at(record.len().min(40));
        let counted = [(key.into(), value.into())];
        drop(Submitters::default().rows(&[0; 3], &counted));
    }),
    ("execsnoop", |record| {
        for max_args in [usize::MAX, 2] {
            drop(exec(record, max_args));
        }
        step(record);
    }),
    ("exitsnoop", |record| drop(exit(record))),
    ("gethostlatency", |record| drop(lookup(record))),
    ("opensnoop", |record| {
        for full in [false, true] {
            drop(open(record, full));
        }
        with_callers(record);
    }),
    ("runqlat", |record| _ = Waits::default().key(record)),
    ("syncsnoop", |record| drop(sync(record))),
    ("syscount", |record| {
        let (key, value) = record.split_at(record.len().min(4));
        drop(Calls::default().rows(&[], &[(key.into(), value.into())]));
    }),
    ("tcpconnlat", |record| drop(connect(record))),
    ("tcplife", |record| drop(life(record))),
    ("tcpretrans", |record| drop(retransmit(record))),
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
    Some(outputs(&every_column::<Opens>(), &event))
}

/// The record as a step of a process, and the tree that it alone makes.
fn step(record: &[u8]) {
    let tracer = Processes::default();
    let Some(step) = tracer.decode(record) else {
        return;
    };
    outputs(&every_column::<Processes>(), &step);
    let mut tree = Tree::default();
    tree.add(&step);
    tree.end(Ended {
        begun_ns: 1,
        ended_ns: u64::MAX,
        complete: false,
    });
    for program in tree.rows() {
        outputs(&every_column::<Programs>(), &program);
    }
}

/// The JSON of an end.
pub(crate) fn exit(record: &[u8]) -> Option<Value> {
    let tracer = Exits {
        label: Some("a \n word".into()),
        ..Exits::default()
    };
    let event = tracer.decode(record)?;
    Some(outputs(&every_column::<Exits>(), &event))
}

/// The JSON of a line.
pub(crate) fn line(record: &[u8]) -> Option<Value> {
    let tracer = Lines::default();
    let event = tracer.decode(record)?;
    Some(outputs(&every_column::<Lines>(), &event))
}

/// The JSON of a lookup.
pub(crate) fn lookup(record: &[u8]) -> Option<Value> {
    let tracer = Lookups::default();
    let event = tracer.decode(record)?;
    Some(outputs(&every_column::<Lookups>(), &event))
}

/// The JSON of a block request.
pub(crate) fn request(record: &[u8]) -> Option<Value> {
    let tracer = Requests::default();
    let event = tracer.decode(record)?;
    Some(outputs(&every_column::<Requests>(), &event))
}

/// The JSON of a request to write back.
pub(crate) fn sync(record: &[u8]) -> Option<Value> {
    let tracer = Syncs::default();
    let event = tracer.decode(record)?;
    Some(outputs(&every_column::<Syncs>(), &event))
}

/// The JSON of a connection.
pub(crate) fn life(record: &[u8]) -> Option<Value> {
    let tracer = Lives::default();
    let event = tracer.decode(record)?;
    Some(outputs(&every_column::<Lives>(), &event))
}

/// The JSON of an attempt to connect.
pub(crate) fn connect(record: &[u8]) -> Option<Value> {
    let tracer = Connects::default();
    let event = tracer.decode(record)?;
    Some(outputs(&every_column::<Connects>(), &event))
}

/// The JSON of a segment that is sent again.
pub(crate) fn retransmit(record: &[u8]) -> Option<Value> {
    let tracer = Retransmits::default();
    let event = tracer.decode(record)?;
    Some(outputs(&every_column::<Retransmits>(), &event))
}

/// The JSON of a removal.
pub(crate) fn unlink(record: &[u8], full_path: bool) -> Option<Value> {
    let tracer = Unlinks {
        full_path,
        ..Unlinks::default()
    };
    let event = tracer.decode(record)?;
    Some(outputs(&every_column::<Unlinks>(), &event))
}

/// The JSON of an exec.
pub(crate) fn exec(record: &[u8], max_args: usize) -> Option<Value> {
    let tracer = Execs {
        max_args,
        ..Execs::default()
    };
    let event = tracer.decode(record)?;
    assert!(event.args.get().is_none_or(|args| args.count() <= max_args));
    Some(outputs(&every_column::<Execs>(), &event))
}

/// Addresses only: to name them, other processes would be looked into.
fn with_callers(record: &[u8]) {
    let tracer = Opens {
        callers: Some(Symbols::default()),
        full_path: true,
        ..Opens::default()
    };
    if let Some(callers) = tracer.decode(record).and_then(|open| open.stack.callers) {
        assert!(callers.addresses().count() <= 16);
        _ = callers.truncated();
    }
}

/// A column of each field.
fn every_column<T: EventFamily>() -> Vec<Column<T>> {
    let fields = 0..<T::Event<'static> as Event>::FIELDS.len();
    fields.map(Column::of).collect()
}
