// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fields of an event as they are, to be compared with what was made of them.

use tracewell_shared::callers::Frame;
use tracewell_shared::event::Event;
use tracewell_shared::hist::Bucket;
use tracewell_shared::output::fields::{Fields, Frames, List};

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    Absent,
    Unsigned(u64),
    Signed(i64),
    Flag(bool),
    Bytes(Vec<u8>),
    List(Vec<Option<Vec<u8>>>),
    Names(Vec<String>),
    Numbers(Vec<u64>),
    Buckets(Vec<Bucket>),
    /// Nothing that is compared.
    Frames(usize),
    Time(u64),
}

/// All fields of an event, by name and in order.
pub(crate) fn of(event: &impl Event) -> Vec<(&'static str, Field)> {
    let mut taken = Taken(Vec::new());
    event.fields(&mut taken);
    taken.0
}

/// The field of this number alone.
pub(crate) fn one(event: &impl Event, index: usize) -> Vec<(&'static str, Field)> {
    let mut taken = Taken(Vec::new());
    event.field(index, &mut taken);
    taken.0
}

struct Taken(Vec<(&'static str, Field)>);

impl Fields for Taken {
    fn u64(&mut self, name: &'static str, value: u64) {
        self.0.push((name, Field::Unsigned(value)));
    }

    fn i64(&mut self, name: &'static str, value: i64) {
        self.0.push((name, Field::Signed(value)));
    }

    fn bool(&mut self, name: &'static str, value: bool) {
        self.0.push((name, Field::Flag(value)));
    }

    fn text(&mut self, name: &'static str, value: &str) {
        self.0.push((name, Field::Bytes(value.as_bytes().to_vec())));
    }

    fn bytes(&mut self, name: &'static str, value: &[u8]) {
        self.0.push((name, Field::Bytes(value.to_vec())));
    }

    fn list(&mut self, name: &'static str, value: Option<List<'_>>) {
        let Some(each) = value else {
            return self.absent(name);
        };
        let mut list = Vec::new();
        each(&mut |element| list.push(element.map(<[u8]>::to_vec)));
        self.0.push((name, Field::List(list)));
    }

    fn frames(&mut self, name: &'static str, value: Option<Frames<'_>>) {
        let Some(each) = value else {
            return self.absent(name);
        };
        let mut count = 0;
        each(&mut |_: &Frame<'_>| count += 1);
        self.0.push((name, Field::Frames(count)));
    }

    fn names(&mut self, name: &'static str, value: &mut dyn Iterator<Item = &str>) {
        let names = value.map(str::to_owned).collect();
        self.0.push((name, Field::Names(names)));
    }

    fn numbers(&mut self, name: &'static str, value: &mut dyn Iterator<Item = u64>) {
        self.0.push((name, Field::Numbers(value.collect())));
    }

    fn buckets(&mut self, name: &'static str, value: &mut dyn Iterator<Item = Bucket>) {
        self.0.push((name, Field::Buckets(value.collect())));
    }

    fn time(&mut self, name: &'static str, boot_ns: u64) {
        self.0.push((name, Field::Time(boot_ns)));
    }

    fn absent(&mut self, name: &'static str) {
        self.0.push((name, Field::Absent));
    }
}
