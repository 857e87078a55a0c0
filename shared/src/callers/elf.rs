// SPDX-License-Identifier: MIT OR Apache-2.0
//! A function's name, from the symbol tables of an ELF file.
//!
//! The file belongs to whoever is traced, and may be anything.

use std::cmp::Reverse;
use std::fs::File;
use std::os::unix::fs::MetadataExt;

use object::{Object, ObjectSegment, ObjectSymbol, SymbolKind};

use super::name;
use crate::symbols::elf;

/// A file as it was at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
    bytes: u64,
    /// When it was last changed.
    changed: (i64, i64),
}

impl FileId {
    pub(super) fn of(file: &File) -> Option<Self> {
        let metadata = file.metadata().ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// What is at a position of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The function's name, for people.
    pub(super) symbol: Option<Box<[u8]>>,
    /// From the function's start; without a symbol, the address in the file's own count.
    pub(super) offset: u64,
}

/// What is at this position; `None` where the file has no code there, or is not ELF.
pub(super) fn find(file: &File, at: u64) -> Option<Place> {
    elf::with(file, |elf| place(elf, at))?
}

fn place<'a>(elf: &impl Object<'a>, at: u64) -> Option<Place> {
    let address = elf.segments().find_map(|segment| {
        let (start, bytes) = segment.file_range();
        let into = at.checked_sub(start).filter(|into| *into < bytes)?;
        segment.address().checked_add(into)
    })?;
    // Of several names for one place: the innermost, a public one, a short one.
    let best = elf
        .symbols()
        .chain(elf.dynamic_symbols())
        .filter(|symbol| {
            let into = address.checked_sub(symbol.address());
            symbol.kind() == SymbolKind::Text
                && symbol.is_definition()
                && into.is_some_and(|into| into < symbol.size())
        })
        .filter_map(|symbol| {
            Some((
                symbol.address(),
                symbol.is_local(),
                symbol.name_bytes().ok()?,
            ))
        })
        .filter(|(_, _, name)| !name.is_empty())
        .min_by_key(|(start, local, name)| (Reverse(*start), *local, name.len(), *name));
    Some(match best {
        Some((start, _, name)) => Place {
            symbol: Some(name::readable(name)),
            offset: address - start,
        },
        None => Place {
            symbol: None,
            offset: address,
        },
    })
}

#[cfg(test)]
mod tests;
