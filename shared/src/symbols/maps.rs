// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a process has mapped: the lines of `/proc/PID/maps`, and the files behind them.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::libc::O_PATH;

/// A line of `/proc/PID/maps`: `start-end perms offset dev inode   path`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'l> {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) executable: bool,
    /// Where in the file it starts.
    pub(crate) offset: u64,
    /// Device and inode number, as they stand there.
    pub(crate) file: [&'l str; 2],
    /// As the process sees it; `(deleted)` stands behind that of a file that was removed or replaced.
    pub(crate) path: &'l [u8],
}

impl<'l> Line<'l> {
    /// The line without its end.
    pub(crate) fn parse(line: &'l [u8]) -> Option<Self> {
        let mut fields = line.splitn(6, |byte| *byte == b' ');
        let mut next = || str::from_utf8(fields.next()?).ok();
        let (start, end) = next()?.split_once('-')?;
        let executable = next()?.as_bytes().get(2) == Some(&b'x');
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        Some(Self {
            start: hex(start)?,
            end: hex(end)?,
            executable,
            offset: hex(next()?)?,
            file: [next()?, next()?],
            path: {
                let padded = fields.next().unwrap_or_default();
                let blanks = padded.iter().take_while(|byte| **byte == b' ').count();
                &padded[blanks..]
            },
        })
    }
}

/// The file that a process has mapped there, whatever has become of its path; not opened to be read yet.
pub(crate) fn mapped(pid: u32, start: u64, end: u64) -> io::Result<Handle> {
    Handle::of(Path::new(&format!(
        "/proc/{pid}/map_files/{start:x}-{end:x}"
    )))
}

/// A file that was found, and is a plain one: to open a device has effects.
#[derive(Debug)]
pub(crate) struct Handle(File);

impl Handle {
    /// What is at this path.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let handle = OpenOptions::new()
            .read(true)
            .custom_flags(O_PATH)
            .open(path)?;
        if !handle.metadata()?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        Ok(Self(handle))
    }

    /// Opens it to be read.
    pub(crate) fn open(&self) -> io::Result<File> {
        File::open(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Handle, Line};
    use std::io::Read;
    use std::path::Path;

    #[test]
    fn lines_of_maps_are_understood() {
        let line =
            b"7f00-7fff r-xp 00001000 fd:01 1234                       /usr/lib/a b (deleted)";
        let expected = Line {
            start: 0x7f00,
            end: 0x7fff,
            executable: true,
            offset: 0x1000,
            file: ["fd:01", "1234"],
            path: b"/usr/lib/a b (deleted)",
        };
        assert_eq!(Line::parse(line), Some(expected));
        let anonymous = Line::parse(b"7f00-7fff rw-p 00000000 00:00 0 ").unwrap();
        assert!(anonymous.path.is_empty() && !anonymous.executable);
        let bytes = Line::parse(b"1-2 --xs 0 0:0 7  /\xff").unwrap();
        assert_eq!(bytes.path, b"/\xff");
        for none in [
            &b"7f00 r-xp 00000000 00:00 0 "[..],
            b"x-y r-xp 00000000 00:00 0 ",
            b"1-2 r-xp",
            b"1-2 r-xp 0 0:0",
            b"",
        ] {
            assert_eq!(Line::parse(none), None, "{none:?}");
        }
    }

    #[test]
    fn only_plain_files_are_opened() {
        assert!(Handle::of(Path::new("/dev/null")).is_err());
        assert!(Handle::of(Path::new("/")).is_err());
        let mut file = Handle::of(Path::new("/proc/self/exe"))
            .unwrap()
            .open()
            .unwrap();
        let mut magic = [0; 4];
        file.read_exact(&mut magic).unwrap();
        assert_eq!(&magic, b"\x7fELF");
    }
}
