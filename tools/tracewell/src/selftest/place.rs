// SPDX-License-Identifier: MIT OR Apache-2.0
//! The directory that a load is made in, and that nothing is left of: not after an error, a panic or a signal, and
//! after SIGKILL only until the next run.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

use nix::fcntl::{Flock, FlockArg};
use nix::libc;
use nix::unistd::geteuid;

/// What its name begins with, and no other program's.
const PREFIX: &str = "tracewell-selftest-";

/// Others may have the name, or take an empty directory for one that is left.
const TRIES: u32 = 16;

/// The one that is there now, for the case that this process panics: then nothing is dropped.
static PRESENT: Mutex<Option<PathBuf>> = Mutex::new(None);

/// A directory of this run's own. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Tells other runs that it is in use: the kernel takes the lock back from a process that has ended, however.
    _lock: Flock<File>,
}

impl Place {
    /// Makes it, where temporary files are.
    pub(super) fn new() -> io::Result<Self> {
        Self::below(&std::env::temp_dir())
    }

    fn below(parent: &Path) -> io::Result<Self> {
        remove_after_panic();
        for _ in 0..TRIES {
            let made = tempfile::Builder::new()
                .prefix(PREFIX)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(parent)?;
            // It is removed below, by whom knows its lock.
            let path = made.keep();
            // Another run may have locked it first, taking it for one that is left; it is that run's to remove, then.
            if let Some(lock) = lock(&path) {
                *present() = Some(path.clone());
                return Ok(Self { path, _lock: lock });
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Whoever makes files in it has ended before.
        drop(fs::remove_dir_all(&self.path));
        *present() = None;
    }
}

fn present() -> std::sync::MutexGuard<'static, Option<PathBuf>> {
    PRESENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock of a directory that is the caller's own and in nobody's use. No link is followed to it.
fn lock(path: &Path) -> Option<Flock<File>> {
    let mut options = File::options();
    let options = options
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW);
    let directory = options.open(path).ok()?;
    let opened = directory.metadata().ok()?;
    if opened.uid() != geteuid().as_raw() {
        return None;
    }
    let lock = Flock::lock(directory, FlockArg::LockExclusiveNonblock).ok()?;
    // It may have been removed, and the name be another's, before it was locked.
    let now = fs::symlink_metadata(path).ok()?;
    ((now.dev(), now.ino()) == (opened.dev(), opened.ino())).then_some(lock)
}

/// Removes what runs have left that were killed.
pub(super) fn sweep() {
    sweep_below(&std::env::temp_dir());
}

fn sweep_below(parent: &Path) {
    // What cannot be read or removed is no reason to test nothing.
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && let Some(lock) = lock(&entry.path()) {
            // It follows no link either, at any depth.
            drop(fs::remove_dir_all(entry.path()));
            drop(lock);
        }
    }
}

/// A panic ends the process where it is, with nothing dropped.
fn remove_after_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            before(panic);
            super::ending::begin(libc::SIGABRT);
            if let Ok(present) = PRESENT.try_lock()
                && let Some(path) = &*present
            {
                // A load on another thread makes its last file meanwhile.
                for _ in 0..TRIES {
                    if fs::remove_dir_all(path).is_ok() {
                        break;
                    }
                }
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::{PREFIX, Place, sweep_below};

    #[test]
    fn nothing_is_left_of_it() {
        let parent = tempfile::tempdir().unwrap();
        let place = Place::below(parent.path()).unwrap();
        let mode = fs::metadata(place.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::create_dir(place.path().join("sub")).unwrap();
        fs::write(place.path().join("sub/file"), "").unwrap();
        // Not what is in use.
        sweep_below(parent.path());
        assert!(place.path().join("sub/file").exists());
        drop(place);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_was_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let at = |name: &str| parent.path().join(format!("{PREFIX}{name}"));
        let precious = parent.path().join("precious");
        fs::create_dir(&precious).unwrap();
        fs::write(precious.join("file"), "").unwrap();
        fs::create_dir(at("left")).unwrap();
        symlink(&precious, at("left").join("link")).unwrap();
        symlink(&precious, at("planted")).unwrap();
        fs::write(at("file"), "").unwrap();
        fs::create_dir(at("theirs")).unwrap();
        let given = chown(at("theirs"), Some(65534), None).is_ok();
        sweep_below(parent.path());
        assert!(!at("left").exists());
        assert!(at("planted").is_symlink() && at("file").exists());
        assert!(precious.join("file").exists());
        assert_eq!(at("theirs").exists(), given);
    }
}
