// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where output goes: standard output or a file, through one buffer of whole lines.

use crate::error::{Error, Result};
use memchr::memrchr;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, SFlag, fstat};
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

    /// A file, created with the caller's umask or emptied. In a directory that everyone may write to
    /// it must not be a symbolic link: it could be another user's, and name a file of ours.
    pub fn file(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let file = create(path).map_err(|error| {
            let error_told = Error::io(format_args!("cannot create {name}"), &error.into());
            match error {
                Errno::ELOOP => error_told
                    .help("it is a symbolic link where everyone may create files; name its target"),
                _ => error_told,
            }
        })?;
        Ok(Self::new(Target::Owned(file), name))
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
            Error::io(format_args!("cannot write to {}", self.name), &errno.into())
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

fn wait_writable(fd: BorrowedFd<'_>) -> nix::Result<()> {
    let mut fds = [PollFd::new(fd, PollFlags::POLLOUT)];
    match poll(&mut fds, PollTimeout::NONE) {
        // A reader that has gone is told by the next write.
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}

fn create(path: &Path) -> nix::Result<OwnedFd> {
    let file = path.file_name().ok_or(Errno::EISDIR)?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Held open, so that the directory that was looked at is the one that is written to.
    let directory = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let parent = openat(AT_FDCWD, parent, directory, Mode::empty())?;
    let everyone_writes = fstat(&parent)?.st_mode & Mode::S_IWOTH.bits() != 0;
    let mut flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_CLOEXEC;
    flags.set(OFlag::O_NOFOLLOW, everyone_writes);
    // The umask takes from these what the caller wants taken.
    let mode = Mode::from_bits_truncate(0o666);
    openat(parent, file, flags, mode)
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
