// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing a file that may be there already, so that nobody ever finds half of it: the new one is written beside it, and
//! takes its name once all is on the disk. Whatever fails before that, the old one is as it was.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::libc;
use nix::sys::stat::{Mode, fchmod, fstat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat};

use super::create::{Spot, create_or_keep};
use super::sink::{Sink, not_made};
use crate::error::{Error, Kind, Result};

/// How many names are tried for the new file.
const TRIES: u32 = 100;

/// A file that is being written beside the one whose name it is to have. Dropping it removes it.
#[derive(Debug)]
pub struct Beside {
    name: String,
    /// `None` of what is written in place: a pipe or a device, or standard output.
    new: Option<New>,
}

#[derive(Debug)]
struct New {
    spot: Spot,
    file: File,
    own_name: OsString,
}

impl Beside {
    /// Begins to write the file of this name, with the permissions and the owner of the one that is there; `-` is
    /// standard output. What may not be overwritten is refused, as [`Sink::file`] does.
    ///
    /// # Errors
    ///
    /// When it is refused, or the new file cannot be made.
    pub fn begin(path: &Path) -> Result<(Self, Sink)> {
        let name = path.display().to_string();
        if path == Path::new("-") {
            return Ok((Self { name, new: None }, Sink::stdout()));
        }
        let made = create_or_keep(path).map_err(|refused| not_made(&name, refused))?;
        let Some(spot) = made.spot else {
            let sink = Sink::from_fd(made.file, name.clone());
            return Ok((Self { name, new: None }, sink));
        };
        let failed = |errno: Errno| {
            let why = Error::io(
                format_args!("cannot write a file beside {name}"),
                &errno.into(),
            );
            why.help(
                "name a file in a directory that you may write to, or use -o - and a shell's >",
            )
        };
        let (fd, own_name) = make(&spot).map_err(failed)?;
        let copy = fd.try_clone().map_err(|error| Error::io(&name, &error))?;
        let new = New {
            spot,
            file: File::from(copy),
            own_name,
        };
        like(&new.file, &made.file).map_err(failed)?;
        let sink = Sink::from_fd(fd, name.clone());
        Ok((
            Self {
                name,
                new: Some(new),
            },
            sink,
        ))
    }

    /// Gives what was written its name. All of it must have been handed over.
    ///
    /// # Errors
    ///
    /// When it cannot be given the name.
    pub fn end(mut self) -> Result<()> {
        let Some(new) = &self.new else {
            return Ok(());
        };
        let failed =
            |why: String| Error::new(Kind::Io, format!("cannot write {}: {why}", self.name));
        // Some file systems tell only now that there was no room.
        new.file
            .sync_all()
            .map_err(|error| failed(error.to_string()))?;
        let directory = &new.spot.directory;
        renameat(directory, &*new.own_name, directory, &*new.spot.name)
            .map_err(|errno| failed(errno.desc().to_owned()))?;
        self.new = None;
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(new) = &self.new {
            // Why it is given up is told already.
            let _ = unlinkat(
                &new.spot.directory,
                &*new.own_name,
                UnlinkatFlags::NoRemoveDir,
            );
        }
    }
}

/// Makes a file of a name that there is not yet.
fn make(spot: &Spot) -> nix::Result<(OwnedFd, OsString)> {
    let flags =
        OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut number = 0;
    loop {
        let name = OsString::from(format!(".tracewell-{}-{number}", std::process::id()));
        // Nobody else may look into it before it has the permissions of the other.
        match openat(
            &spot.directory,
            &*name,
            flags,
            Mode::from_bits_truncate(0o600),
        ) {
            Err(Errno::EEXIST) if number < TRIES => number += 1,
            made => return made.map(|fd| (fd, name)),
        }
    }
}

/// Gives a file the owner, the group and the permissions of another.
fn like(file: impl AsFd, other: impl AsFd) -> nix::Result<()> {
    let (ours, theirs) = (fstat(&file)?, fstat(other)?);
    if (ours.st_uid, ours.st_gid) != (theirs.st_uid, theirs.st_gid) {
        fchown(
            &file,
            Some(Uid::from_raw(theirs.st_uid)),
            Some(Gid::from_raw(theirs.st_gid)),
        )?;
    }
    // After the owner, whose change takes away some of them.
    fchmod(
        file,
        Mode::from_bits_truncate(theirs.st_mode & 0o7777 as libc::mode_t),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    use super::Beside;

    fn write(path: &Path, text: &str) -> Beside {
        let (beside, mut sink) = Beside::begin(path).unwrap();
        sink.buffer().extend_from_slice(text.as_bytes());
        sink.flush().unwrap();
        beside
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_is_whole_or_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "old\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let beside = write(&path, "new\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old\n");
        assert_eq!(names(directory.path()).len(), 2);
        beside.end().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        // One that is given up leaves nothing.
        drop(write(&path, "third\n"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
        assert_eq!(names(directory.path()), ["file"]);
    }

    #[test]
    fn links_stay_and_devices_are_written_to() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&path, "old\n").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        write(&link, "new\n").end().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write(Path::new("/dev/null"), "gone\n").end().unwrap();
        let new = directory.path().join("new");
        write(&new, "new\n").end().unwrap();
        assert_eq!(fs::read_to_string(&new).unwrap(), "new\n");
    }
}
