// SPDX-License-Identifier: MIT OR Apache-2.0
//! The flags of msync(2) and `sync_file_range(2)`, by name.

use nix::libc;
use tracewell_shared::event::{Cell, Fields, Type, Value};

use crate::event::Call;

const OF_MSYNC: [(&str, u32); 3] = [
    ("MS_ASYNC", libc::MS_ASYNC as u32),
    ("MS_INVALIDATE", libc::MS_INVALIDATE as u32),
    ("MS_SYNC", libc::MS_SYNC as u32),
];

const OF_SYNC_FILE_RANGE: [(&str, u32); 3] = [
    (
        "SYNC_FILE_RANGE_WAIT_BEFORE",
        libc::SYNC_FILE_RANGE_WAIT_BEFORE,
    ),
    ("SYNC_FILE_RANGE_WRITE", libc::SYNC_FILE_RANGE_WRITE),
    (
        "SYNC_FILE_RANGE_WAIT_AFTER",
        libc::SYNC_FILE_RANGE_WAIT_AFTER,
    ),
];

/// The names of both.
const NAMES: [&str; 6] = [
    OF_MSYNC[0].0,
    OF_MSYNC[1].0,
    OF_MSYNC[2].0,
    OF_SYNC_FILE_RANGE[0].0,
    OF_SYNC_FILE_RANGE[1].0,
    OF_SYNC_FILE_RANGE[2].0,
];

/// The flags of a call as they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    known: &'static [(&'static str, u32)],
    bits: u32,
}

impl Flags {
    /// Those of a call that takes any.
    pub(crate) fn of(call: Call, bits: u32) -> Option<Self> {
        let known = match call {
            Call::Msync => &OF_MSYNC,
            Call::SyncFileRange => &OF_SYNC_FILE_RANGE,
            _ => return None,
        };
        Some(Self { known, bits })
    }

    /// The number, with bits that have no name.
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// The names of the flags. Bits without a name are left out.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let known = self.known.iter();
        known.filter_map(move |&(name, bit)| (self.bits & bit != 0).then_some(name))
    }
}

impl Value for Flags {
    const TYPE: Type = Type::Words {
        first: &[],
        others: &NAMES,
    };

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.names(name, &mut self.names());
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.words(self.names());
    }
}

#[cfg(test)]
mod tests {
    use super::Flags;
    use crate::event::Call;

    fn named(call: Call, bits: u32) -> Option<Vec<&'static str>> {
        Flags::of(call, bits).map(|flags| flags.names().collect())
    }

    #[test]
    fn flags_have_the_names_that_their_call_gives_them() {
        assert_eq!(named(Call::Msync, 5), Some(vec!["MS_ASYNC", "MS_SYNC"]));
        assert_eq!(
            named(Call::SyncFileRange, 5),
            Some(vec![
                "SYNC_FILE_RANGE_WAIT_BEFORE",
                "SYNC_FILE_RANGE_WAIT_AFTER"
            ])
        );
        assert_eq!(named(Call::Fsync, 5), None);
    }

    #[test]
    fn bits_without_a_name_are_in_the_number_alone() {
        let flags = Flags::of(Call::Msync, 0x8002).unwrap();
        assert_eq!(flags.names().collect::<Vec<_>>(), ["MS_INVALIDATE"]);
        assert_eq!(flags.bits(), 0x8002);
        assert_eq!(named(Call::Msync, 0), Some(Vec::new()));
    }
}
