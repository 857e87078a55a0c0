// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which disks to measure.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use nix::sys::stat::{major, minor};

use crate::block::disk::{Disk, NO_DISK, WORDS};
use crate::block::sysfs::Sysfs;

/// Which disks to measure: all, some, or all but some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disks {
    named: BTreeSet<Disk>,
    excluded: bool,
}

impl Disks {
    /// How many can be named: `DISKS_MOST` of `bpf/include/requests.h`.
    pub const MOST: usize = 64;

    /// These only; of none, all.
    pub fn only(disks: impl IntoIterator<Item = Disk>) -> Self {
        Self {
            named: disks.into_iter().collect(),
            excluded: false,
        }
    }

    /// All but these.
    pub fn all_but(disks: impl IntoIterator<Item = Disk>) -> Self {
        let named: BTreeSet<_> = disks.into_iter().collect();
        Self {
            excluded: !named.is_empty(),
            named,
        }
    }

    /// What is asked for by a list of disks to measure and one of disks to leave out; what is wrong with it in words.
    ///
    /// # Errors
    ///
    /// Where they come to none, or to more than can be named.
    pub fn chosen(
        wanted: impl IntoIterator<Item = Disk>,
        unwanted: impl IntoIterator<Item = Disk>,
    ) -> Result<Self, String> {
        let wanted = Self::only(wanted);
        let unwanted = Self::all_but(unwanted);
        let disks = match (wanted.are_all(), unwanted.are_all()) {
            (true, _) => unwanted,
            (false, true) => wanted,
            (false, false) => {
                let left = Self::only(&wanted.named - &unwanted.named);
                if left.are_all() {
                    return Err("each disk that it names it also excludes".to_owned());
                }
                left
            }
        };
        if disks.named.len() > Self::MOST {
            return Err(format!(
                "{} disks; {} can be named, so exclude the others with '!'",
                disks.named.len(),
                Self::MOST
            ));
        }
        Ok(disks)
    }

    /// Whether no disk is left out.
    pub fn are_all(&self) -> bool {
        self.named.is_empty()
    }

    /// Puts those that are named into places of the knobs of `bpf/include/requests.bpf.h`; gives `disks_named` and
    /// `disks_excluded`.
    pub fn tell<'a>(&self, places: impl Iterator<Item = &'a mut [u32; WORDS]>) -> (u32, bool) {
        let mut named = 0;
        for (place, disk) in places.zip(&self.named) {
            *place = disk.words();
            named += 1;
        }
        (named, self.excluded)
    }

    /// Whether this disk is measured.
    pub fn pass(&self, disk: Disk) -> bool {
        self.are_all() || self.named.contains(&disk) != self.excluded
    }

    /// The same disks by their numbers, for a rung that is told no more; `None` where one shows none.
    pub fn by_number(&self) -> Option<Self> {
        let sysfs = Sysfs::default();
        let numbered = self.named.iter().map(|disk| match disk {
            // Number 0, as the kernel says it.
            &Disk::NONE => Some(Disk::numbered(0, 0)),
            disk => {
                let name = disk.name().replace('/', "!");
                let (major, minor) = sysfs.numbers_of(OsStr::new(&name))?;
                Some(Disk::numbered(major, minor))
            }
        });
        Some(Self {
            named: numbered.collect::<Option<_>>()?,
            excluded: self.excluded,
        })
    }

    /// The sum of what `of` says of each of the disks that are measured and have requests.
    fn sum(&self, of: impl Fn(&Sysfs, &OsStr) -> Option<u64>) -> Option<u64> {
        let sysfs = Sysfs::default();
        let measured = sysfs.disks().into_iter().filter(|name| {
            Disk::named(name).is_some_and(|disk| self.pass(disk)) && sysfs.has_requests(name)
        });
        measured.map(|name| of(&sysfs, &name)).sum()
    }

    /// How many of their requests the kernel counts as handed to a driver and not completed; `None` where it does not
    /// count those of every queue (`queue/iostats` is 0).
    pub fn in_flight(&self) -> Option<u64> {
        self.sum(Sysfs::in_flight)
    }

    /// How many operations of theirs the kernel counts as done, since it started; `None` where it does not count those of
    /// every queue.
    pub fn done(&self) -> Option<u64> {
        self.sum(Sysfs::done)
    }
}

/// The disks that a user means: one, or the hidden paths to an `NVMe` multipath disk.
///
/// # Errors
///
/// What is wrong with the name, and which to use instead.
pub fn meant(name: &OsStr) -> Result<Vec<Disk>, String> {
    meant_in(&Sysfs::default(), name)
}

fn meant_in(sysfs: &Sysfs, name: &OsStr) -> Result<Vec<Disk>, String> {
    if name == NO_DISK {
        return Ok(vec![Disk::NONE]);
    }
    let bytes = name.as_bytes();
    let short = bytes.strip_prefix(b"/dev/").unwrap_or(bytes);
    // A slash in a name, such as cciss/c0d0, is an exclamation mark there.
    let file: Vec<u8> = short
        .iter()
        .map(|byte| if *byte == b'/' { b'!' } else { *byte })
        .collect();
    let file = OsStr::from_bytes(&file);
    if file.is_empty() || file.as_bytes().starts_with(b".") {
        return Err("not the name of a disk".to_owned());
    }
    if sysfs.is_disk(file) {
        return with_requests(sysfs, file);
    }
    // A name that udev gives, such as /dev/mapper/root or /dev/disk/by-id/...
    let device = Path::new("/dev").join(OsStr::from_bytes(short));
    let file = match fs::metadata(&device) {
        Ok(metadata) if metadata.file_type().is_block_device() => {
            let (major, minor) = (major(metadata.rdev()), minor(metadata.rdev()));
            let (Ok(major), Ok(minor)) = (u32::try_from(major), u32::try_from(minor)) else {
                return Err("not the number of a disk".to_owned());
            };
            let named = sysfs.name_of(major, minor);
            named.ok_or_else(|| format!("no disk has the number {major}:{minor}"))?
        }
        Ok(_) => return Err(format!("{} is not a disk", device.display())),
        Err(_) => file.to_owned(),
    };
    if let Some(disk) = sysfs.disk_of_partition(&file) {
        return Err(format!(
            "{} is a partition; requests are those of its disk, {}",
            file.display(),
            disk.display()
        ));
    }
    if !sysfs.is_disk(&file) {
        return Err("there is no such disk in /sys/block".to_owned());
    }
    with_requests(sysfs, &file)
}

/// The disk of this name in sysfs, or what stands for it.
fn with_requests(sysfs: &Sysfs, name: &OsStr) -> Result<Vec<Disk>, String> {
    let disk = |name: &OsStr| Disk::named(name).ok_or_else(|| "not the name of a disk".to_owned());
    if sysfs.has_requests(name) {
        return Ok(vec![disk(name)?]);
    }
    let paths = sysfs.paths_of(name);
    if !paths.is_empty() {
        return paths.iter().map(|path| disk(path)).collect();
    }
    let below = sysfs.below_of(name);
    let shown = name.display();
    if below.is_empty() {
        return Err(format!(
            "{shown} has no requests: its driver answers what it is given at once, and nothing here can measure that"
        ));
    }
    let below: Vec<_> = below
        .iter()
        .map(|name| name.display().to_string())
        .collect();
    Err(format!(
        "{shown} has no requests of its own: what it is given becomes requests of {}; for those: --disk {}",
        below.join(" and "),
        below.join(",")
    ))
}

#[cfg(test)]
mod tests;
