// SPDX-License-Identifier: MIT OR Apache-2.0
//! JSON output: one object a line, always valid UTF-8, and no byte lost.

use super::json_string::{base64, lossy, string};
use super::summary::Summary;
use crate::data::loss::{Cause, Lost};
use crate::event::Bucket;
use crate::event::fields::{Fields, Frames, List};
use crate::event::{Event, Group};
use crate::text::stamp::Stamp;

/// Appends an event as one line.
pub(super) fn event<E: Event>(out: &mut Vec<u8>, stamp: &mut Stamp, event: &E) {
    let mut object = Object::open(out, stamp, event.kind());
    event.fields(&mut object);
    object.close();
}

/// Appends the fields of these numbers, each with a comma before it.
pub(super) fn key<E: Event>(out: &mut Vec<u8>, stamp: &mut Stamp, event: &E, fields: &[usize]) {
    let mut object = Object { out, stamp };
    for index in fields {
        event.field(*index, &mut object);
    }
}

/// Appends a count as one line: `key` is what [`key`] made.
pub(super) fn count(
    out: &mut Vec<u8>,
    stamp: &mut Stamp,
    lead: &impl Group,
    key: Option<&[u8]>,
    measure: &impl Group,
) {
    let mut object = Object::open(out, stamp, "count");
    lead.give(&mut object);
    match key.map(<[u8]>::split_first) {
        Some(Some((_, fields))) => {
            object.name("by");
            object.out.push(b'{');
            object.out.extend_from_slice(fields);
            object.out.push(b'}');
        }
        _ => object.absent("by"),
    }
    measure.give(&mut object);
    object.close();
}

/// Appends a gap in the stream as one line.
pub(super) fn lost(out: &mut Vec<u8>, stamp: &mut Stamp, lost: &Lost) {
    let mut object = Object::open(out, stamp, "lost");
    match lost.time_ns {
        Some(time_ns) => object.time("time", time_ns),
        None => object.absent("time"),
    }
    object.u64("count", lost.count);
    object.text("cause", lost.cause.name());
    object.close();
}

/// Appends the account of a run, the last line of its stream.
pub(super) fn summary(out: &mut Vec<u8>, stamp: &mut Stamp, summary: &Summary<'_>) {
    let mut object = Object::open(out, stamp, "summary");
    object.text("tool", summary.tool);
    object.u64("events", summary.events);
    object.u64("lost", summary.lost.total());
    object.causes("lost_by", summary.lost.iter());
    object.u64("lost_at_most", summary.lost.total_at_most());
    object.causes("lost_at_most_by", summary.lost.iter_at_most());
    object.text("account", summary.certainty.name());
    let duration_ms = summary.duration.as_millis();
    object.u64(
        "duration_ms",
        u64::try_from(duration_ms).unwrap_or(u64::MAX),
    );
    object.text("rung", summary.rung);
    object.opt_text("buffer", summary.buffer);
    for (aside, count) in summary.asides {
        object.opt_u64(aside.name, *count);
    }
    object.close();
}

/// One object, while it is written.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    stamp: &'a mut Stamp,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut Vec<u8>, stamp: &'a mut Stamp, kind: &str) -> Self {
        out.extend_from_slice(br#"{"event":"#);
        string(out, kind);
        Self { out, stamp }
    }

    fn close(self) {
        self.out.extend_from_slice(b"}\n");
    }

    /// The name of a field; like all names it is the tool's own and needs no escape.
    #[inline]
    fn name(&mut self, name: &str) {
        self.out.extend_from_slice(br#",""#);
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(br#"":"#);
    }

    /// A list, of which `write` writes each element.
    fn each<T>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = T>,
        write: impl Fn(&mut Vec<u8>, T),
    ) {
        self.name(name);
        self.out.push(b'[');
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            write(self.out, value);
        }
        self.out.push(b']');
    }

    /// An object of counts, named by their causes.
    fn causes(&mut self, name: &str, counts: impl Iterator<Item = (Cause, u64)>) {
        self.name(name);
        self.out.push(b'{');
        for (index, (cause, count)) in counts.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            string(self.out, cause.name());
            self.out.push(b':');
            number(self.out, count);
        }
        self.out.push(b'}');
    }

    /// The name of the field that holds the exact bytes of the field `name`.
    fn exact_name(&mut self, name: &str) {
        self.out.extend_from_slice(br#",""#);
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(br#"_b64":"#);
    }
}

impl Fields for Object<'_> {
    fn u64(&mut self, name: &'static str, value: u64) {
        self.name(name);
        number(self.out, value);
    }

    fn i64(&mut self, name: &'static str, value: i64) {
        self.name(name);
        number(self.out, value);
    }

    fn bool(&mut self, name: &'static str, value: bool) {
        self.name(name);
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.out.extend_from_slice(word);
    }

    fn text(&mut self, name: &'static str, value: &str) {
        self.name(name);
        string(self.out, value);
    }

    fn bytes(&mut self, name: &'static str, value: &[u8]) {
        self.name(name);
        if !lossy(self.out, value) {
            self.exact_name(name);
            base64(self.out, value);
        }
    }

    fn list(&mut self, name: &'static str, value: Option<List<'_>>) {
        let Some(each) = value else {
            return self.absent(name);
        };
        self.name(name);
        let mut exact = true;
        array(self.out, each, |out, element| exact &= lossy(out, element));
        if !exact {
            self.exact_name(name);
            array(self.out, each, base64);
        }
    }

    fn frames(&mut self, name: &'static str, value: Option<Frames<'_>>) {
        let Some(each) = value else {
            return self.absent(name);
        };
        self.name(name);
        self.out.push(b'[');
        let mut first = true;
        each(&mut |frame| {
            if !first {
                self.out.push(b',');
            }
            first = false;
            self.out.extend_from_slice(br#"{"address":"#);
            number(self.out, frame.address);
            self.opt_bytes("symbol", frame.symbol);
            self.opt_u64("offset", frame.offset);
            self.opt_bytes("module", frame.module);
            self.out.push(b'}');
        });
        self.out.push(b']');
    }

    fn names(&mut self, name: &'static str, value: &mut dyn Iterator<Item = &str>) {
        self.each(name, value, string);
    }

    fn numbers(&mut self, name: &'static str, value: &mut dyn Iterator<Item = u64>) {
        self.each(name, value, number);
    }

    fn buckets(&mut self, name: &'static str, value: &mut dyn Iterator<Item = Bucket>) {
        self.each(name, value, |out, bucket| {
            for (name, value) in [
                (r#"{"low":"#, bucket.low),
                (r#","high":"#, bucket.high),
                (r#","count":"#, bucket.count),
            ] {
                out.extend_from_slice(name.as_bytes());
                number(out, value);
            }
            out.push(b'}');
        });
    }

    fn time(&mut self, name: &'static str, boot_ns: u64) {
        self.name(name);
        self.out.push(b'"');
        self.stamp.rfc3339(self.out, boot_ns);
        self.out.push(b'"');
    }

    fn absent(&mut self, name: &'static str) {
        self.name(name);
        self.out.extend_from_slice(b"null");
    }
}

#[inline]
fn number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn array(out: &mut Vec<u8>, each: List<'_>, mut write: impl FnMut(&mut Vec<u8>, &[u8])) {
    out.push(b'[');
    let mut first = true;
    each(&mut |element| {
        if !first {
            out.push(b',');
        }
        first = false;
        match element {
            Some(element) => write(out, element),
            None => out.extend_from_slice(b"null"),
        }
    });
    out.push(b']');
}

#[cfg(test)]
mod tests;
