// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tree as a document of trace events, which Perfetto and Chrome's viewer of traces
//! open: a track for each process, a slice for each program, an arrow from each parent to its child. The form is that of
//! the "Trace Event Format" of Google's Catapult project; times are in microseconds.

use tracewell_shared::error::Result;
use tracewell_shared::event::{Nanos, Truncated as _, Word as _};
use tracewell_shared::output::escape;
use tracewell_shared::output::object::Object;
use tracewell_shared::run::gathered::Ended;

use super::program::{Began, End, Program};

/// Writes the rows, in pieces.
pub(super) fn write(
    rows: &[Program<'_>],
    ended: Ended,
    write: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let about = Object::default()
        .with("tool", "execsnoop")
        .with("complete", ended.complete);
    write(
        format!("{{\"displayTimeUnit\":\"ms\",\"otherData\":{about},\"traceEvents\":[").as_bytes(),
    )?;
    let mut lead = "\n";
    let mut above: Vec<u32> = Vec::new();
    for (index, program) in rows.iter().enumerate() {
        let depth = program.depth as usize;
        above.truncate(depth);
        let parent = above.last().copied();
        above.resize(depth, program.ppid);
        above.push(program.pid);
        let mut events = Vec::new();
        if program.began != Began::Exec || is_first(rows, index) {
            events.extend(track(program, index));
            if program.began == Began::Fork {
                events.extend(
                    parent
                        .into_iter()
                        .flat_map(|parent| arrow(program, parent, index, ended)),
                );
            }
        }
        events.push(slice(program, ended));
        for event in events {
            write(format!("{lead}{event}").as_bytes())?;
            lead = ",\n";
        }
    }
    write(b"\n]}\n")
}

/// Whether no row before it is of its process.
fn is_first(rows: &[Program<'_>], index: usize) -> bool {
    let Some((own, before)) = rows.get(..=index).and_then(|rows| rows.split_last()) else {
        return true;
    };
    // What it ran before stands before what its children are.
    let sibling = before.iter().rev().find(|row| row.depth <= own.depth);
    sibling.is_none_or(|row| row.pid != own.pid)
}

/// Microseconds since the trace began; what was there before began below zero.
fn micros(boot_ns: u64, ended: Ended) -> f64 {
    let since = i128::from(boot_ns) - i128::from(ended.begun_ns);
    since as f64 / 1000.0
}

fn text(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    escape::text(&mut out, bytes);
    String::from_utf8_lossy(&out).into_owned()
}

/// An event of this phase on the track of a process.
fn event(phase: &str, pid: u32, name: &str) -> Object {
    Object::default()
        .with("ph", phase)
        .with("pid", pid)
        .with("tid", pid)
        .with("name", name)
}

/// The name and the place of a process's track.
fn track(program: &Program<'_>, index: usize) -> [Object; 2] {
    let name = Object::default().with("name", text(program.comm));
    let order = Object::default().with("sort_index", index);
    [
        event("M", program.pid, "process_name").with_object("args", &name),
        event("M", program.pid, "process_sort_index").with_object("args", &order),
    ]
}

/// From the parent, when it forked, to the child.
fn arrow(program: &Program<'_>, parent: u32, id: usize, ended: Ended) -> [Object; 2] {
    let at = |phase, pid| {
        event(phase, pid, "fork")
            .with("cat", "fork")
            .with("id", id)
            .with("ts", micros(program.time.boot_ns, ended))
    };
    [at("s", parent), at("f", program.pid).with("bp", "e")]
}

fn slice(program: &Program<'_>, ended: Ended) -> Object {
    let words = program.args.get().map(|args| {
        args.map(|arg| arg.map_or_else(|| "…".to_owned(), text))
            .collect::<Vec<_>>()
    });
    let mut args = Object::default()
        .with("began", program.began.word())
        .with("ended", program.ended.word())
        .with("ppid", program.ppid)
        .with("uid", program.uid)
        .with("filename", program.filename.bytes.map(text))
        .with("args", words)
        .with("args_truncated", program.args.is_truncated());
    if program.ended == End::Exit {
        let millis = |ns: Option<Nanos>| ns.map(|Nanos(ns)| ns as f64 / 1e6);
        args = args
            .with("exit_code", program.ending.exit_code)
            .with("signal", program.ending.signal)
            .with("user_ms", millis(program.cpu.user_ns))
            .with("system_ms", millis(program.cpu.system_ns))
            .with(
                "peak_rss_bytes",
                program.peak_rss_bytes.map(|bytes| bytes.0),
            );
    }
    let start = event("X", program.pid, &text(program.comm))
        .with("cat", "program")
        .with("ts", micros(program.time.boot_ns, ended));
    // Of one whose end is not known, no length is told: the slice is one point.
    let length = program.duration_ns.map_or(0, |Nanos(ns)| ns);
    start
        .with("dur", length as f64 / 1000.0)
        .with_object("args", &args)
}
