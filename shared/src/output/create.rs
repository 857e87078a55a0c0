// SPDX-License-Identifier: MIT OR Apache-2.0
//! Making a file for output, whoever else may write on the way to it.
//!
//! Tools run as root, and people have them write below `/tmp`. There another user may have put a symbolic link to a
//! file of root's, a link to a directory, a file that he reads, or a pipe. `fs.protected_symlinks` and its kin guard
//! against these where they are on; here it does not depend on them. So the path is walked name by name, and each
//! link is judged before it is followed.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat, readlinkat};
use nix::libc::{self, stat as Status};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use nix::unistd::geteuid;

/// As many links in a path as the kernel follows.
const LINKS_MAX: u32 = 40;

/// How often a file may come and go while it is being made.
const TRIES: u32 = 16;

/// Why a file is not made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// What the kernel says.
    Errno(Errno),
    /// This is a symbolic link where everyone may make one.
    Link(PathBuf),
    /// This is a file, or a pipe, that is not only the caller's, where everyone may make one.
    Others(PathBuf),
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// A directory on the way.
struct Place {
    fd: OwnedFd,
    /// Whether someone else may put things there.
    shared: bool,
}

impl Place {
    fn open(at: impl AsFd, name: &OsStr) -> Result<Self, Refused> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = openat(at, name, flags, Mode::empty())?;
        let shared = everyone_writes(&fstat(&fd)?);
        Ok(Self { fd, shared })
    }

    /// The directory that was found under a name here. Another user's in one that everyone may write to is no better.
    fn below(&self, fd: OwnedFd, status: &Status) -> Self {
        let shared = everyone_writes(status) || (self.shared && !is_trusted(status));
        Self { fd, shared }
    }
}

fn everyone_writes(status: &Status) -> bool {
    status.st_mode & libc::S_IWOTH != 0
}

/// Whether what has this status was made by the caller, or by root, who needs no trick.
fn is_trusted(status: &Status) -> bool {
    status.st_uid == 0 || status.st_uid == geteuid().as_raw()
}

fn kind(status: &Status) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & libc::S_IFMT)
}

/// Creates the file with the caller's umask, or empties it; gives it open to be written.
pub(super) fn create(path: &Path) -> Result<OwnedFd, Refused> {
    let mut left = VecDeque::new();
    prepend(&mut left, path);
    let mut place = Place::open(AT_FDCWD, OsStr::new("."))?;
    let (mut links, mut tries) = (0, 0);
    while let Some(name) = left.pop_front() {
        if name == "/" || name == ".." || name == "." {
            place = Place::open(&place.fd, &name)?;
            continue;
        }
        let last = left.is_empty();
        let look = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let found = match openat(&place.fd, &*name, look, Mode::empty()) {
            Ok(found) => found,
            Err(Errno::ENOENT) if last => match make(&place, &name) {
                // Someone was faster: it is looked at once more.
                Err(Errno::EEXIST) if tries < TRIES => {
                    tries += 1;
                    left.push_front(name);
                    continue;
                }
                made => return Ok(made?),
            },
            Err(errno) => return Err(errno.into()),
        };
        let status = fstat(&found)?;
        match kind(&status) {
            // Not a link that has a text: it stands for a file that is open, as /dev/stdout does in the end.
            SFlag::S_IFLNK if is_proc(&place) => {
                if last {
                    return Ok(open(&place.fd, &name, OFlag::empty())?);
                }
                let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
                let fd = openat(&place.fd, &*name, flags, Mode::empty())?;
                let shared = everyone_writes(&fstat(&fd)?);
                place = Place { fd, shared };
            }
            SFlag::S_IFLNK => {
                links += 1;
                if place.shared && (last || !is_trusted(&status)) {
                    return Err(Refused::Link(shown(&place, &name)));
                }
                if links > LINKS_MAX {
                    return Err(Errno::ELOOP.into());
                }
                prepend(&mut left, Path::new(&readlinkat(&found, "")?));
            }
            SFlag::S_IFDIR if last => return Err(Errno::EISDIR.into()),
            SFlag::S_IFDIR => place = place.below(found, &status),
            _ if !last => return Err(Errno::ENOTDIR.into()),
            _ if !place.shared => return Ok(open(&place.fd, &name, OFlag::O_NOFOLLOW)?),
            kind => {
                // One with another name as well may be a file of the caller's that someone else linked to here.
                let only_here = kind != SFlag::S_IFREG || status.st_nlink <= 1;
                if !is_trusted(&status) || !only_here {
                    return Err(Refused::Others(shown(&place, &name)));
                }
                return Ok(reopen(&found)?);
            }
        }
    }
    Err(Errno::EISDIR.into())
}

/// Puts the names of a path before those that are left.
fn prepend(left: &mut VecDeque<OsString>, path: &Path) {
    let names = path.components().map(Component::as_os_str);
    let names: Vec<_> = names.map(OsStr::to_owned).collect();
    for name in names.into_iter().rev() {
        left.push_front(name);
    }
}

fn make(place: &Place, name: &OsStr) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_WRONLY
        | OFlag::O_CREAT
        | OFlag::O_EXCL
        | OFlag::O_NOFOLLOW
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    // The umask takes from these what the caller wants taken.
    openat(&place.fd, name, flags, Mode::from_bits_truncate(0o666))
}

/// Opens and empties what is there.
fn open(at: impl AsFd, name: &OsStr, more: OFlag) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_WRONLY | OFlag::O_TRUNC | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    openat(at, name, flags | more, Mode::empty())
}

/// The very file that was looked at, whatever has its name by now.
fn reopen(found: &OwnedFd) -> nix::Result<OwnedFd> {
    let own = format!("/proc/self/fd/{}", found.as_raw_fd());
    open(AT_FDCWD, OsStr::new(&own), OFlag::empty())
}

fn is_proc(place: &Place) -> bool {
    fstatfs(&place.fd).is_ok_and(|status| status.filesystem_type() == PROC_SUPER_MAGIC)
}

/// The path for a message, as far as it can be had.
fn shown(place: &Place, name: &OsStr) -> PathBuf {
    let own = format!("/proc/self/fd/{}", place.fd.as_raw_fd());
    let directory = std::fs::read_link(own).unwrap_or_default();
    directory.join(name)
}

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
