// SPDX-License-Identifier: MIT OR Apache-2.0
//! An excerpt of the kernel's types that has only what an object's programs name.
//!
//! libbpf looks each type that a program names up among all of the kernel's, 130,000 of them, which takes 0.7 ms a
//! name. Here all are found in one pass, and libbpf is given an excerpt of some hundred types instead (as bpftool's
//! `gen min_core_btf` makes one ahead of time). What is in it:
//!
//! - each type of a wanted name, with its members, and what lies in it by value, to any depth: a relocation goes that
//!   far, and what it names may lie in a member of another type in another kernel;
//! - behind a pointer nothing: a relocation ends there. Only where it is asked whether the kernel has a type at all is
//!   what a pointer points to compared, and so kept, by name and size.
//!
//! The form is that of Documentation/bpf/btf.rst.

mod reader;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::memfd::{MFdFlags, memfd_create};

use self::reader::{Kind, Reader, Type};

/// The types that a program names, in functions that it calls too, and of each whether what its pointers point to matters
/// as well. Build scripts make the lists (`tracewell_bpf::build`).
pub type Named = [(&'static str, bool)];

/// The names of the types that relocations start from; with `true` where what their pointers point to is compared as
/// well.
type Roots = BTreeMap<&'static str, bool>;

/// So many names libbpf finds in the time that an excerpt takes, where it reads all of the kernel's types in any case
/// (measured on 6.18).
const FEW: usize = 3;

/// The roots of the programs that name these.
fn roots(named: impl Iterator<Item = &'static Named>) -> Roots {
    let mut roots = Roots::new();
    for (name, pointees) in named.flatten() {
        *roots.entry(*name).or_default() |= *pointees;
    }
    roots
}

/// What is kept of a type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Kept {
    /// Its members, and theirs.
    members: bool,
    /// What its pointers point to.
    pointees: bool,
}

impl Kept {
    const MEMBERS: Self = Self {
        members: true,
        pointees: false,
    };
    const POINTEES: Self = Self {
        members: false,
        pointees: true,
    };

    /// Adds what `other` keeps; whether that is more than before.
    fn add(&mut self, other: Self) -> bool {
        let before = *self;
        self.members |= other.members;
        self.pointees |= other.pointees;
        *self != before
    }
}

/// An excerpt in a file without a name, for libbpf to read by its path.
#[derive(Debug)]
pub(crate) struct MinimalBtf {
    file: OwnedFd,
}

impl MinimalBtf {
    /// The excerpt of `btf` for programs that name these types. `None` where libbpf shall find its own way: for few types
    /// where it reads all of them in any case (`typed`: a program is attached by the kernel's types), and where the
    /// excerpt cannot be made, as of a form that came later.
    pub(crate) fn of(
        btf: &[u8],
        named: impl Iterator<Item = &'static Named>,
        typed: bool,
    ) -> Option<Self> {
        let roots = roots(named);
        if roots.is_empty() || (typed && roots.len() < FEW) {
            return None;
        }
        let excerpt = excerpt(btf, &roots)?;
        let fd = memfd_create(c"btf", MFdFlags::MFD_CLOEXEC).ok()?;
        let mut file = File::from(fd);
        file.write_all(&excerpt).ok()?;
        Some(Self { file: file.into() })
    }

    /// Where libbpf finds it, as long as this lives; `None` without procfs.
    pub(crate) fn path(&self) -> Option<CString> {
        let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        std::path::Path::new(&path).exists().then_some(())?;
        CString::new(path).ok()
    }
}

/// The bytes of an excerpt.
fn excerpt(btf: &[u8], roots: &Roots) -> Option<Vec<u8>> {
    let wanted = Wanted::new(roots);
    let mut open = Vec::new();
    let reader = Reader::new(btf, |id, found, strings| {
        if !found.kind.is_named_data() {
            return;
        }
        if let Some(pointees) = wanted.has(strings) {
            let members = true;
            open.push((id, Kept { members, pointees }));
        }
    })?;
    let kept = kept(&reader, open)?;
    let numbers: HashMap<u32, u32> = kept.keys().copied().zip(1..).collect();
    let mut writer = Writer::new(&reader, &numbers);
    for (&id, &kept) in &kept {
        writer.write(&reader.get(id)?, kept)?;
    }
    Some(writer.finish())
}

/// The names of the roots, to be found among some 60,000.
struct Wanted<'a> {
    roots: &'a Roots,
    /// Whether a name that begins with bytes of this mark may be one of them. Nearly all others end here.
    marked: [bool; 256],
}

impl<'a> Wanted<'a> {
    fn new(roots: &'a Roots) -> Self {
        let mut marked = [false; 256];
        for name in roots.keys() {
            let ended = [name.as_bytes(), b"\0\0\0"].concat();
            if let Some(mark) = mark(&ended) {
                marked[mark] = true;
            }
        }
        Self { roots, marked }
    }

    /// Whether the string that `strings` begins with is a root's name, and then whether its pointees are compared.
    fn has(&self, strings: &[u8]) -> Option<bool> {
        if !self.marked[mark(strings)?] {
            return None;
        }
        let root = self.roots.iter().find(|(name, _)| {
            let behind = strings.strip_prefix(name.as_bytes());
            behind.is_some_and(|behind| behind.first() == Some(&0))
        });
        root.map(|(_, pointees)| *pointees)
    }
}

/// A byte made of the first three of a string, with its end where it is shorter.
fn mark(strings: &[u8]) -> Option<usize> {
    let &[first, second, third] = strings.first_chunk()?;
    // What comes behind the end is another string.
    let third = if second == 0 { 0 } else { third };
    let mixed = u32::from_ne_bytes([first, second, third, 0]).wrapping_mul(0x9e37_79b1);
    Some((mixed >> 24) as usize)
}

/// The types that are kept, by their number: what is wanted, and what that takes.
fn kept(reader: &Reader<'_>, mut open: Vec<(u32, Kept)>) -> Option<BTreeMap<u32, Kept>> {
    let mut kept = BTreeMap::new();
    while let Some((id, wish)) = open.pop() {
        // Number 0 is void.
        if id == 0 || !kept.entry(id).or_insert_with(Kept::default).add(wish) {
            continue;
        }
        let kept = kept[&id];
        let found = reader.get(id)?;
        match found.kind {
            Kind::Pointer if kept.pointees => open.push((found.refers, Kept::POINTEES)),
            Kind::Pointer => {}
            Kind::Alias => open.push((found.refers, kept)),
            Kind::Array => {
                let (element, index) = found.array()?;
                open.extend([(element, kept), (index, Kept::MEMBERS)]);
            }
            Kind::Composite if kept.members => {
                open.extend(found.members().map(|member| (member.of, Kept::MEMBERS)));
            }
            Kind::Prototype if kept.pointees => {
                open.push((found.refers, Kept::POINTEES));
                open.extend(found.parameters().map(|of| (of, Kept::POINTEES)));
            }
            Kind::Composite | Kind::Prototype | Kind::Plain | Kind::Enum | Kind::Other => {}
        }
    }
    Some(kept)
}

/// Puts an excerpt together.
struct Writer<'a> {
    reader: &'a Reader<'a>,
    numbers: &'a HashMap<u32, u32>,
    types: Vec<u8>,
    strings: Vec<u8>,
    placed: HashMap<u32, u32>,
}

impl<'a> Writer<'a> {
    fn new(reader: &'a Reader<'a>, numbers: &'a HashMap<u32, u32>) -> Self {
        Self {
            reader,
            numbers,
            types: Vec::new(),
            // The first string is the empty one.
            strings: vec![0],
            placed: HashMap::from([(0, 0)]),
        }
    }

    fn word(&mut self, word: u32) {
        self.types.extend(word.to_ne_bytes());
    }

    /// Where the kernel's name stands in the excerpt.
    fn name(&mut self, offset: u32) -> Option<u32> {
        if let Some(placed) = self.placed.get(&offset) {
            return Some(*placed);
        }
        let at = u32::try_from(self.strings.len()).ok()?;
        self.strings.extend(self.reader.name(offset)?);
        self.strings.push(0);
        self.placed.insert(offset, at);
        Some(at)
    }

    /// The number of a type here; void where it is not kept.
    fn number(&self, id: u32) -> u32 {
        self.numbers.get(&id).copied().unwrap_or(0)
    }

    fn write(&mut self, found: &Type<'_>, kept: Kept) -> Option<()> {
        let name = self.name(found.name)?;
        self.word(name);
        match found.kind {
            Kind::Plain | Kind::Enum => {
                self.word(found.info);
                self.word(found.refers);
                if found.kind == Kind::Plain {
                    self.types.extend(found.behind);
                } else {
                    self.enumerators(found)?;
                }
            }
            Kind::Pointer => {
                self.word(found.info);
                let to = if kept.pointees { found.refers } else { 0 };
                self.word(self.number(to));
            }
            Kind::Alias => {
                self.word(found.info);
                self.word(self.number(found.refers));
            }
            Kind::Array => {
                let (element, index) = found.array()?;
                self.word(found.info);
                self.word(0);
                self.word(self.number(element));
                self.word(self.number(index));
                self.types.extend(found.behind.get(8..12)?);
            }
            Kind::Composite if kept.members => {
                self.word(found.info);
                self.word(found.refers);
                for member in found.members() {
                    let name = self.name(member.name)?;
                    self.word(name);
                    self.word(self.number(member.of));
                    self.word(member.offset);
                }
            }
            // Its name and its size.
            Kind::Composite => {
                self.word(found.without_members());
                self.word(found.refers);
            }
            Kind::Prototype if kept.pointees => {
                self.word(found.info);
                self.word(self.number(found.refers));
                for of in found.parameters() {
                    self.word(0);
                    self.word(self.number(of));
                }
            }
            Kind::Prototype => {
                self.word(found.without_members());
                self.word(0);
            }
            Kind::Other => return None,
        }
        Some(())
    }

    fn enumerators(&mut self, found: &Type<'_>) -> Option<()> {
        for enumerator in found.enumerators() {
            let (name, value) = enumerator.split_first_chunk()?;
            let name = self.name(u32::from_ne_bytes(*name))?;
            self.word(name);
            self.types.extend(value);
        }
        Some(())
    }

    fn finish(self) -> Vec<u8> {
        reader::with_header(&self.types, &self.strings)
    }
}
