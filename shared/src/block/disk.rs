// SPDX-License-Identifier: MIT OR Apache-2.0
//! A disk, as requests are told apart by it.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use crate::block::sysfs::Sysfs;
use crate::event::{Cell, Fields, Type, Value};

/// `DISK_WORDS` of `bpf/include/requests.h`.
pub(crate) const WORDS: usize = 8;

/// `DISK_IS_NUMBER` of `bpf/include/requests.h`: the last word of a disk that only its number is known of.
const IS_NUMBER: u32 = u32::MAX;

/// The bits of a device's minor number in the kernel.
const MINOR_BITS: u32 = 20;

/// What a command to a controller is for: its queue has no disk.
pub(crate) const NO_DISK: &str = "no-disk";

/// A disk by the name that the kernel has for it, as in `/sys/block`; where the kernel shows only its number (rung
/// `tracepoint`), by that. [`NONE`](Self::NONE) is none.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Disk([u32; WORDS]);

impl Disk {
    /// What commands to a controller are for.
    pub const NONE: Self = Self([0; WORDS]);

    /// The disk of this name, as `/sys/block` has it; `None` where no disk can have it: it is empty, or longer than 31
    /// bytes.
    pub fn named(name: impl AsRef<OsStr>) -> Option<Self> {
        let name = name.as_ref().as_bytes();
        let mut bytes = [0; WORDS * size_of::<u32>()];
        // The last byte is a NUL.
        if name.is_empty() || name.len() >= bytes.len() || name.contains(&0) {
            return None;
        }
        bytes[..name.len()].copy_from_slice(name);
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_ne_bytes(*bytes);
        }
        Some(Self(words))
    }

    /// The disk that has this number now.
    pub(crate) fn numbered(major: u32, minor: u32) -> Self {
        let mut words = [0; WORDS];
        words[0] = major << MINOR_BITS | minor & ((1 << MINOR_BITS) - 1);
        words[WORDS - 1] = IS_NUMBER;
        Self(words)
    }

    /// The disk of a `struct disk_name` of `bpf/include/requests.h`.
    pub fn from_words(words: [u32; WORDS]) -> Self {
        // A number that is none is no disk.
        if words[WORDS - 1] == IS_NUMBER && words[0] == 0 {
            return Self::NONE;
        }
        Self(words)
    }

    pub(crate) fn words(self) -> [u32; WORDS] {
        self.0
    }

    /// Major and minor number, where they are what is known.
    pub fn numbers(self) -> Option<(u32, u32)> {
        (self.0[WORDS - 1] == IS_NUMBER)
            .then(|| (self.0[0] >> MINOR_BITS, self.0[0] & ((1 << MINOR_BITS) - 1)))
    }

    /// Major and minor number of the disk that has the name now; `None` of one that has none, or shows none.
    pub fn numbers_now(self) -> Option<(u32, u32)> {
        if self == Self::NONE {
            return None;
        }
        let numbers = || Sysfs::default().numbers_of(OsStr::from_bytes(&self.bytes()));
        self.numbers().or_else(numbers)
    }

    /// Its name, as people write it: `nvme0n1`, `cciss/c0d0`; `no-disk` of [`NONE`](Self::NONE). Of a disk that only the
    /// number is known of, the name of the disk that has the number now, or else `major:minor`.
    pub fn name(self) -> String {
        match self.numbers() {
            Some((major, minor)) => Sysfs::default()
                .name_of(major, minor)
                .map_or_else(|| format!("{major}:{minor}"), |name| shown(&name)),
            None if self == Self::NONE => NO_DISK.to_owned(),
            None => shown(OsStr::from_bytes(&self.bytes())),
        }
    }

    /// The name, less what pads it.
    fn bytes(self) -> Vec<u8> {
        let bytes = self.0.into_iter().flat_map(u32::to_ne_bytes);
        bytes.take_while(|byte| *byte != 0).collect()
    }
}

/// A slash in a disk's name, such as cciss/c0d0, is an exclamation mark in sysfs.
fn shown(name: &OsStr) -> String {
    name.to_string_lossy().replace('!', "/")
}

/// Its name, without an allocation where the kernel gave one.
impl Value for Disk {
    const TYPE: Type = String::TYPE;

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        self.with_name(|disk| to.text(name, disk));
    }

    fn show(&self, cell: &mut Cell<'_>) {
        self.with_name(|disk| cell.text(disk));
    }
}

impl Disk {
    fn with_name(self, then: impl FnOnce(&str)) {
        if self.numbers().is_some() {
            return then(&self.name());
        }
        let mut bytes = [0; WORDS * size_of::<u32>()];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(self.0) {
            *bytes = word.to_ne_bytes();
        }
        let name = bytes.split_mut(|byte| *byte == 0).next();
        let name = name.unwrap_or_default();
        for byte in &mut *name {
            *byte = match *byte {
                b'!' => b'/',
                // Drivers give no others.
                byte if byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte) => byte,
                _ => b'?',
            };
        }
        match str::from_utf8(name) {
            Ok(name) if !name.is_empty() => then(name),
            _ => then(NO_DISK),
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.numbers() {
            Some((major, minor)) => write!(f, "Disk({major}:{minor})"),
            None => write!(f, "Disk({:?})", self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Disk, WORDS};

    #[test]
    fn a_name_is_what_the_kernel_has() {
        let disk = Disk::named("nvme1c1n1").unwrap();
        assert_eq!(disk.name(), "nvme1c1n1");
        assert_eq!(disk.numbers(), None);
        assert_eq!(disk.words()[0], u32::from_ne_bytes(*b"nvme"));
        assert_eq!(disk.words()[WORDS - 1], 0);
        assert_eq!(Disk::from_words(disk.words()), disk);
        assert_eq!(Disk::named("cciss!c0d0").unwrap().name(), "cciss/c0d0");
        for bad in ["", "a\0b", &"x".repeat(32)] {
            assert_eq!(Disk::named(bad), None, "{bad:?}");
        }
        // All that the kernel has room for.
        let longest = "x".repeat(31);
        assert_eq!(Disk::named(&longest).unwrap().name(), longest);
    }

    #[test]
    fn a_number_is_the_kernel_s() {
        let disk = Disk::numbered(254, 16);
        assert_eq!(disk.words()[0], 254 << 20 | 16);
        assert_eq!(disk.numbers(), Some((254, 16)));
        // Nothing has this one.
        assert_eq!(Disk::numbered(4095, 1_048_575).name(), "4095:1048575");
    }

    #[test]
    fn a_command_to_a_controller_is_for_no_disk() {
        assert_eq!(Disk::NONE.name(), "no-disk");
        let told = Disk::from_words(Disk::numbered(0, 0).words());
        assert_eq!(told, Disk::NONE);
    }
}
