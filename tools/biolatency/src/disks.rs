// SPDX-License-Identifier: MIT OR Apache-2.0
//! Disks by number and by name.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The bits of a device's minor number in the kernel.
const MINOR_BITS: u32 = 20;

/// A disk's device number, as the kernel has it: `major << 20 | minor`. 0 is none, as a queue of commands to a
/// controller has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Disk(pub u32);

impl Disk {
    /// The disk of this name, as `/sys/block` has it; with or without `/dev/` before it.
    ///
    /// # Errors
    ///
    /// What is wrong with the name.
    pub fn named(name: &OsStr) -> Result<Self, String> {
        let bytes = name.as_bytes();
        let bytes = bytes.strip_prefix(b"/dev/").unwrap_or(bytes);
        // A slash in a name, such as cciss/c0d0, is an exclamation mark there.
        let file: Vec<u8> = bytes
            .iter()
            .map(|byte| if *byte == b'/' { b'!' } else { *byte })
            .collect();
        if file.is_empty() || file.starts_with(b".") {
            return Err("not the name of a disk".to_owned());
        }
        let file = OsStr::from_bytes(&file);
        let numbers = match fs::read_to_string(Path::new("/sys/block").join(file).join("dev")) {
            Ok(numbers) => numbers,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(no_such_disk(file));
            }
            Err(error) => return Err(error.to_string()),
        };
        parse(&numbers).ok_or_else(|| format!("not a device number: {numbers}"))
    }

    /// Its major and minor number.
    pub fn numbers(self) -> (u32, u32) {
        (self.0 >> MINOR_BITS, self.0 & ((1 << MINOR_BITS) - 1))
    }

    /// Its name; `None` where there is no such disk any more.
    pub fn name(self) -> Option<String> {
        let (major, minor) = self.numbers();
        let link = fs::read_link(format!("/sys/dev/block/{major}:{minor}")).ok()?;
        Some(link.file_name()?.to_string_lossy().replace('!', "/"))
    }
}

/// How many requests of this disk, or of all, the kernel counts as handed to a driver and not completed; `None` where it
/// does not count those of every queue (`queue/iostats` is 0).
pub(crate) fn in_flight(disk: Option<Disk>) -> Option<u64> {
    match disk {
        Some(disk) => {
            let (major, minor) = disk.numbers();
            in_flight_of(&PathBuf::from(format!("/sys/dev/block/{major}:{minor}")))
        }
        None => {
            let disks = fs::read_dir("/sys/block").ok()?;
            disks.map(|disk| in_flight_of(&disk.ok()?.path())).sum()
        }
    }
}

/// Of one disk's directory in sysfs.
fn in_flight_of(disk: &Path) -> Option<u64> {
    let counted = fs::read_to_string(disk.join("queue/iostats")).ok()?;
    // Reads and writes.
    let numbers = fs::read_to_string(disk.join("inflight")).ok()?;
    let numbers = numbers
        .split_whitespace()
        .map(|word| word.parse::<u64>().ok());
    match numbers.sum() {
        Some(sum) if counted.trim() != "0" => Some(sum),
        _ => None,
    }
}

fn no_such_disk(name: &OsStr) -> String {
    let partition = Path::new("/sys/class/block").join(name).join("partition");
    if partition.exists() {
        return "a partition; requests are those of its disk".to_owned();
    }
    "there is no such disk in /sys/block".to_owned()
}

fn parse(numbers: &str) -> Option<Disk> {
    let (major, minor) = numbers.trim().split_once(':')?;
    let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    (minor < 1 << MINOR_BITS).then_some(Disk(major << MINOR_BITS | minor))
}

#[cfg(test)]
mod tests {
    use super::{Disk, parse};
    use std::ffi::OsStr;

    #[test]
    fn numbers_are_the_kernel_s() {
        let disk = parse("254:16\n").unwrap();
        assert_eq!(disk, Disk(254 << 20 | 16));
        assert_eq!(disk.numbers(), (254, 16));
        for bad in ["", "254", "a:b", "1:1048576"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_that_are_no_disk_s_are_told() {
        for bad in ["", ".", "..", "/dev/", "no such disk", "../../etc"] {
            assert!(Disk::named(OsStr::new(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_disk_that_is_there_has_its_name() {
        for entry in std::fs::read_dir("/sys/block").into_iter().flatten() {
            let name = entry.unwrap().file_name();
            let disk = Disk::named(&name).unwrap();
            assert_eq!(
                disk.name().unwrap(),
                name.to_string_lossy().replace('!', "/")
            );
        }
    }
}
