// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a call failed, if it did.

use tracewell_derive::Group;

use super::{Cell, Fields, Type, Value};
use crate::event::names;

/// The error of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Group)]
#[group(failed = Self::is_one)]
pub struct Failure {
    /// The error's number.
    #[field(null = "after a success", range(1, 4095))]
    pub errno: Option<i32>,
    /// The error's name.
    #[field(
        null = "after a success, and for a number without a name",
        none = "0",
        left("ERR", 7)
    )]
    pub error: Option<ErrorName>,
}

impl Failure {
    /// Of what a call returned: a negative number is an error's.
    #[inline]
    pub fn of(returned: i32) -> Self {
        let errno = (returned < 0).then_some(returned.saturating_neg());
        Self {
            errno,
            error: errno.map(ErrorName),
        }
    }

    /// Whether the call failed.
    #[inline]
    pub fn is_one(&self) -> bool {
        self.errno.is_some()
    }
}

/// An error's number, told by its name. Where it has none, a table shows the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorName(pub i32);

impl Value for ErrorName {
    const TYPE: Type = Type::Text("^E[A-Z0-9_]+$");

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.opt_text(name, names::errno(self.0));
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        match names::errno(self.0) {
            Some(name) => cell.text(name),
            None => cell.i64(self.0.into()),
        }
    }
}
