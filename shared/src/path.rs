// SPDX-License-Identifier: MIT OR Apache-2.0
//! Paths that were put together from where the kernel started and the name it was given.

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
            if first {
                give(b"/");
            }
            return;
        }
        if !self.name.starts_with(b"/") {
            give(b"/");
        }
        give(self.name);
    }

    /// Runs `then` on the path's bytes.
    pub fn with_bytes<R>(&self, then: impl FnOnce(&[u8]) -> R) -> R {
        let mut bytes = Vec::with_capacity(self.base.components.len() + self.name.len() + 1);
        self.pieces(&mut |piece| bytes.extend_from_slice(piece));
        then(&bytes)
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
}
