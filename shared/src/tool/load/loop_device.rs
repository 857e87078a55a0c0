// SPDX-License-Identifier: MIT OR Apache-2.0
//! A disk that nobody else uses: a loop device of a file. See loop(4).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;

nix::ioctl_none_bad!(get_free, 0x4c82); // LOOP_CTL_GET_FREE
nix::ioctl_write_int_bad!(set_fd, 0x4c00); // LOOP_SET_FD
nix::ioctl_write_ptr_bad!(set_status, 0x4c04, Status); // LOOP_SET_STATUS64

/// `LO_FLAGS_AUTOCLEAR`: it goes with the last who has it open, however that ends.
const AUTOCLEAR: u32 = 4;

/// `struct loop_info64` of `linux/loop.h`: of 58 words, one is to be set.
#[repr(C)]
struct Status {
    before: [u32; 13],
    flags: u32,
    after: [u32; 44],
}

const _: () = assert!(size_of::<Status>() == 232);

/// Gives out loop devices.
const CONTROL: &str = "/dev/loop-control";

/// What one request reads or writes.
const BLOCK: usize = 4096;

/// How many blocks there are.
const BLOCKS: u64 = 256;

/// Others may take the number that was free.
const TRIES: u32 = 10;

#[repr(align(4096))]
struct Page([u8; BLOCK]);

/// The disk, open past the page cache, so that each read and write is one request.
pub(crate) struct LoopDevice {
    name: String,
    file: File,
    page: Box<Page>,
}

impl LoopDevice {
    /// Of a file that is made in this directory.
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        let image = directory.join("disk");
        // Written, not only sized: some file systems read holes without asking a disk, and none minds.
        fs::write(&image, vec![0; BLOCK * BLOCKS as usize])?;
        let image = OpenOptions::new().read(true).write(true).open(image)?;
        if !Path::new(CONTROL).exists() {
            // A module that nothing has asked for yet. That there is none is told below.
            let mut modprobe = Command::new("modprobe");
            let quiet = modprobe.stdout(Stdio::null()).stderr(Stdio::null());
            drop(quiet.args(["-q", "loop"]).status());
        }
        let control = OpenOptions::new().read(true).write(true).open(CONTROL)?;
        for _ in 0..TRIES {
            // SAFETY: it takes no argument.
            let number = unsafe { get_free(control.as_raw_fd()) }?;
            let name = format!("loop{number}");
            let mut options = OpenOptions::new();
            options.read(true).write(true).custom_flags(libc::O_DIRECT);
            let file = options.open(Path::new("/dev").join(&name))?;
            // SAFETY: both are open files.
            match unsafe { set_fd(file.as_raw_fd(), image.as_raw_fd()) } {
                Err(Errno::EBUSY) => continue,
                set => set?,
            };
            let status = Status {
                before: [0; 13],
                flags: AUTOCLEAR,
                after: [0; 44],
            };
            // SAFETY: the kernel reads a structure of this layout.
            unsafe { set_status(file.as_raw_fd(), &raw const status) }?;
            return Ok(Self {
                name,
                file,
                page: Box::new(Page([0; BLOCK])),
            });
        }
        Err(Errno::EBUSY.into())
    }

    /// As `/sys/block` has it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Reads or writes one block.
    pub(crate) fn request(&mut self, number: u64, write: bool) -> io::Result<()> {
        let offset = number % BLOCKS * BLOCK as u64;
        if write {
            self.file.write_all_at(&self.page.0, offset)
        } else {
            self.file.read_exact_at(&mut self.page.0, offset)
        }
    }
}
