// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a field can hold. A type with a form of its own, such as flags or a mode, says it once here, for every format.

use super::Bucket;
use super::{Cell, Fields, Type};

/// A value of a field.
pub trait Value {
    /// What the schema says of it.
    const TYPE: Type;

    /// What it counts, if it is a number that counts something: `ns`, `bytes`.
    const UNIT: Option<&'static str> = None;

    /// Gives it to JSON or CSV, under this name.
    fn give(&self, name: &'static str, to: &mut dyn Fields);

    /// Writes it into a cell of a table.
    fn show(&self, cell: &mut Cell<'_>);
}

/// A value of which a part may be missing: it is told in a field of its own, and by a mark in tables.
pub trait Truncated: Value {
    /// Whether a part is missing.
    fn is_truncated(&self) -> bool;

    /// Gives both: the value and whether a part of it is missing, under these names.
    #[inline]
    fn give_both(&self, names: [&'static str; 2], to: &mut dyn Fields) {
        self.give(names[0], to);
        to.bool(names[1], self.is_truncated());
    }
}

/// One of several words of the tool's own. It is derived from an enum.
pub trait Word: Sized + 'static {
    /// All of them, as they are declared.
    const ALL: &'static [Self];

    /// The same in words.
    const WORDS: &'static [&'static str];

    /// This one.
    fn word(&self) -> &'static str;
}

impl<W: Word> Value for W {
    const TYPE: Type = Type::Word(W::WORDS);

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.text(name, self.word());
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        cell.text(self.word());
    }
}

macro_rules! numbers {
    ($($number:ty => $wide:ident),*) => {$(
        impl Value for $number {
            const TYPE: Type = Type::Number(<$number>::MIN as i128, <$number>::MAX as i128);

            #[inline]
            fn give(&self, name: &'static str, to: &mut dyn Fields) {
                to.$wide(name, (*self).into());
            }

            #[inline]
            fn show(&self, cell: &mut Cell<'_>) {
                cell.$wide((*self).into());
            }
        }
    )*};
}
numbers!(u8 => u64, u16 => u64, u32 => u64, u64 => u64, i32 => i64, i64 => i64);

impl Value for bool {
    const TYPE: Type = Type::Bool;

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.bool(name, *self);
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        cell.text(if *self { "yes" } else { "no" });
    }
}

impl Value for &[u8] {
    const TYPE: Type = Type::Bytes;

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.bytes(name, self);
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        cell.bytes(self);
    }
}

impl Value for Vec<u8> {
    const TYPE: Type = Type::Bytes;

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.bytes(name, self);
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.bytes(self);
    }
}

/// Words of the tool's own or of the kernel's, of which there is no list.
impl Value for String {
    const TYPE: Type = Type::Text(".");

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.text(name, self);
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.text(self);
    }
}

impl Value for Vec<Bucket> {
    const TYPE: Type = Type::Buckets;

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.buckets(name, &mut self.iter().copied());
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.u64(self.iter().map(|bucket| bucket.count).sum());
    }
}

impl<V: Value> Value for Option<V> {
    const TYPE: Type = Type::Maybe(&V::TYPE);
    const UNIT: Option<&'static str> = V::UNIT;

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        match self {
            Some(value) => value.give(name, to),
            None => to.absent(name),
        }
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        match self {
            Some(value) => value.show(cell),
            None => cell.text("-"),
        }
    }
}

impl<V: Truncated> Truncated for Option<V> {
    #[inline]
    fn is_truncated(&self) -> bool {
        self.as_ref().is_some_and(Truncated::is_truncated)
    }

    #[inline]
    fn give_both(&self, names: [&'static str; 2], to: &mut dyn Fields) {
        match self {
            Some(value) => value.give_both(names, to),
            None => {
                to.absent(names[0]);
                to.bool(names[1], false);
            }
        }
    }
}

/// A moment: nanoseconds of the kernel's boot-time clock. Formats show the time of day that it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment {
    /// Nanoseconds of the boot-time clock.
    pub boot_ns: u64,
}

impl Value for Moment {
    const TYPE: Type = Type::Time;

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.time(name, self.boot_ns);
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        cell.time(self.boot_ns);
    }
}

/// How long something took, in nanoseconds. A table shows seconds, `1.234567`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanos(pub u64);

impl Value for Nanos {
    const TYPE: Type = u64::TYPE;
    const UNIT: Option<&'static str> = Some("ns");

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.u64(name, self.0);
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        cell.seconds(self.0);
    }
}

/// A number of bytes. A table shows it whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub u64);

impl Value for Bytes {
    const TYPE: Type = u64::TYPE;
    const UNIT: Option<&'static str> = Some("bytes");

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.u64(name, self.0);
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        cell.u64(self.0);
    }
}

/// The permissions of a file, which a table shows in octal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mode(pub u32);

impl Value for Mode {
    const TYPE: Type = u32::TYPE;

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.u64(name, self.0.into());
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        cell.octal(self.0.into());
    }
}

/// Shows a name as one word, so that the columns behind it stay in their place; see [`Cell::word`].
#[inline]
pub fn as_word(name: &&[u8], cell: &mut Cell<'_>) {
    cell.word(name);
}

/// Shows a number of bytes in KiB, cut off.
#[inline]
pub fn as_kilobytes(Bytes(bytes): &Bytes, cell: &mut Cell<'_>) {
    cell.u64(bytes / 1024);
}

/// Shows how long something took in milliseconds, `1.234`; see [`Cell::thousandths`].
#[inline]
pub fn as_known_millis(took: &Nanos, cell: &mut Cell<'_>) {
    cell.thousandths(took.0, 1_000_000);
}

/// The same of what is not always known.
#[inline]
pub fn as_millis(took: &Option<Nanos>, cell: &mut Cell<'_>) {
    match took {
        Some(took) => as_known_millis(took, cell),
        None => took.show(cell),
    }
}

/// Shows what a system call returned, with the name of its error; see [`Cell::signed_errno`].
#[inline]
pub fn as_returned(returned: &i32, cell: &mut Cell<'_>) {
    cell.signed_errno((*returned).into());
}
