// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which CPUs there are, by their numbers: these may have holes, so that a count of CPUs is no bound of them.

use std::fs;
use std::ops::RangeInclusive;

use crate::error::{Error, Kind, Result};

const POSSIBLE: &str = "/sys/devices/system/cpu/possible";
const ONLINE: &str = "/sys/devices/system/cpu/online";

/// One more than the highest number that a CPU can ever have on this machine.
pub(crate) fn end() -> Result<u32> {
    let cpus = read(POSSIBLE)?;
    let highest = cpus.iter().map(RangeInclusive::end).max();
    highest
        .and_then(|highest| highest.checked_add(1))
        .ok_or_else(|| strange(POSSIBLE))
}

/// The numbers of those that run.
pub(crate) fn online() -> Result<Vec<u32>> {
    Ok(read(ONLINE)?.into_iter().flatten().collect())
}

fn read(path: &str) -> Result<Vec<RangeInclusive<u32>>> {
    let text = fs::read_to_string(path).map_err(|error| Error::io(path, &error))?;
    ranges(&text).ok_or_else(|| strange(path))
}

fn strange(path: &str) -> Error {
    Error::new(Kind::Io, format!("{path}: no list of CPUs"))
}

/// A list as the kernel writes it: `0-3,8`. `None` for anything else, and for an empty one.
fn ranges(list: &str) -> Option<Vec<RangeInclusive<u32>>> {
    list.trim_end()
        .split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some(first..=last)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn lists_are_read_with_their_holes() {
        for (list, expected) in [
            ("0\n", vec![0..=0]),
            ("0-3", vec![0..=3]),
            ("0,2-3,128-255\n", vec![0..=0, 2..=3, 128..=255]),
        ] {
            assert_eq!(ranges(list), Some(expected), "{list:?}");
        }
        for list in [
            "",
            "\n",
            "0-",
            "-1",
            "3-0",
            "0,,2",
            "0-1-2",
            "all",
            "4294967296",
        ] {
            assert_eq!(ranges(list), None, "{list:?}");
        }
    }
}
