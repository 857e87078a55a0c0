// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths that were put together from where the kernel started and the name it was given.

use crate::output::fields::Fields;
use crate::output::table::Cell;

/// Room for a path of `PATH_MAX`, and the byte that shows a longer one; as `bpf/include/path.bpf.h` has it.
pub const PATH_BYTES: usize = 4096 + 1;

/// Room for the base of a path: as much, and one more component.
pub const BASE_BYTES: usize = PATH_BYTES + 256;

/// Where a path starts, as `bpf/include/path.bpf.h` sends it.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// The components from the innermost to the outermost, each ended by a NUL.
    pub components: &'a [u8],
    /// `enum base_status`.
    pub status: u8,
}

impl<'a> Base<'a> {
    /// Splits the end of a record into the name that the call was given, of `path_bytes`, and the base behind it.
    /// `None` where it is shorter than both.
    pub fn split(
        tail: &'a [u8],
        path_bytes: u16,
        base_bytes: u16,
        status: u8,
    ) -> Option<(&'a [u8], Self)> {
        let (path, rest) = tail.split_at_checked(path_bytes.into())?;
        let components = rest.get(..base_bytes.into())?;
        Some((path, Self { components, status }))
    }
}

/// `enum base_status`: the walk reached the root.
const WHOLE: u8 = 0;
/// `enum base_status`: the outer part is missing.
const CUT: u8 = 1;

/// A path from the root of its mount namespace.
#[derive(Debug, Clone, Copy)]
pub struct Full<'a> {
    base: Base<'a>,
    name: &'a [u8],
}

impl<'a> Full<'a> {
    /// The path of `name` below `base`; `None` where it is not known where it starts.
    /// An absolute name has a base too: the process's root, or with openat2's `RESOLVE_IN_ROOT`, the directory.
    pub fn new(base: Base<'a>, name: &'a [u8]) -> Option<Self> {
        matches!(base.status, WHOLE | CUT).then_some(Self { base, name })
    }

    /// Whether the outer part is missing: the path then starts with the first component that is known.
    pub fn cut(&self) -> bool {
        self.base.status == CUT
    }

    /// Hands the path's pieces over, in order. Joined, they are the path.
    pub fn pieces(&self, give: &mut dyn FnMut(&[u8])) {
        let outer = self
            .base
            .components
            .strip_suffix(b"\0")
            .unwrap_or(self.base.components);
        let mut first = true;
        if !outer.is_empty() {
            for component in outer.rsplit(|byte| *byte == 0) {
                if !(first && self.cut()) {
                    give(b"/");
                }
                first = false;
                give(component);
            }
        }
        if self.name.is_empty() {
            // The kernel takes an empty name for an error, but an error has a path too.
            if first && !self.cut() {
                give(b"/");
            }
            return;
        }
        // What is cut does not start at the root, also where no component of it is known.
        let slashes = self.name.iter().take_while(|byte| **byte == b'/').count();
        let name = match (first && self.cut(), slashes > 0) {
            (true, _) => self.name.split_at(slashes).1,
            (false, true) => self.name,
            (false, false) => {
                give(b"/");
                self.name
            }
        };
        give(name);
    }

    /// Runs `then` on the path's bytes.
    pub fn with_bytes<R>(&self, then: impl FnOnce(&[u8]) -> R) -> R {
        let mut bytes = Vec::with_capacity(self.base.components.len() + self.name.len() + 1);
        self.pieces(&mut |piece| bytes.extend_from_slice(piece));
        then(&bytes)
    }
}

/// The file that a call was about: the name it was given, and where that starts.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// As given; `None` where it could not be read.
    pub path: Option<&'a [u8]>,
    /// It had `PATH_MAX` bytes or more; the rest is missing.
    pub truncated: bool,
    /// Where it starts, if that was asked for.
    pub base: Option<Base<'a>>,
}

impl<'a> Named<'a> {
    /// The path from the root; `None` unless asked for, or where the path or its start could not be read.
    pub fn full(&self) -> Option<Full<'a>> {
        Full::new(self.base?, self.path?)
    }

    /// The path as given, in a table.
    pub fn show(&self, cell: &mut Cell<'_>) {
        match self.path {
            Some(path) => cell.bytes(path),
            None => cell.cut(),
        }
        if self.truncated {
            cell.cut();
        }
    }

    /// The path from the root, in a table.
    pub fn show_full(&self, cell: &mut Cell<'_>) {
        let Some(path) = self.full() else {
            return cell.cut();
        };
        if path.cut() {
            cell.cut();
        }
        path.pieces(&mut |piece| cell.bytes(piece));
        if self.truncated {
            cell.cut();
        }
    }

    /// Gives both paths, and what is missing of them.
    pub fn fields(&self, to: &mut dyn Fields) {
        to.opt_bytes("path", self.path);
        to.bool("path_truncated", self.truncated);
        let full = self.full();
        match full {
            Some(full) => full.with_bytes(|bytes| to.bytes("full_path", bytes)),
            None => to.absent("full_path"),
        }
        to.bool(
            "full_path_truncated",
            full.is_some_and(|full| full.cut() || self.truncated),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{Base, CUT, Full, WHOLE};

    fn full(components: &[u8], status: u8, name: &str) -> Option<String> {
        let base = Base { components, status };
        Full::new(base, name.as_bytes())?
            .with_bytes(|bytes| Some(String::from_utf8_lossy(bytes).into_owned()))
    }

    #[test]
    fn components_are_turned_round() {
        assert_eq!(full(b"c\0b\0a\0", WHOLE, "f").unwrap(), "/a/b/c/f");
        assert_eq!(
            full(b"jail\0srv\0", WHOLE, "/etc/f").unwrap(),
            "/srv/jail/etc/f"
        );
    }

    #[test]
    fn the_root_has_no_components() {
        assert_eq!(full(b"", WHOLE, "f").unwrap(), "/f");
        assert_eq!(full(b"", WHOLE, "/f").unwrap(), "/f");
        assert_eq!(full(b"", WHOLE, "").unwrap(), "/");
    }

    #[test]
    fn what_is_cut_does_not_look_whole() {
        assert_eq!(full(b"c\0b\0", CUT, "f").unwrap(), "b/c/f");
        assert_eq!(full(b"", 2, "f"), None);
    }

    #[test]
    fn what_starts_nowhere_does_not_look_whole() {
        assert_eq!(full(b"", CUT, "f").unwrap(), "f");
        assert_eq!(full(b"", CUT, "/etc/f").unwrap(), "etc/f");
        assert_eq!(full(b"", CUT, "").unwrap(), "");
    }
}
