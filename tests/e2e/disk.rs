// SPDX-License-Identifier: MIT OR Apache-2.0
//! A disk of a test's own, whose requests nobody else makes: a loop device, or the one that `TRACEWELL_DISK` names, which
//! the tests then have in turn.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::libc::{self, O_DIRECT};
use tempfile::TempDir;
use tracewell_tests::{note, scratch};

use crate::storms::guest;

/// What one request reads or writes here.
pub(crate) const BLOCK: usize = 4096;

/// How many there are on the disk.
const BLOCKS: u64 = 1024;

/// A disk; a loop device is detached when this is dropped.
pub(crate) struct Disk {
    device: PathBuf,
    own: Own,
}

/// What makes a disk a test's own.
enum Own {
    /// The directory with a loop device's file.
    Loop(TempDir),
    /// The turn on a disk that all tests use.
    Turn(#[expect(dead_code, reason = "it is held, not used")] MutexGuard<'static, ()>),
}

/// What the kernel counts in `/sys/block/*/stat`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    /// What was merged into other writes.
    pub(crate) writes_merged: u64,
    pub(crate) flushes: u64,
}

/// Memory that a disk may read from and write to directly.
#[repr(align(4096))]
struct Page([u8; BLOCK]);

fn said_by_losetup(args: &[&str]) -> String {
    let output = Command::new("losetup").args(args).output();
    let output = output.expect("losetup");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

impl Disk {
    pub(crate) fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let disk = match env::var_os("TRACEWELL_DISK") {
            Some(device) => Self {
                device: device.into(),
                own: Own::Turn(TURN.lock().unwrap_or_else(PoisonError::into_inner)),
            },
            None => Self::of_a_file(),
        };
        // Threads that read neighbouring blocks at once would share requests.
        disk.set("nomerges", "2");
        disk
    }

    fn of_a_file() -> Self {
        let directory = scratch();
        let image = directory.path().join("image");
        let file = File::create(&image).unwrap();
        file.set_len(BLOCKS * BLOCK as u64).unwrap();
        let device = if guest() {
            // busybox's: nobody else takes it there.
            let device = said_by_losetup(&["-f"]);
            said_by_losetup(&[device.trim_end(), image.to_str().unwrap()]);
            device
        } else {
            said_by_losetup(&["--find", "--show", image.to_str().unwrap()])
        };
        let disk = Self {
            device: device.trim_end().into(),
            own: Own::Loop(directory),
        };
        // udev, where there is one, looks at a new disk.
        drop(
            Command::new("udevadm")
                .args(["settle", "--timeout=10"])
                .status(),
        );
        disk
    }

    /// A loop device that has no more of its file than this: what is read behind it fails. `None` where the guest's kernel
    /// has none.
    pub(crate) fn cut_off(bytes: u64) -> Option<Self> {
        if guest() {
            drop(Command::new("modprobe").args(["-q", "loop"]).status());
            if !Path::new("/dev/loop-control").exists() {
                note("without a disk that fails: this kernel has no loop devices");
                return None;
            }
        }
        let disk = Self::of_a_file();
        let Own::Loop(directory) = &disk.own else {
            unreachable!("it is of a file");
        };
        let image = File::options()
            .write(true)
            .open(directory.path().join("image"));
        image.unwrap().set_len(bytes).unwrap();
        Some(disk)
    }

    pub(crate) fn device(&self) -> &str {
        self.device.to_str().unwrap()
    }

    /// `loop0`
    pub(crate) fn name(&self) -> &str {
        self.device().strip_prefix("/dev/").unwrap()
    }

    /// Writes a setting of the queue.
    pub(crate) fn set(&self, name: &str, value: &str) {
        let path = format!("/sys/block/{}/queue/{name}", self.name());
        fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Has requests wait with this scheduler; says whether the kernel has it.
    pub(crate) fn schedule(&self, scheduler: &str) -> bool {
        let path = format!("/sys/block/{}/queue/scheduler", self.name());
        // A module, where it is not built in.
        drop(Command::new("modprobe").arg(scheduler).status());
        let known = fs::read_to_string(&path).unwrap();
        let known = known
            .split_whitespace()
            .any(|name| name.trim_matches(['[', ']']) == scheduler);
        if known {
            self.set("scheduler", scheduler);
        } else {
            note(&format!(
                "without {scheduler}: this kernel has no such scheduler"
            ));
        }
        known
    }

    pub(crate) fn stat(&self) -> Stat {
        let text = fs::read_to_string(format!("/sys/block/{}/stat", self.name())).unwrap();
        let numbers: Vec<u64> = text
            .split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect();
        Stat {
            reads: numbers[0],
            writes: numbers[4],
            writes_merged: numbers[5],
            flushes: numbers[15],
        }
    }

    /// The disk, past the page cache: each read and write is one request.
    pub(crate) fn open(&self) -> Direct {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(O_DIRECT);
        Direct(options.open(&self.device).unwrap())
    }
}

/// An open disk.
pub(crate) struct Direct(File);

impl Direct {
    pub(crate) fn read(&self, times: u64) {
        let mut page = Page([0; BLOCK]);
        for block in 0..times {
            let offset = block % BLOCKS * BLOCK as u64;
            assert_eq!(self.0.read_at(&mut page.0, offset).unwrap(), BLOCK);
        }
    }

    /// Reads one block, by one request.
    pub(crate) fn read_block(&self, block: u64) -> io::Result<usize> {
        let mut page = Page([0; BLOCK]);
        self.0.read_at(&mut page.0, block * BLOCK as u64)
    }

    pub(crate) fn write(&self, times: u64) {
        let page = Page([7; BLOCK]);
        for block in 0..times {
            let offset = block % BLOCKS * BLOCK as u64;
            assert_eq!(self.0.write_at(&page.0, offset).unwrap(), BLOCK);
        }
    }

    /// Discards so many blocks, by one request; whether the disk can.
    pub(crate) fn discard(&self, blocks: u64) -> bool {
        const BLKDISCARD: libc::Ioctl = 0x1277; // linux/fs.h
        let range = [0, blocks * BLOCK as u64];
        // SAFETY: the kernel reads two numbers.
        let done = unsafe { libc::ioctl(self.0.as_raw_fd(), BLKDISCARD, range.as_ptr()) };
        done == 0
    }

    /// Each is one flush of the disk's own cache.
    pub(crate) fn flush(&self, times: u64) {
        for _ in 0..times {
            self.0.sync_data().unwrap();
        }
    }
}

/// Reads the first block of a disk, by one request.
pub(crate) fn read_one_block(device: &Path) {
    let disk = OpenOptions::new()
        .read(true)
        .custom_flags(O_DIRECT)
        .open(device);
    assert_eq!(Direct(disk.unwrap()).read_block(0).unwrap(), BLOCK);
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Own::Loop(_) = self.own {
            drop(Command::new("losetup").arg("-d").arg(&self.device).status());
        }
    }
}
