// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file in which functions are hooked: it is looked at once, and what was looked at is what is hooked.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, fstatfs};
use object::{Architecture, Object, ObjectKind, ObjectSegment, ObjectSymbol, SymbolKind};

use crate::symbols::elf;
use crate::symbols::maps::Handle;
use crate::text::escape;
use crate::text::near::near;

/// A file with functions that are to be hooked.
#[derive(Debug)]
pub struct Target {
    file: File,
    identity: Identity,
    /// As a user knows it.
    name: PathBuf,
    /// Each function that it has, and where in the file that begins.
    functions: Vec<(&'static str, usize)>,
}

/// Why functions cannot be hooked in a file.
#[derive(Debug)]
pub enum Unfit {
    /// It cannot be opened or read.
    Unread(io::Error),
    /// It is no program and no library.
    NotElf,
    /// It is for another machine than this one, which runs such programs or does not.
    OtherMachine(String),
    /// It has none of the functions; these are close by name.
    NoFunction(Vec<String>),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(error) => error.fmt(f),
            Self::NotElf => f.write_str("neither a program nor a library (not ELF)"),
            Self::OtherMachine(machine) => write!(f, "for another machine ({machine})"),
            Self::NoFunction(_) => f.write_str("has none of the functions"),
        }
    }
}

impl Target {
    /// The file at this path, if it has any of these functions.
    ///
    /// # Errors
    ///
    /// Why nothing can be hooked in it.
    pub fn open(path: &Path, functions: &[&'static str]) -> Result<Self, Unfit> {
        let file = Handle::of(path).and_then(|handle| handle.open());
        Self::of(file.map_err(Unfit::Unread)?, path, functions)
    }

    /// A file that is open, and called so.
    pub(super) fn of(file: File, name: &Path, functions: &[&'static str]) -> Result<Self, Unfit> {
        let identity = Identity::of(&file).map_err(Unfit::Unread)?;
        let functions = elf::with(&file, |elf| find(elf, functions)).ok_or(Unfit::NotElf)??;
        Ok(Self {
            file,
            identity,
            name: name.to_owned(),
            functions,
        })
    }

    /// Where a function is: the places in the file that it begins at. Several versions of one may be in a library.
    pub fn places(&self, function: &str) -> impl Iterator<Item = usize> {
        let found = self
            .functions
            .iter()
            .filter(move |(name, _)| *name == function);
        found.map(|(_, place)| *place)
    }

    /// The path by which the kernel finds the file that was looked at, whatever has become of the path that it had.
    pub fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }

    /// Whether both are the same file to the kernel.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.identity.is_same(&other.identity)
    }
}

/// The file, and what is hooked in it: `/usr/lib/libc.so.6 (getaddrinfo, gethostbyname)`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = escaped(self.name.as_os_str().as_bytes());
        let functions: BTreeSet<_> = self.functions.iter().map(|(name, _)| *name).collect();
        let functions: Vec<_> = functions.into_iter().collect();
        write!(f, "{name} ({})", functions.join(", "))
    }
}

/// A name that somebody else gave, for a message.
fn escaped(name: &[u8]) -> String {
    let mut text = Vec::new();
    escape::text(&mut text, name);
    String::from_utf8_lossy(&text).into_owned()
}

/// What tells files apart as the kernel does that hooks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
    /// When it was last changed: its inode, and what is in it.
    changed: [(i64, i64); 2],
    /// It is seen through a file system that shows another one's.
    overlaid: bool,
}

impl Identity {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            changed: [
                (metadata.ctime(), metadata.ctime_nsec()),
                (metadata.mtime(), metadata.mtime_nsec()),
            ],
            overlaid: fstatfs(file)?.filesystem_type() == OVERLAYFS_SUPER_MAGIC,
        })
    }

    /// Containers see a file of an image that they share each by numbers of its own, and the kernel hooks the one that is
    /// below (`d_real_inode()` of `create_local_trace_uprobe()`): by each of them once. Such a file is known by its times.
    fn is_same(&self, other: &Self) -> bool {
        let by_number = self.device == other.device && self.inode == other.inode;
        let by_time = self.bytes == other.bytes && self.changed == other.changed;
        by_number || by_time && (self.overlaid || other.overlaid)
    }
}

/// The functions that an ELF file has of these, and where they begin.
fn find<'a>(
    elf: &impl Object<'a>,
    functions: &[&'static str],
) -> Result<Vec<(&'static str, usize)>, Unfit> {
    if !matches!(elf.kind(), ObjectKind::Executable | ObjectKind::Dynamic) {
        return Err(Unfit::NotElf);
    }
    let machine = elf.architecture();
    if Some(machine) != own() || elf.is_little_endian() != cfg!(target_endian = "little") {
        return Err(Unfit::OtherMachine(format!("{machine:?}")));
    }
    let place = |address: u64| {
        elf.segments().find_map(|segment| {
            let into = address.checked_sub(segment.address())?;
            let (start, bytes) = segment.file_range();
            usize::try_from((into < bytes).then(|| start + into)?).ok()
        })
    };
    let (mut found, mut others) = (BTreeSet::new(), BTreeSet::new());
    for symbol in elf.dynamic_symbols().chain(elf.symbols()) {
        if symbol.kind() != SymbolKind::Text || !symbol.is_definition() {
            continue;
        }
        let Ok(name) = symbol.name() else { continue };
        match functions.iter().find(|function| **function == name) {
            Some(function) => found.extend(place(symbol.address()).map(|place| (*function, place))),
            None => _ = others.insert(name.to_owned()),
        }
    }
    if found.is_empty() {
        let others = || others.iter().map(String::as_bytes);
        let near = functions
            .iter()
            .flat_map(|function| near(function.as_bytes(), others()));
        let near: BTreeSet<_> = near.map(escaped).collect();
        return Err(Unfit::NoFunction(near.into_iter().collect()));
    }
    Ok(found.into_iter().collect())
}

/// What files for this machine are for. Those for its 32-bit programs are others: their arguments are elsewhere.
fn own() -> Option<Architecture> {
    Some(match std::env::consts::ARCH {
        "x86_64" => Architecture::X86_64,
        "aarch64" => Architecture::Aarch64,
        "riscv64" => Architecture::Riscv64,
        "powerpc64" => Architecture::PowerPc64,
        "s390x" => Architecture::S390x,
        "loongarch64" => Architecture::LoongArch64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
