// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked of one field of one event, and whether the field meets it.

use std::net::IpAddr;

use regex::bytes::Regex;

use crate::event::address::{AddressText, Network};
use crate::event::fields::{Fields, Frames, List};
use crate::hist::Bucket;

/// What a field has to be. A value that is absent is none of these but [`Absent`](Test::Absent).
#[derive(Debug, Clone)]
pub(super) enum Test {
    Absent,
    /// Yes, or no.
    Is(bool),
    /// One of these numbers; of a list, one of them is in it.
    Number(Vec<i128>),
    /// Not below this number.
    AtLeast(i128),
    /// Not above this number.
    AtMost(i128),
    /// One of these texts; of a list or set, one of them is in it.
    Text(Vec<Vec<u8>>),
    /// In one of these networks.
    Address(Vec<Network>),
    /// A text that has this; of a list, one text in it.
    Matches(Regex),
}

/// Takes a field, and whether it meets what is asked.
pub(super) struct Met<'t> {
    test: &'t Test,
    is: bool,
}

impl<'t> Met<'t> {
    pub(super) fn new(test: &'t Test) -> Self {
        Self { test, is: false }
    }

    pub(super) fn is(&self) -> bool {
        self.is
    }

    fn is_met_by_number(&self, value: i128) -> bool {
        match self.test {
            Test::Number(numbers) => numbers.contains(&value),
            Test::AtLeast(least) => value >= *least,
            Test::AtMost(most) => value <= *most,
            _ => false,
        }
    }

    fn number(&mut self, value: i128) {
        self.is = self.is_met_by_number(value);
    }

    fn is_met_by(&self, value: &[u8]) -> bool {
        match self.test {
            Test::Text(texts) => texts.iter().any(|text| text == value),
            Test::Matches(pattern) => pattern.is_match(value),
            _ => false,
        }
    }
}

impl Fields for Met<'_> {
    fn u64(&mut self, _name: &'static str, value: u64) {
        self.number(value.into());
    }

    fn i64(&mut self, _name: &'static str, value: i64) {
        self.number(value.into());
    }

    fn bool(&mut self, _name: &'static str, value: bool) {
        self.is = matches!(self.test, Test::Is(wanted) if *wanted == value);
    }

    fn text(&mut self, _name: &'static str, value: &str) {
        self.is = self.is_met_by(value.as_bytes());
    }

    fn address(&mut self, _name: &'static str, value: IpAddr) {
        self.is = match self.test {
            Test::Address(networks) => networks.iter().any(|network| network.has(value)),
            _ => self.is_met_by(AddressText::of(value).as_str().as_bytes()),
        };
    }

    fn bytes(&mut self, _name: &'static str, value: &[u8]) {
        self.is = self.is_met_by(value);
    }

    fn list(&mut self, name: &'static str, value: Option<List<'_>>) {
        let Some(each) = value else {
            return self.absent(name);
        };
        let mut is = false;
        each(&mut |element| is |= element.is_some_and(|element| self.is_met_by(element)));
        self.is = is;
    }

    fn frames(&mut self, name: &'static str, value: Option<Frames<'_>>) {
        if value.is_none() {
            self.absent(name);
        }
    }

    fn names(&mut self, _name: &'static str, value: &mut dyn Iterator<Item = &str>) {
        // All of them are taken: whoever gives them may count on that.
        let met = value.filter(|name| self.is_met_by(name.as_bytes())).count();
        self.is = met > 0;
    }

    fn numbers(&mut self, _name: &'static str, value: &mut dyn Iterator<Item = u64>) {
        let met = value.filter(|value| self.is_met_by_number((*value).into()));
        self.is = met.count() > 0;
    }

    fn buckets(&mut self, _name: &'static str, _value: &mut dyn Iterator<Item = Bucket>) {}

    fn time(&mut self, _name: &'static str, _boot_ns: u64) {}

    fn absent(&mut self, _name: &'static str) {
        self.is = matches!(self.test, Test::Absent);
    }
}
