// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the hierarchy of cgroup v2 can be seen, and how much of it.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The inode number of the hierarchy's root (the kernel's `kernfs` gives it to the first node of a file system).
const ROOT: u64 = 1;

fn is_root(directory: &Metadata) -> bool {
    directory.ino() == ROOT
}

/// Whether a mount of cgroup v2 shows the whole hierarchy, and not a part of it, as in a container.
pub fn shows_root(mount: &Path) -> bool {
    mount.metadata().is_ok_and(|mount| is_root(&mount))
}

/// How many cgroups are above this one; `None` where its path does not show the hierarchy's root, as in a container.
pub(crate) fn level(path: &Path) -> Option<usize> {
    let path = fs::canonicalize(path).ok()?;
    let device = path.metadata().ok()?.dev();
    path.ancestors().position(|above| {
        let found = above.metadata();
        found.is_ok_and(|found| found.dev() == device && is_root(&found))
    })
}

/// Where cgroup v2 is mounted, in the order of the mounts.
pub fn mounts() -> Vec<PathBuf> {
    let mounts = fs::read("/proc/self/mounts").unwrap_or_default();
    mounts_in(&mounts)
}

fn mounts_in(mounts: &[u8]) -> Vec<PathBuf> {
    let lines = mounts.split(|byte| *byte == b'\n');
    let mounts = lines.filter_map(|line| {
        let mut words = line.split(|byte| *byte == b' ').skip(1);
        let (path, kind) = (words.next()?, words.next()?);
        (kind == b"cgroup2").then(|| PathBuf::from(plain(path)))
    });
    mounts.collect()
}

/// A word of that file, in which a space, a tab, a newline and a backslash are `\` and three octal digits.
fn plain(word: &[u8]) -> OsString {
    let mut plain = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [first, after @ ..] = rest {
        match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = &rest[4..];
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(plain)
}

#[cfg(test)]
mod tests {
    use super::{level, mounts_in, shows_root};
    use std::path::Path;

    #[test]
    fn mounts_are_found_with_any_name() {
        let text = b"proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n\
                     none /a\\040b\\134\\011\\c cgroup2 ro 0 0\ntmpfs /cgroup2 tmpfs rw 0 0\n\
                     cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n";
        assert_eq!(
            mounts_in(text),
            [
                Path::new("/sys/fs/cgroup/unified"),
                Path::new("/a b\\\t\\c")
            ]
        );
        assert!(mounts_in(b"").is_empty());
    }

    /// As of any file system whose root has that number, of which procfs is one.
    #[test]
    fn a_level_is_counted_from_the_root_where_that_is_shown() {
        for (path, expected) in [("/proc", 0), ("/proc/self", 1), ("/proc/self/task", 2)] {
            let path = Path::new(path);
            assert_eq!(level(path), Some(expected), "{}", path.display());
            assert_eq!(shows_root(path), expected == 0, "{}", path.display());
        }
        assert_eq!(level(Path::new("/nowhere")), None);
    }
}
