// SPDX-License-Identifier: MIT OR Apache-2.0
//! A string of the traced program's, of which only so much is told.

use super::{Cell, Fields, Truncated, Type, Value};

/// A string as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// Its bytes; `None` where it could not be read.
    pub bytes: Option<&'a [u8]>,
    /// It is longer than what is told of one; the rest is missing.
    pub truncated: bool,
}

impl Value for Text<'_> {
    const TYPE: Type = Type::Maybe(&Type::Bytes);

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.opt_bytes(name, self.bytes);
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        match self.bytes {
            Some(text) => cell.bytes(text),
            None => cell.cut(),
        }
        if self.truncated {
            cell.cut();
        }
    }
}

impl Truncated for Text<'_> {
    #[inline]
    fn is_truncated(&self) -> bool {
        self.truncated
    }
}
