// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where output goes: standard output or a file, through one buffer of whole lines.

use super::again::{Failure, Opener, same_file};
use super::create::{Refused, Spot, create, create_or_keep};
use crate::error::{Error, Kind, Result};
use memchr::memrchr;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

/// A buffer this full is written without being asked: few system calls, and what a pipe holds.
const MARK: usize = 64 * 1024;

/// Room for the record that passes the mark, so that the buffer seldom grows.
const ROOM: usize = 16 * 1024;

/// A buffered output that hands over whole lines only, however often it is flushed.
///
/// Dropping it does not write: an error could not be told. Call [`flush`](Sink::flush).
#[derive(Debug)]
pub struct Sink {
    target: Target,
    name: String,
    buffer: Vec<u8>,
    again: Again,
}

/// How the output can be opened again.
#[derive(Debug, Default)]
enum Again {
    /// It is no file of a name.
    #[default]
    Not,
    /// By its name, while the process may.
    Spot(Spot),
    By(Opener),
}

#[derive(Debug)]
enum Target {
    Stdout(io::Stdout),
    Owned(OwnedFd),
}

impl Sink {
    /// Standard output.
    pub fn stdout() -> Self {
        Self::new(Target::Stdout(io::stdout()), "standard output".to_owned())
    }

    /// A file, created with the caller's umask or emptied, and always written at its end. In a directory where others
    /// than the caller and root may make files it must not be a symbolic link, nor a file that is another user's or has
    /// a second name: these could be a trap. On the way there no link of another user's is followed.
    pub fn file(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let made = create(path).map_err(|refused| not_made(&name, refused))?;
        let mut sink = Self::new(Target::Owned(made.file), name);
        sink.again = made.spot.map_or(Again::Not, Again::Spot);
        Ok(sink)
    }

    /// What is called so on a command line: `-` is standard output, anything else a [`file`](Self::file).
    pub fn named(path: &Path) -> Result<Self> {
        match path == Path::new("-") {
            true => Ok(Self::stdout()),
            false => Self::file(path),
        }
    }

    /// A file as [`file`](Self::file) makes it, which was not there before, or was empty: what somebody has in it is not
    /// overwritten. A pipe or a device is written to.
    pub fn new_file(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let made = create_or_keep(path).map_err(|refused| not_made(&name, refused))?;
        if made.spot.is_some() {
            let status = fstat(&made.file);
            let status = status.map_err(|errno| Error::io(&name, &errno.into()))?;
            if status.st_size > 0 {
                return Err(
                    Error::usage(format!("{name} is there already, and not empty"))
                        .help("remove it, or name another file"),
                );
            }
        }
        Ok(Self::new(Target::Owned(made.file), name))
    }

    /// Sees to it that [`reopen`](Self::reopen) works also when the process may open no file any more. Call it while
    /// the process has one thread.
    pub(crate) fn keep_reopenable(&mut self) -> Result<()> {
        if let Again::Spot(spot) = &self.again {
            let opener = Opener::new(spot).map_err(|errno| {
                Error::io(
                    "cannot start the process that opens the output again",
                    &errno.into(),
                )
            })?;
            self.again = Again::By(opener);
        }
        Ok(())
    }

    /// Goes on in the file that has the output's name by now, which is made if there is none: what a program that
    /// rotates logs wants. To be called with all lines written. Gives whether that file is empty. If it fails, all
    /// stays as it was.
    pub(crate) fn reopen(&mut self) -> Result<bool> {
        let name = &self.name;
        let failed = |why: String| Error::new(Kind::Io, format!("cannot open {name} again: {why}"));
        let refused = |failure: Failure| match failure {
            Failure::Errno(errno) => failed(errno.desc().to_owned()),
            Failure::Link => failed("it is a symbolic link".to_owned()),
            Failure::Others => failed("it is no file, or not only the caller's".to_owned()),
        };
        let file = match &self.again {
            Again::Not => return Err(failed("it is no file that has a name".to_owned())),
            Again::By(opener) => opener.open().map_err(refused)?,
            Again::Spot(spot) => spot.open_again().map_err(|why| {
                refused(match why {
                    Refused::Errno(errno) => errno.into(),
                    Refused::Link(_) => Failure::Link,
                    Refused::Others(_) => Failure::Others,
                })
            })?,
        };
        let unread = |error: io::Error| failed(error.to_string());
        let size = fstat(&file).map_err(|errno| unread(errno.into()))?.st_size;
        if !same_file(self.as_fd(), file.as_fd()).map_err(unread)? {
            self.target = Target::Owned(file);
        }
        Ok(size == 0)
    }

    /// An open file, pipe or socket, called `name` in errors.
    pub fn from_fd(fd: OwnedFd, name: impl Into<String>) -> Self {
        Self::new(Target::Owned(fd), name.into())
    }

    fn new(target: Target, name: String) -> Self {
        Self {
            target,
            name,
            buffer: Vec::with_capacity(MARK + ROOM),
            again: Again::Not,
        }
    }

    /// What it is called in errors.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.as_fd().is_terminal()
    }

    /// The file descriptor.
    pub fn raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }

    /// The buffer, to append to. A record must end with a new line, and with
    /// [`end_record`](Sink::end_record).
    #[inline]
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Writes the buffer if it is full enough.
    #[inline]
    pub fn end_record(&mut self) -> Result<()> {
        if self.buffer.len() < MARK {
            return Ok(());
        }
        self.flush()
    }

    /// Writes all whole lines of the buffer.
    pub fn flush(&mut self) -> Result<()> {
        self.hand_over().map_err(|errno| {
            Error::output(format_args!("cannot write to {}", self.name), &errno.into())
        })
    }

    /// Writes up to the last line's end. What was not written when it fails stays.
    fn hand_over(&mut self) -> nix::Result<()> {
        let whole = memrchr(b'\n', &self.buffer).map_or(0, |end| end + 1);
        let mut written = 0;
        let mut result = Ok(());
        while written < whole && result.is_ok() {
            match unistd::write(self.as_fd(), &self.buffer[written..whole]) {
                Ok(0) => result = Err(Errno::EIO),
                Ok(count) => written += count,
                Err(Errno::EINTR) => {}
                // Whoever shares a terminal or pipe with us may have made it non-blocking.
                Err(Errno::EAGAIN) => result = wait_writable(self.as_fd()),
                Err(errno) => result = Err(errno),
            }
        }
        if result.is_err() {
            self.take_back_half_a_line(written);
        }
        self.buffer.drain(..written);
        result
    }

    /// A file on a full disk keeps what fitted, which may end within a line. Whoever reads it is better off without
    /// that piece. Anything but a file that we opened ourselves stays as it is.
    fn take_back_half_a_line(&self, written: usize) {
        let piece = match memrchr(b'\n', &self.buffer[..written]) {
            Some(end) => written - end - 1,
            None => written,
        };
        if piece == 0 || !matches!(self.target, Target::Owned(_)) {
            return;
        }
        if let Ok(status) = fstat(self.as_fd())
            && SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG
            && let Ok(piece) = i64::try_from(piece)
        {
            // The error that brought us here is the one to tell.
            let _ = unistd::ftruncate(self.as_fd(), status.st_size - piece);
        }
    }
}

impl AsFd for Sink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.target {
            Target::Stdout(stdout) => stdout.as_fd(),
            Target::Owned(fd) => fd.as_fd(),
        }
    }
}

/// For writers that bring their own idea of a record; lines still go out whole.
impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= MARK {
            self.hand_over()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(self.hand_over()?)
    }
}

/// The error for a file that cannot be made.
pub(super) fn not_made(name: &str, refused: Refused) -> Error {
    let failed = |why: String| Error::new(Kind::Io, format!("cannot create {name}: {why}"));
    match refused {
        Refused::Errno(errno) => Error::io(format_args!("cannot create {name}"), &errno.into()),
        Refused::Link(link) => failed(format!(
            "{} is a symbolic link where others may make them",
            link.display()
        ))
        .help("name its target"),
        Refused::Others(file) => failed(format!(
            "{} is another user's, or has a second name, where others may make files",
            file.display()
        ))
        .help("remove it, or name another file"),
    }
}

fn wait_writable(fd: BorrowedFd<'_>) -> nix::Result<()> {
    let mut fds = [PollFd::new(fd, PollFlags::POLLOUT)];
    match poll(&mut fds, PollTimeout::NONE) {
        // A reader that has gone is told by the next write.
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests;
