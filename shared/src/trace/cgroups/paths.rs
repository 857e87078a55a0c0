// SPDX-License-Identifier: MIT OR Apache-2.0
//! The paths of cgroups by id, which is their inode number.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::mounts;

/// Finds paths, and keeps what it found of those that were asked for: a cgroup may be gone when it is asked for again,
/// and one that is gone does not come back, since no id is given twice.
#[derive(Debug, Clone, Default)]
pub struct Paths(RefCell<HashMap<u64, Option<Vec<u8>>>>);

impl Paths {
    /// Looks for those of the cgroups that are not known yet, all in one walk through the hierarchy.
    pub fn meet(&self, ids: impl Iterator<Item = u64>) {
        self.meet_below(ids, || mounts().into_iter().next());
    }

    fn meet_below(&self, ids: impl Iterator<Item = u64>, mount: impl FnOnce() -> Option<PathBuf>) {
        let mut known = self.0.borrow_mut();
        let mut sought = 0;
        for id in ids {
            known.entry(id).or_insert_with(|| {
                sought += 1;
                None
            });
        }
        if sought == 0 {
            return;
        }
        let Some(mount) = mount() else { return };
        walk(&mount, &mut |id, path| {
            if let Some(unknown @ None) = known.get_mut(&id) {
                *unknown = Some(path.to_vec());
                sought -= 1;
            }
            sought > 0
        });
    }

    /// The path as [`path`](Self::path) has it, or else the id, in words.
    pub fn name(&self, id: u64) -> Vec<u8> {
        self.path(id).unwrap_or_else(|| id.to_string().into_bytes())
    }

    /// The path below the mount point, `/` for the root; `None` of one that was not met or not found.
    pub fn path(&self, id: u64) -> Option<Vec<u8>> {
        self.0.borrow().get(&id).cloned().flatten()
    }
}

/// Visits each directory below `mount`, with its inode number and its path from there, until `visit` says no more.
pub(super) fn walk(mount: &Path, visit: &mut impl FnMut(u64, &[u8]) -> bool) {
    let Ok(root) = mount.metadata() else { return };
    if !visit(root.ino(), b"/") {
        return;
    }
    let mut left = vec![mount.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let path = entry.path();
            let Ok(below) = path.strip_prefix(mount) else {
                continue;
            };
            let mut shown = b"/".to_vec();
            shown.extend_from_slice(below.as_os_str().as_bytes());
            if !visit(entry.ino(), &shown) {
                return;
            }
            left.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Paths;
    use std::cell::Cell;
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    #[test]
    fn all_are_looked_for_at_once_and_never_again() {
        let root = std::env::temp_dir().join(format!("cgroups-{}", std::process::id()));
        let place = root.join("one/two");
        fs::create_dir_all(&place).unwrap();
        fs::create_dir_all(root.join("other")).unwrap();
        let id = |path: &Path| path.metadata().unwrap().ino();
        let (two, gone) = (id(&place), u64::MAX);
        let cgroups = Paths::default();
        let walks = Cell::new(0);
        let meet = |ids: &[u64]| {
            cgroups.meet_below(ids.iter().copied(), || {
                walks.set(walks.get() + 1);
                Some(root.clone())
            });
        };
        meet(&[two, gone, gone - 1, id(&root)]);
        assert_eq!(walks.get(), 1);
        fs::remove_dir_all(&root).unwrap();
        // Gone by now, and met before.
        for _ in 0..3 {
            meet(&[two, gone, gone - 1]);
        }
        assert_eq!(walks.get(), 1);
        assert_eq!(cgroups.path(two).unwrap(), b"/one/two");
        assert_eq!(cgroups.path(gone), None);
        // Only what was asked for is kept.
        assert_eq!(cgroups.0.borrow().len(), 4);
    }
}
