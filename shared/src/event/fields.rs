// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an event gives its values to: a stream of named fields.

use std::net::IpAddr;

use super::address::AddressText;
use super::{Bucket, Frame};

/// Gives each element of a list to the function it is handed, `None` for one that is absent. It may be run more than
/// once, and gives the same each time.
pub type List<'a> = &'a dyn Fn(&mut dyn FnMut(Option<&[u8]>));

/// Gives each frame of a stack, innermost first, to the function it is handed.
pub type Frames<'a> = &'a dyn Fn(&mut dyn FnMut(&Frame<'_>));

/// Takes the fields of one event, in order. Every value has a name; `None` is a value that is absent.
pub trait Fields {
    /// A number.
    fn u64(&mut self, name: &'static str, value: u64);

    /// A number that may be negative.
    fn i64(&mut self, name: &'static str, value: i64);

    /// Yes or no.
    fn bool(&mut self, name: &'static str, value: bool);

    /// A word that the tool chose itself, such as the name of an error.
    fn text(&mut self, name: &'static str, value: &str);

    /// Bytes that came from elsewhere, such as a file name: anything but trusted.
    fn bytes(&mut self, name: &'static str, value: &[u8]);

    /// A list of such bytes, such as the arguments of a command.
    fn list(&mut self, name: &'static str, value: Option<List<'_>>);

    /// The frames of a stack.
    fn frames(&mut self, name: &'static str, value: Option<Frames<'_>>);

    /// A set of words that the tool chose itself, such as flags.
    fn names(&mut self, name: &'static str, value: &mut dyn Iterator<Item = &str>);

    /// Several numbers.
    fn numbers(&mut self, name: &'static str, value: &mut dyn Iterator<Item = u64>);

    /// The parts of a histogram that are not empty, in rising order.
    fn buckets(&mut self, name: &'static str, value: &mut dyn Iterator<Item = Bucket>);

    /// A moment: nanoseconds of the kernel's boot-time clock.
    fn time(&mut self, name: &'static str, boot_ns: u64);

    /// An address of IP: a word to most.
    fn address(&mut self, name: &'static str, value: IpAddr) {
        self.text(name, AddressText::of(value).as_str());
    }

    /// A value that is absent.
    fn absent(&mut self, name: &'static str);

    /// A number that may be absent.
    fn opt_u64(&mut self, name: &'static str, value: Option<u64>) {
        match value {
            Some(value) => self.u64(name, value),
            None => self.absent(name),
        }
    }

    /// A number that may be negative or absent.
    fn opt_i64(&mut self, name: &'static str, value: Option<i64>) {
        match value {
            Some(value) => self.i64(name, value),
            None => self.absent(name),
        }
    }

    /// A word of the tool's own that may be absent.
    fn opt_text(&mut self, name: &'static str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.absent(name),
        }
    }

    /// Bytes that may be absent.
    fn opt_bytes(&mut self, name: &'static str, value: Option<&[u8]>) {
        match value {
            Some(value) => self.bytes(name, value),
            None => self.absent(name),
        }
    }
}
