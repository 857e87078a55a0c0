// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths that were put together from where the kernel started and the name it was given.

use crate::data::record::Tail;
pub use crate::event::text::Text as Path;
use crate::event::{Cell, Fields, Group, Truncated, Type, Value};

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

    /// The path of what these components alone lead to, from the innermost to the outermost, each ended by a NUL.
    pub(super) fn below_root(components: &'a [u8]) -> Self {
        let base = Base {
            components,
            status: WHOLE,
        };
        Self { base, name: b"" }
    }

    /// The same of what is not known further up.
    pub(super) fn below_unknown(components: &'a [u8]) -> Self {
        let base = Base {
            components,
            status: CUT,
        };
        Self { base, name: b"" }
    }

    /// Gives one that may not be known to fields.
    #[inline]
    pub(super) fn give(path: Option<Self>, name: &'static str, to: &mut dyn Fields) {
        match path {
            Some(path) => path.with_bytes(|bytes| to.bytes(name, bytes)),
            None => to.absent(name),
        }
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
#[derive(Debug, Clone, Copy, Group)]
pub struct File<'a> {
    /// What a relative path starts from: a descriptor, or `AT_FDCWD` (-100) for the working directory, also where the call
    /// takes none.
    pub dirfd: i32,
    /// The path as given.
    #[field(
        null = "where it could not be read",
        truncated = "The path had PATH_MAX bytes or more: the kernel refused it, and the rest is missing.",
        left("PATH", 0)
    )]
    pub path: Path<'a>,
    /// The path from the root of the caller's mount namespace; symbolic links and `..` stand as given.
    #[field(
        null = "without `-F`, `--path` or its name in another option, and where the path or its start could not be read",
        truncated = "A part of `full_path` is missing: at the end where `path_truncated`, else at the start, and it \
                     begins without `/`: where that is too far up, and where no path leads from the root of the caller's \
                     mount namespace to the directory.",
        left("PATH", 0)
    )]
    pub full_path: FullPath<'a>,
}

/// What a record says of the file that a call was about.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The call's descriptor of a directory.
    pub dirfd: i32,
    /// The lengths of the name and of what it starts from, which the record's tail begins with.
    pub lengths: [u16; 2],
    /// `enum base_status`.
    pub status: u8,
    /// The name could not be read.
    pub unreadable: bool,
    /// The name was cut.
    pub cut: bool,
}

impl<'a> File<'a> {
    /// Takes the paths from the tail of a record; the full one if it was asked for. `None` where the tail is shorter.
    #[inline]
    pub fn take(tail: &mut Tail<'a>, found: &Found, full_path: bool) -> Option<Self> {
        let (name, components) = (tail.take(found.lengths[0])?, tail.take(found.lengths[1])?);
        let name = (!found.unreadable).then_some(name);
        let base = full_path.then_some(Base {
            components,
            status: found.status,
        });
        Some(Self {
            dirfd: found.dirfd,
            path: Path {
                bytes: name,
                truncated: found.cut,
            },
            full_path: FullPath {
                path: base
                    .zip(name)
                    .and_then(|(base, name)| Full::new(base, name)),
                name_cut: found.cut,
            },
        })
    }
}

/// A path from the root, if it was asked for.
#[derive(Debug, Clone, Copy)]
pub struct FullPath<'a> {
    path: Option<Full<'a>>,
    name_cut: bool,
}

impl<'a> FullPath<'a> {
    /// The path; `None` unless asked for, or where the path or its start could not be read.
    pub fn get(&self) -> Option<Full<'a>> {
        self.path
    }
}

impl Value for FullPath<'_> {
    const TYPE: Type = Type::Maybe(&Type::Bytes);

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        Full::give(self.path, name, to);
    }

    fn show(&self, cell: &mut Cell<'_>) {
        let Some(path) = self.path else {
            return cell.cut();
        };
        if path.cut() {
            cell.cut();
        }
        path.pieces(&mut |piece| cell.bytes(piece));
        if self.name_cut {
            cell.cut();
        }
    }
}

impl Truncated for FullPath<'_> {
    #[inline]
    fn is_truncated(&self) -> bool {
        self.path.is_some_and(|path| path.cut() || self.name_cut)
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
