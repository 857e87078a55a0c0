// SPDX-License-Identifier: MIT OR Apache-2.0
//! The flags of open(2), by name.

use nix::libc;
use tracewell_shared::event::{Cell, Fields, Type, Value};

/// Flags of one bit or of several that belong together, the latter first.
const FLAGS: &[(&str, i32)] = &[
    ("O_TMPFILE", libc::O_TMPFILE),
    ("O_SYNC", libc::O_SYNC),
    ("O_CREAT", libc::O_CREAT),
    ("O_EXCL", libc::O_EXCL),
    ("O_NOCTTY", libc::O_NOCTTY),
    ("O_TRUNC", libc::O_TRUNC),
    ("O_APPEND", libc::O_APPEND),
    ("O_NONBLOCK", libc::O_NONBLOCK),
    ("O_DSYNC", libc::O_DSYNC),
    ("O_ASYNC", libc::O_ASYNC),
    ("O_DIRECT", libc::O_DIRECT),
    ("O_LARGEFILE", LARGEFILE),
    ("O_DIRECTORY", libc::O_DIRECTORY),
    ("O_NOFOLLOW", libc::O_NOFOLLOW),
    ("O_NOATIME", libc::O_NOATIME),
    ("O_CLOEXEC", libc::O_CLOEXEC),
    ("O_PATH", libc::O_PATH),
];

/// The kernel's value; libc's is 0 where every file is large.
#[cfg(target_arch = "aarch64")]
const LARGEFILE: i32 = 0o400_000;
#[cfg(not(target_arch = "aarch64"))]
const LARGEFILE: i32 = 0o100_000;

/// The access modes, by their numbers.
const ACCESS: [&str; 4] = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"];

/// The names of [`FLAGS`].
const NAMES: [&str; FLAGS.len()] = {
    let mut names = [""; FLAGS.len()];
    let mut index = 0;
    while index < FLAGS.len() {
        names[index] = FLAGS[index].0;
        index += 1;
    }
    names
};

/// The flags of open(2) as they were given: `O_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u64);

impl Flags {
    /// Whether a call with these flags may make a file, and so has a mode.
    pub fn make_file(self) -> bool {
        let tmpfile = libc::O_TMPFILE as u64;
        self.0 & libc::O_CREAT as u64 != 0 || self.0 & tmpfile == tmpfile
    }

    /// The names of the flags, the access mode first. Bits without a name are left out.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        names(self.0)
    }
}

impl Value for Flags {
    const TYPE: Type = Type::Words {
        first: &ACCESS,
        others: &NAMES,
    };

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.names(name, &mut names(self.0));
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.words(names(self.0));
    }
}

fn names(flags: u64) -> impl Iterator<Item = &'static str> {
    let access = ACCESS[(flags & libc::O_ACCMODE as u64) as usize];
    let mut left = flags;
    std::iter::once(access).chain(FLAGS.iter().filter_map(move |&(name, bits)| {
        let bits = bits as u64;
        let set = left & bits == bits;
        if set {
            left &= !bits;
        }
        set.then_some(name)
    }))
}

/// What names stand for, with a bar between where there are several: `O_WRONLY|O_CREAT`.
pub(crate) fn parse(names: &str) -> Option<Wanted> {
    let mut wanted = Wanted { mask: 0, bits: 0 };
    for name in names.split('|') {
        let one = parse_one(name)?;
        // Two access modes at once are none.
        if wanted.mask & one.mask & (wanted.bits ^ one.bits) != 0 {
            return None;
        }
        wanted.mask |= one.mask;
        wanted.bits |= one.bits;
    }
    Some(wanted)
}

fn parse_one(name: &str) -> Option<Wanted> {
    let access = |mode: i32| Wanted {
        mask: libc::O_ACCMODE as u64,
        bits: mode as u64,
    };
    match name {
        "O_RDONLY" => Some(access(libc::O_RDONLY)),
        "O_WRONLY" => Some(access(libc::O_WRONLY)),
        "O_RDWR" => Some(access(libc::O_RDWR)),
        _ => FLAGS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|&(_, bits)| Wanted {
                mask: bits as u64,
                bits: bits as u64,
            }),
    }
}

/// What a value of `-f` asks for: these bits, of those that the mask has. An access mode is the value of two bits, and
/// `O_RDONLY` is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    mask: u64,
    bits: u64,
}

impl Wanted {
    pub(crate) fn is_in(self, flags: Flags) -> bool {
        flags.0 & self.mask == self.bits
    }
}

#[cfg(test)]
mod tests {
    use super::{Flags, parse};
    use nix::libc::{
        O_CLOEXEC, O_CREAT, O_DIRECTORY, O_RDWR, O_SYNC, O_TMPFILE, O_TRUNC, O_WRONLY,
    };

    fn given(flags: i32) -> Flags {
        Flags(flags as u64)
    }

    fn named(flags: i32) -> Vec<&'static str> {
        given(flags).names().collect()
    }

    #[test]
    fn flags_have_their_names() {
        assert_eq!(named(O_CLOEXEC), ["O_RDONLY", "O_CLOEXEC"]);
        assert_eq!(
            named(O_WRONLY | O_CREAT | O_TRUNC),
            ["O_WRONLY", "O_CREAT", "O_TRUNC"]
        );
        assert_eq!(named(O_RDWR | O_TMPFILE), ["O_RDWR", "O_TMPFILE"]);
        assert_eq!(named(O_DIRECTORY), ["O_RDONLY", "O_DIRECTORY"]);
        assert_eq!(named(O_SYNC), ["O_RDONLY", "O_SYNC"]);
    }

    #[test]
    fn only_calls_that_make_a_file_have_a_mode() {
        assert!(given(O_CREAT).make_file() && given(O_TMPFILE).make_file());
        assert!(!given(O_DIRECTORY).make_file());
    }

    #[test]
    fn flags_are_asked_for_by_name() {
        assert!(parse("O_RDONLY").unwrap().is_in(given(O_CLOEXEC)));
        assert!(!parse("O_RDONLY").unwrap().is_in(given(O_WRONLY)));
        assert!(!parse("O_TMPFILE").unwrap().is_in(given(O_DIRECTORY)));
        assert_eq!(parse("O_NONSENSE"), None);
        let both = parse("O_WRONLY|O_CREAT").unwrap();
        assert!(both.is_in(given(O_WRONLY | O_CREAT | O_TRUNC)));
        assert!(!both.is_in(given(O_CREAT)) && !both.is_in(given(O_WRONLY)));
        for none in ["O_RDONLY|O_WRONLY", "O_CREAT|", "|", "", "O_CREAT,O_EXCL"] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
