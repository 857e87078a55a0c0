// SPDX-License-Identifier: MIT OR Apache-2.0
//! The cgroups of `--cgroup`, which are known by their path: where one is removed and made again, as a service is by its
//! restart, the new one takes the place of the old.
//!
//! The kernel's side knows a cgroup itself, not its path. inotify tells that something was made in the directory above,
//! and a look each second finds what that cannot tell (the directory above was made again, too).

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libbpf_rs::{MapCore, MapFlags, MapHandle};
use nix::errno::Errno;
use nix::libc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

use crate::error::{Error, Result};
use crate::raw::owner_filter;
use crate::session::bpf_error;
use crate::set::Set;

/// How often the paths are looked at where nothing tells of a change.
const LOOK: Duration = Duration::from_secs(1);

/// The cgroups of a running trace.
#[derive(Debug)]
pub struct Cgroups {
    places: Places,
    followed: Vec<Followed>,
    /// Whether one of those that are asked for was made again: what ran in it before it was found was not seen.
    interrupted: Arc<AtomicBool>,
    /// Tells of directories that are made beside them.
    notices: Option<AsyncFd<OwnedFd>>,
    next_look: Instant,
}

/// Where the kernel's side finds them.
#[derive(Debug)]
pub(crate) struct Places {
    /// The array of them, which helpers ask of the current task.
    pub(crate) array: MapHandle,
    /// Their ids, for those that something else than the current task belongs to; where the object has such a map.
    pub(crate) ids: Option<MapHandle>,
}

#[derive(Debug)]
struct Followed {
    path: PathBuf,
    left_out: bool,
    /// The id of the cgroup that is in the array: the inode number of its directory, which the kernel does not use twice.
    id: u64,
    gone: bool,
}

/// A cgroup that a filter names by its path, of which something became.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The path that the filter names.
    pub path: PathBuf,
    /// Whether the filter leaves out what runs in it, rather than asks for that.
    pub left_out: bool,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It was removed. Nothing runs in it until it is made again.
    Gone,
    /// It was made again, and the filter knows it from now on. What ran in it before this moment was not filtered by it.
    MadeAgain,
    /// It was made again, and the filter cannot know it, for this reason.
    Refused(String),
}

impl Change {
    /// Whether something may have run that was asked for and not seen.
    pub fn misses(&self) -> bool {
        !self.left_out && self.fate != Fate::Gone
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (done, until_now) = if self.left_out {
            ("left out", "not left out")
        } else {
            ("traced", "not seen")
        };
        write!(f, "the cgroup {} ", self.path.display())?;
        match &self.fate {
            Fate::Gone => write!(f, "is gone; it is {done} again once it is made again"),
            Fate::MadeAgain => write!(
                f,
                "was made again, and is {done} from here on; what ran in it until now was {until_now}"
            ),
            Fate::Refused(why) => write!(f, "was made again, and cannot be {done}: {why}"),
        }
    }
}

impl Cgroups {
    /// Puts the cgroups into the array, those that are wanted before those that are left out. Needs a tokio runtime with
    /// its I/O and time drivers.
    pub(crate) fn new(places: Places, filter: &Set<PathBuf>) -> Result<Self> {
        let wanted = filter.wanted().iter().map(|path| (path, false));
        let excluded = filter.excluded().iter().map(|path| (path, true));
        let mut followed = Vec::new();
        for (place, (path, left_out)) in (0_u32..).zip(wanted.chain(excluded)) {
            let id = places.put(place, path, left_out)?;
            followed.push(Followed {
                path: path.clone(),
                left_out,
                id,
                gone: false,
            });
        }
        Ok(Self {
            places,
            // Without, the look each second finds them.
            notices: notices(followed.iter().map(|followed| followed.path.as_path())).ok(),
            followed,
            interrupted: Arc::default(),
            next_look: Instant::now() + LOOK,
        })
    }

    /// Waits for the next change, having put a cgroup that was made again into the place of the old one. Cancel safe.
    ///
    /// Before Linux 5.19 this takes `CAP_BPF`.
    pub async fn changed(&mut self) -> Change {
        loop {
            if let Some(change) = self.look() {
                return change;
            }
            tokio::select! {
                () = told(self.notices.as_ref()) => {}
                () = sleep_until(self.next_look) => self.next_look = Instant::now() + LOOK,
            }
        }
    }

    fn look(&mut self) -> Option<Change> {
        for (place, followed) in (0_u32..).zip(&mut self.followed) {
            let path = &followed.path;
            let change = |fate| Change {
                path: path.clone(),
                left_out: followed.left_out,
                fate,
            };
            match path.metadata().map(|found| found.ino()) {
                Ok(id) if id == followed.id => {}
                Ok(_) => {
                    let put = self.places.put(place, path, followed.left_out);
                    let (id, fate) = match put {
                        Ok(id) => (id, Fate::MadeAgain),
                        // Told once of each.
                        Err(error) => (
                            path.metadata().map_or(0, |found| found.ino()),
                            Fate::Refused(error.to_string()),
                        ),
                    };
                    let change = change(fate);
                    if change.misses() {
                        self.interrupted.store(true, Ordering::Relaxed);
                    }
                    self.places.forget(followed.id);
                    followed.id = id;
                    followed.gone = false;
                    return Some(change);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound && !followed.gone => {
                    let change = change(Fate::Gone);
                    followed.gone = true;
                    return Some(change);
                }
                // Told already; or it may not be looked at any more, and is no other for that.
                Err(_) => {}
            }
        }
        None
    }

    /// Becomes true when the account does not know any more what ran in a cgroup that was asked for.
    pub(crate) fn interrupted(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Whether the kernel lets this thread change the array, as it is.
    pub(crate) fn is_changeable(&self) -> bool {
        match self.followed.first() {
            Some(first) => {
                let put = self.places.put(0, &first.path, first.left_out);
                put.is_ok()
            }
            None => true,
        }
    }
}

impl Places {
    /// Puts the cgroup at this path into a place; gives its id.
    fn put(&self, place: u32, path: &Path, left_out: bool) -> Result<u64> {
        let failed = |error: io::Error| Error::io(path.display(), &error);
        let refused = |error: libbpf_rs::Error| {
            bpf_error(&format!("cannot filter by {}", path.display()), &error)
        };
        let directory = File::open(path).map_err(failed)?;
        let id = directory.metadata().map_err(failed)?.ino();
        let fd = directory.as_raw_fd().to_ne_bytes();
        self.array
            .update(&place.to_ne_bytes(), &fd, MapFlags::ANY)
            .map_err(refused)?;
        if let Some(ids) = &self.ids {
            // Excluded ones come last, so that of one that is both it stays.
            let filter = if left_out {
                owner_filter::OWNER_EXCLUDED
            } else {
                owner_filter::OWNER_WANTED
            };
            ids.update(&id.to_ne_bytes(), &[filter.0 as u8], MapFlags::ANY)
                .map_err(refused)?;
        }
        Ok(id)
    }

    /// Makes room for the id of the one that comes in its place. No other cgroup will have it.
    fn forget(&self, id: u64) {
        if let Some(ids) = &self.ids {
            drop(ids.delete(&id.to_ne_bytes()));
        }
    }
}

/// An inotify instance that becomes readable when something is made or removed in a directory above one of these.
fn notices<'a>(paths: impl Iterator<Item = &'a Path>) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: plain system call.
    let fd = Errno::result(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) })?;
    // SAFETY: just made, and nobody else's.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    for path in paths {
        let above = fs::canonicalize(path)?;
        let above = above.parent().unwrap_or(Path::new("/"));
        let above = CString::new(above.as_os_str().as_bytes())?;
        let events = libc::IN_CREATE | libc::IN_DELETE | libc::IN_MOVED_TO | libc::IN_ONLYDIR;
        // SAFETY: the path is a string that lives through the call.
        Errno::result(unsafe { libc::inotify_add_watch(fd.as_raw_fd(), above.as_ptr(), events) })?;
    }
    // SAFETY: an `OwnedFd` is open, and stays the same, for as long as it lives.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

/// Waits until something was made; for ever where nothing tells.
async fn told(notices: Option<&AsyncFd<OwnedFd>>) {
    let Some(notices) = notices else {
        return std::future::pending().await;
    };
    let Ok(mut ready) = notices.readable().await else {
        return std::future::pending().await;
    };
    // What it was is found by looking; readiness goes before the last read, so that nothing is missed.
    ready.clear_ready();
    let mut bytes = [0_u8; 4096];
    while nix::unistd::read(notices.get_ref(), &mut bytes).is_ok_and(|length| length > 0) {}
}

/// The inode number of the hierarchy's root (the kernel's `kernfs` gives it to the first node of a file system).
const ROOT: u64 = 1;

/// How many cgroups are above this one; `None` where its path does not show the hierarchy's root, as in a container.
pub(crate) fn level(path: &Path) -> Option<usize> {
    let path = fs::canonicalize(path).ok()?;
    let device = path.metadata().ok()?.dev();
    path.ancestors().position(|above| {
        let found = above.metadata();
        found.is_ok_and(|found| (found.dev(), found.ino()) == (device, ROOT))
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

/// A word of that file, in which spaces and the like are octal.
fn plain(word: &[u8]) -> std::ffi::OsString {
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
    std::os::unix::ffi::OsStringExt::from_vec(plain)
}

#[cfg(test)]
mod tests {
    use super::mounts_in;
    use std::path::Path;

    #[test]
    fn mounts_are_found_with_any_name() {
        let text = b"proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n\
                     none /a\\040b\\134 cgroup2 ro 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n";
        assert_eq!(
            mounts_in(text),
            [Path::new("/sys/fs/cgroup/unified"), Path::new("/a b\\")]
        );
        assert!(mounts_in(b"").is_empty());
    }
}
