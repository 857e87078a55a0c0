// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kinds of events, and what the fields of several kinds are together.

use super::field::{Field, position};

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The value of JSON's `event` field: `exec`, `open`, ...
    pub name: &'static str,
    /// What such an event is: a sentence.
    pub meaning: &'static str,
    /// Its fields, in their order.
    pub fields: &'static [Field],
}

/// The first kind of each list: of events that have one each.
pub const fn firsts<const N: usize>(parts: &[&[Kind]]) -> [Kind; N] {
    let mut all = [Kind {
        name: "",
        meaning: "",
        fields: &[],
    }; N];
    let mut part = 0;
    while part < N {
        all[part] = parts[part][0];
        part += 1;
    }
    all
}

/// Whether a list before this one has a field of this name.
const fn is_before(parts: &[&[Field]], part: usize, name: &str) -> bool {
    let mut earlier = 0;
    while earlier < part {
        if position(parts[earlier], name).is_some() {
            return true;
        }
        earlier += 1;
    }
    false
}

/// How many fields of different names these are.
pub const fn count_united(parts: &[&[Field]]) -> usize {
    let (mut sum, mut part) = (0, 0);
    while part < parts.len() {
        let mut field = 0;
        while field < parts[part].len() {
            if !is_before(parts, part, parts[part][field].name) {
                sum += 1;
            }
            field += 1;
        }
        part += 1;
    }
    sum
}

/// The fields of all, those of one name once; [`count_united`] says how many.
pub const fn united<const N: usize>(parts: &[&[Field]]) -> [Field; N] {
    let mut all = [parts[0][0]; N];
    let (mut filled, mut part) = (0, 0);
    while part < parts.len() {
        let mut field = 0;
        while field < parts[part].len() {
            if !is_before(parts, part, parts[part][field].name) {
                all[filled] = parts[part][field];
                filled += 1;
            }
            field += 1;
        }
        part += 1;
    }
    all
}

/// Where each field of `all` is among `some`.
pub const fn places<const N: usize>(all: &[Field], some: &[Field]) -> [Option<usize>; N] {
    let mut places = [None; N];
    let mut index = 0;
    while index < N {
        places[index] = position(some, all[index].name);
        index += 1;
    }
    places
}
