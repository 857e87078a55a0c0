// SPDX-License-Identifier: MIT OR Apache-2.0
//! The paths of cgroups by id, which is their inode number.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Finds paths, and keeps those that it found: a cgroup may be gone when it is asked for again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cgroups(RefCell<HashMap<u64, Vec<u8>>>);

impl Cgroups {
    /// The path below the mount point, `/` for the root; `None` where it cannot be found.
    pub(crate) fn path(&self, id: u64) -> Option<Vec<u8>> {
        if !self.0.borrow().contains_key(&id) {
            self.learn();
        }
        self.0.borrow().get(&id).cloned()
    }

    fn learn(&self) {
        let Some(mount) = mount_point() else { return };
        let mut found = self.0.borrow_mut();
        let mut left = vec![mount.clone()];
        while let Some(directory) = left.pop() {
            if let (Ok(metadata), Ok(below)) =
                (directory.metadata(), directory.strip_prefix(&mount))
            {
                let mut path = b"/".to_vec();
                path.extend_from_slice(below.as_os_str().as_bytes());
                found.insert(metadata.ino(), path);
            }
            for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    left.push(entry.path());
                }
            }
        }
    }
}

/// Where cgroup v2 is mounted.
fn mount_point() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (path, kind) = (words.next()?, words.next()?);
        (kind == "cgroup2").then(|| Path::new(path).to_owned())
    })
}
