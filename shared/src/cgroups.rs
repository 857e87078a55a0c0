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
use std::time::Duration;

use libbpf_rs::{MapCore, MapFlags, MapHandle};
use nix::errno::Errno;
use nix::libc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

use crate::error::{Error, Result};
use crate::session::bpf_error;

/// How often the paths are looked at where nothing tells of a change.
const LOOK: Duration = Duration::from_secs(1);

/// The cgroups of a running trace.
#[derive(Debug)]
pub struct Cgroups {
    /// The kernel's array of them.
    map: MapHandle,
    followed: Vec<Followed>,
    /// Tells of directories that are made beside them.
    notices: Option<AsyncFd<OwnedFd>>,
    next_look: Instant,
}

#[derive(Debug)]
struct Followed {
    path: PathBuf,
    /// The id of the cgroup that is in the array: the inode number of its directory, which the kernel does not use twice.
    id: u64,
    gone: bool,
}

/// What became of a cgroup that is traced by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It was removed. Nothing is traced by its path until it is made again.
    Gone(PathBuf),
    /// It was made again, and is traced from now on. What ran in it before this moment was not traced.
    MadeAgain(PathBuf),
    /// It was made again, and cannot be traced.
    Refused(PathBuf, String),
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gone(path) => write!(
                f,
                "the cgroup {} is gone; it is traced again once it is made again",
                path.display()
            ),
            Self::MadeAgain(path) => write!(
                f,
                "the cgroup {} was made again, and is traced from here on; what ran in it until now was not seen",
                path.display()
            ),
            Self::Refused(path, why) => write!(
                f,
                "the cgroup {} was made again, and cannot be traced: {why}",
                path.display()
            ),
        }
    }
}

impl Cgroups {
    /// Puts the cgroups into the array, in this order. Needs a tokio runtime with its I/O and time drivers.
    pub(crate) fn new(map: MapHandle, paths: &[PathBuf]) -> Result<Self> {
        let mut followed = Vec::new();
        for (place, path) in (0_u32..).zip(paths) {
            let id = put(&map, place, path)?;
            followed.push(Followed {
                path: path.clone(),
                id,
                gone: false,
            });
        }
        Ok(Self {
            map,
            followed,
            // Without, the look each second finds them.
            notices: notices(paths).ok(),
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
            match path.metadata().map(|found| found.ino()) {
                Ok(id) if id == followed.id => {}
                Ok(_) => {
                    let put = put(&self.map, place, path);
                    followed.gone = false;
                    return Some(match put {
                        Ok(id) => {
                            followed.id = id;
                            Change::MadeAgain(path.clone())
                        }
                        Err(error) => {
                            // Told once of each.
                            followed.id = path.metadata().map_or(0, |found| found.ino());
                            Change::Refused(path.clone(), error.to_string())
                        }
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound && !followed.gone => {
                    followed.gone = true;
                    return Some(Change::Gone(path.clone()));
                }
                // Told already; or it may not be looked at any more, and is no other for that.
                Err(_) => {}
            }
        }
        None
    }

    /// Whether the kernel lets this thread change the array, as it is.
    pub(crate) fn is_changeable(&self) -> bool {
        match self.followed.first() {
            Some(first) => put(&self.map, 0, &first.path).is_ok(),
            None => true,
        }
    }
}

/// Puts the cgroup at this path into a place of the array; gives its id.
fn put(map: &MapHandle, place: u32, path: &Path) -> Result<u64> {
    let failed = |error: io::Error| Error::io(path.display(), &error);
    let directory = File::open(path).map_err(failed)?;
    let id = directory.metadata().map_err(failed)?.ino();
    map.update(
        &place.to_ne_bytes(),
        &directory.as_raw_fd().to_ne_bytes(),
        MapFlags::ANY,
    )
    .map_err(|error| bpf_error(&format!("cannot filter by {}", path.display()), &error))?;
    Ok(id)
}

/// An inotify instance that becomes readable when something is made or removed in a directory above one of these.
fn notices(paths: &[PathBuf]) -> io::Result<AsyncFd<OwnedFd>> {
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
