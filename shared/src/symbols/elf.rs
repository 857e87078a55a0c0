// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file of which only so much is read, as ELF.

use std::cell::Cell;
use std::fs::File;
use std::ops::Range;

use object::read::{ReadCache, ReadRef};

/// So much of a file is read at most: the tables of the largest programs.
pub(crate) const BYTES_MAX: u64 = 128 << 20;

/// Runs `then` on what the file has in it; `None` where it is not ELF.
pub(crate) fn with<R>(
    file: &File,
    then: impl for<'a> FnOnce(&object::File<'a, Bounded<'a>>) -> R,
) -> Option<R> {
    let cache = ReadCache::new(file);
    let left = Cell::new(BYTES_MAX);
    let elf = object::File::parse(Bounded {
        cache: &cache,
        left: &left,
    });
    elf.ok().map(|elf| then(&elf))
}

/// A file of which only so much is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounded<'a> {
    cache: &'a ReadCache<&'a File>,
    left: &'a Cell<u64>,
}

impl Bounded<'_> {
    fn spend(&self, bytes: u64) -> Result<(), ()> {
        self.left.set(self.left.get().checked_sub(bytes).ok_or(())?);
        Ok(())
    }
}

impl<'a> ReadRef<'a> for Bounded<'a> {
    fn len(self) -> Result<u64, ()> {
        self.cache.len()
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        self.spend(size)?;
        self.cache.read_bytes_at(offset, size)
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        let bytes = self.cache.read_bytes_at_until(range, delimiter)?;
        self.spend(bytes.len() as u64)?;
        Ok(bytes)
    }
}
