// SPDX-License-Identifier: MIT OR Apache-2.0
//! A signal, by its name.

use super::{Cell, Fields, Type, Value, names};

/// A signal's number, told by its name. Where it has none, as those for real time, a table shows the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalName(pub u8);

impl Value for SignalName {
    const TYPE: Type = Type::Text("^SIG[A-Z0-9]+$");

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.opt_text(name, names::signal(self.0.into()));
    }

    #[inline]
    fn show(&self, cell: &mut Cell<'_>) {
        match names::signal(self.0.into()) {
            Some(name) => cell.text(name),
            None => cell.u64(self.0.into()),
        }
    }
}
