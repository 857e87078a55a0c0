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
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat, readlinkat};
use nix::libc::{self, stat as Status};
use nix::sys::stat::{Mode, SFlag, fstat, stat};
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
    /// This is a symbolic link where others than the caller and root may make one.
    Link(PathBuf),
    /// This is a file, or a pipe, that is not only the caller's, where others may make one.
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
    /// Whether someone else may put things there. It is asked of the directory alone, never of the way to it: so it
    /// makes no difference whether it is reached by its name, by `..`, by a link, or as the current directory.
    shared: bool,
}

impl Place {
    fn open(at: impl AsFd, name: &OsStr) -> Result<Self, Refused> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = openat(at, name, flags, Mode::empty())?;
        let status = fstat(&fd)?;
        Ok(Self::of(fd, &status))
    }

    fn of(fd: OwnedFd, status: &Status) -> Self {
        let shared = others_write(status) || !is_trusted(status);
        Self { fd, shared }
    }

    /// Opens what was found under a name here: no directory, and no link.
    fn open_file(
        &self,
        name: &OsStr,
        found: &OwnedFd,
        status: &Status,
        more: OFlag,
    ) -> Result<OwnedFd, Refused> {
        if !self.shared {
            return Ok(open(&self.fd, name, OFlag::O_NOFOLLOW | more)?);
        }
        // One with another name as well may be a file of the caller's that someone else linked to here.
        let only_here = kind(status) != SFlag::S_IFREG || status.st_nlink <= 1;
        if !is_trusted(status) || !only_here {
            return Err(Refused::Others(shown(self, name)));
        }
        Ok(reopen(found, more)?)
    }

    /// What was made or opened here.
    fn holds(self, file: OwnedFd, name: OsString) -> Made {
        Made {
            file,
            spot: Some(Spot {
                directory: self.fd,
                name,
                shared: self.shared,
            }),
        }
    }
}

/// Whether more than the owner may write: of a directory with an access control list, the group's bits are the most
/// that any other user or group of the list has.
fn others_write(status: &Status) -> bool {
    status.st_mode & (libc::S_IWGRP | libc::S_IWOTH) != 0
}

/// Whether what has this status was made by the caller, or by root, who needs no trick. Nor does the owner of the
/// root directory: that is what root looks like in a user namespace that has no number for him.
fn is_trusted(status: &Status) -> bool {
    static OWNER_OF_ROOT: OnceLock<u32> = OnceLock::new();
    let owner_of_root = OWNER_OF_ROOT.get_or_init(|| stat("/").map_or(0, |root| root.st_uid));
    [0, geteuid().as_raw(), *owner_of_root].contains(&status.st_uid)
}

fn kind(status: &Status) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & libc::S_IFMT)
}

/// A file that was opened to be written, always at its end.
pub(super) struct Made {
    pub(super) file: OwnedFd,
    /// Where it is; `None` of what is no regular file, and of one that was named by a descriptor.
    pub(super) spot: Option<Spot>,
}

/// Where a file is: the directory, held open, and the name there.
#[derive(Debug)]
pub(super) struct Spot {
    pub(super) directory: OwnedFd,
    pub(super) name: OsString,
    shared: bool,
}

impl Spot {
    /// Opens what has the name by now, or makes a file of that name. The same is refused as at the first time, and what
    /// is no regular file.
    pub(super) fn open_again(&self) -> Result<OwnedFd, Refused> {
        let place = Place {
            fd: self.directory.try_clone().map_err(|error| {
                Errno::from_raw(error.raw_os_error().unwrap_or(Errno::UnknownErrno as i32))
            })?,
            shared: self.shared,
        };
        let mut tries = 0;
        loop {
            let Some(found) = look(&place, &self.name)? else {
                match make(&place, &self.name) {
                    Err(Errno::EEXIST) if tries < TRIES => tries += 1,
                    made => return Ok(made?),
                }
                continue;
            };
            let status = fstat(&found)?;
            return match kind(&status) {
                SFlag::S_IFLNK => Err(Refused::Link(shown(&place, &self.name))),
                SFlag::S_IFREG => {
                    Ok(place.open_file(&self.name, &found, &status, OFlag::empty())?)
                }
                _ => Err(Refused::Others(shown(&place, &self.name))),
            };
        }
    }
}

/// What has this name, whatever it is, not opened; `None` for nothing.
fn look(place: &Place, name: &OsStr) -> nix::Result<Option<OwnedFd>> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    match openat(&place.fd, name, flags, Mode::empty()) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Creates the file with the caller's umask, or empties it; gives it open to be written.
pub(super) fn create(path: &Path) -> Result<Made, Refused> {
    walk(path, OFlag::O_TRUNC)
}

/// Creates the file with the caller's umask, or opens it and leaves in it what is there.
pub(super) fn create_or_keep(path: &Path) -> Result<Made, Refused> {
    walk(path, OFlag::empty())
}

/// Creates the file, or opens it with these flags besides.
fn walk(path: &Path, more: OFlag) -> Result<Made, Refused> {
    let mut left = VecDeque::new();
    prepend(&mut left, path);
    // Whoever names a file from the root may stand where he may not look.
    let start = if path.is_absolute() { "/" } else { "." };
    let mut place = Place::open(AT_FDCWD, OsStr::new(start))?;
    let (mut links, mut tries) = (0, 0);
    while let Some(name) = left.pop_front() {
        if name == "/" || name == ".." || name == "." {
            place = Place::open(&place.fd, &name)?;
            continue;
        }
        let last = left.is_empty();
        let Some(found) = look(&place, &name)? else {
            if !last {
                return Err(Errno::ENOENT.into());
            }
            match make(&place, &name) {
                // Someone was faster: it is looked at once more.
                Err(Errno::EEXIST) if tries < TRIES => {
                    tries += 1;
                    left.push_front(name);
                    continue;
                }
                made => return Ok(place.holds(made?, name)),
            }
        };
        let status = fstat(&found)?;
        match kind(&status) {
            // Not a link that has a text: it stands for a file that is open, as /dev/stdout does in the end.
            SFlag::S_IFLNK if is_proc(&place) => {
                if last {
                    let file = open(&place.fd, &name, more)?;
                    return Ok(Made { file, spot: None });
                }
                let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
                let fd = openat(&place.fd, &*name, flags, Mode::empty())?;
                let status = fstat(&fd)?;
                place = Place::of(fd, &status);
            }
            SFlag::S_IFLNK => {
                links += 1;
                // One with another name as well may be a link of root's that someone else put here.
                let followed = !last && is_trusted(&status) && status.st_nlink <= 1;
                if place.shared && !followed {
                    return Err(Refused::Link(shown(&place, &name)));
                }
                if links > LINKS_MAX {
                    return Err(Errno::ELOOP.into());
                }
                prepend(&mut left, Path::new(&readlinkat(&found, "")?));
            }
            SFlag::S_IFDIR if last => return Err(Errno::EISDIR.into()),
            SFlag::S_IFDIR => place = Place::of(found, &status),
            _ if !last => return Err(Errno::ENOTDIR.into()),
            kind => {
                let file = place.open_file(&name, &found, &status, more)?;
                return Ok(match kind {
                    SFlag::S_IFREG => place.holds(file, name),
                    _ => Made { file, spot: None },
                });
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

/// How a file is opened. Always at its end: one that is cut meanwhile, as logrotate(8) does with `copytruncate`, has
/// no hole in it afterwards.
const WRITE: OFlag = OFlag::O_WRONLY
    .union(OFlag::O_APPEND)
    .union(OFlag::O_NOCTTY)
    .union(OFlag::O_CLOEXEC);

fn make(place: &Place, name: &OsStr) -> nix::Result<OwnedFd> {
    let flags = WRITE | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
    // The umask takes from these what the caller wants taken.
    openat(&place.fd, name, flags, Mode::from_bits_truncate(0o666))
}

/// Opens what is there.
fn open(at: impl AsFd, name: &OsStr, more: OFlag) -> nix::Result<OwnedFd> {
    openat(at, name, WRITE | more, Mode::empty())
}

/// The very file that was looked at, whatever has its name by now.
fn reopen(found: &OwnedFd, more: OFlag) -> nix::Result<OwnedFd> {
    let own = format!("/proc/self/fd/{}", found.as_raw_fd());
    open(AT_FDCWD, OsStr::new(&own), more)
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
mod tests;
