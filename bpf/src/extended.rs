// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sections `.BTF` and `.BTF.ext`: CO-RE relocations, and the names of the types that they start from.
//!
//! They have the forms of Documentation/bpf/btf.rst and `struct bpf_core_relo` (linux/bpf.h).

use object::Endianness;

/// One of an instruction.
pub(crate) struct Relocation {
    /// Where the name of its section stands among the strings.
    pub(crate) section: u32,
    /// The bytes of the section before the instruction.
    pub(crate) at: u32,
    pub(crate) type_id: u32,
    pub(crate) kind: Kind,
}

/// `enum bpf_core_relo_kind`, by what is looked at in the kernel's types.
pub(crate) enum Kind {
    OfField,
    OfEnum,
    /// Whether there is such a type, and its size.
    OfType,
    /// Of the object's own types.
    Local,
    Unknown(u32),
}

impl From<u32> for Kind {
    fn from(kind: u32) -> Self {
        match kind {
            0..=5 => Self::OfField,
            6 => Self::Local,
            8 | 9 => Self::OfType,
            10 | 11 => Self::OfEnum,
            // 7 is the number of a type in the kernel, 12 whether a type is like the kernel's in all its members.
            unknown => Self::Unknown(unknown),
        }
    }
}

pub(crate) fn word(bytes: &[u8], at: usize, endian: Endianness) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(match endian {
        Endianness::Little => u32::from_le_bytes(bytes),
        Endianness::Big => u32::from_be_bytes(bytes),
    })
}

fn position(bytes: &[u8], at: usize, endian: Endianness) -> Option<usize> {
    word(bytes, at, endian)?.try_into().ok()
}

pub(crate) fn relocations(extended: &[u8], endian: Endianness) -> Option<Vec<Relocation>> {
    let word = |at| word(extended, at, endian);
    let header = position(extended, 4, endian)?;
    let mut at = header.checked_add(position(extended, 24, endian)?)?;
    let end = at.checked_add(position(extended, 28, endian)?)?;
    let mut all = Vec::new();
    if at == end {
        return Some(all);
    }
    let record = position(extended, at, endian)?;
    at += 4;
    // For each section of programs: its name, a count, the records.
    while at < end {
        let (section, count) = (word(at)?, position(extended, at + 4, endian)?);
        at += 8;
        for _ in 0..count {
            all.push(Relocation {
                section,
                at: word(at)?,
                type_id: word(at + 4)?,
                kind: word(at + 12)?.into(),
            });
            at += record;
        }
    }
    Some(all)
}

/// The names of the object's own types.
pub(crate) struct LocalTypes<'a> {
    names: Vec<&'a str>,
    strings: &'a [u8],
}

impl<'a> LocalTypes<'a> {
    pub(crate) fn parse(btf: &'a [u8], endian: Endianness) -> Option<Self> {
        let header = position(btf, 4, endian)?;
        let of = |field| {
            Some((
                position(btf, field, endian)?,
                position(btf, field + 4, endian)?,
            ))
        };
        let ((types, types_bytes), (strings, strings_bytes)) = (of(8)?, of(16)?);
        let strings = btf.get(header + strings..header + strings + strings_bytes)?;
        let (mut at, end) = (header + types, header + types + types_bytes);
        // The number 0 is void.
        let mut names = vec![""];
        while at < end {
            names.push(string_at(strings, word(btf, at, endian)?)?);
            at += 12 + behind(word(btf, at + 4, endian)?)?;
        }
        Some(Self { names, strings })
    }

    pub(crate) fn string(&self, at: u32) -> Option<&'a str> {
        string_at(self.strings, at)
    }

    pub(crate) fn name(&self, id: u32) -> Option<&'a str> {
        self.names.get(usize::try_from(id).ok()?).copied()
    }
}

fn string_at(strings: &[u8], at: u32) -> Option<&str> {
    let from = strings.get(usize::try_from(at).ok()?..)?;
    std::str::from_utf8(from.split(|byte| *byte == 0).next()?).ok()
}

/// The bytes that follow the common part of a type with this `info`.
fn behind(info: u32) -> Option<usize> {
    let members = (info & 0xffff) as usize;
    Some(match info >> 24 & 0x1f {
        // Pointers, forward declarations, typedefs, volatile, const, restrict, functions, floats, type tags.
        2 | 7..=12 | 16 | 18 => 0,
        // Integers, variables, declaration tags.
        1 | 14 | 17 => 4,
        // Arrays.
        3 => 12,
        // Structures, unions, sections of data, 64-bit enums.
        4 | 5 | 15 | 19 => 12 * members,
        // Enums, prototypes.
        6 | 13 => 8 * members,
        _ => return None,
    })
}
