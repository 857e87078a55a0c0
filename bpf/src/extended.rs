// SPDX-License-Identifier: MIT OR Apache-2.0
//! The section `.BTF.ext`: what is known of single instructions. Read and written.
//!
//! It has the form of Documentation/bpf/btf.rst; a relocation is a `struct bpf_core_relo` (linux/bpf.h).

use object::Endianness;

use crate::btf::{Btf, Id, Reader, Writer};

const HEADER_BYTES: u32 = 32;

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extended {
    /// Where each function begins, and its type.
    pub(crate) functions: Vec<Part<Function>>,
    /// Which line of the source the instructions come from.
    pub(crate) lines: Vec<Part<Line>>,
    /// What the kernel's types decide.
    pub(crate) relocations: Vec<Part<Relocation>>,
}

/// What is known of one section of programs.
#[derive(Debug, Clone)]
pub(crate) struct Part<T> {
    pub(crate) section: String,
    pub(crate) records: Vec<T>,
}

/// A function's first instruction: the bytes of the section before it.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) at: u32,
    pub(crate) of: Id,
}

/// A line of source.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) at: u32,
    pub(crate) file: String,
    pub(crate) text: String,
    /// Line and column.
    pub(crate) place: u32,
}

/// One of an instruction.
#[derive(Debug, Clone)]
pub(crate) struct Relocation {
    pub(crate) at: u32,
    pub(crate) of: Id,
    /// Places of members, from the type inwards, or that of an enumerator: `0:4:2`.
    pub(crate) access: String,
    pub(crate) number: u32,
}

/// `enum bpf_core_relo_kind`, by what is looked at in the kernel's types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    OfField,
    OfEnum,
    /// Whether there is such a type, and its size.
    OfType,
    /// Of the object's own types.
    Local,
    Unknown,
}

impl Relocation {
    pub(crate) fn kind(&self) -> Kind {
        match self.number {
            0..=5 => Kind::OfField,
            6 => Kind::Local,
            8 | 9 => Kind::OfType,
            10 | 11 => Kind::OfEnum,
            // 7 is the number of a type in the kernel, 12 whether a type is like the kernel's in all its members.
            _ => Kind::Unknown,
        }
    }

    /// The places of the access, without the first, which is that of an element of an array of the type.
    pub(crate) fn places(&self) -> Option<Vec<usize>> {
        let places = self.access.split(':').map(|place| place.parse().ok());
        places.collect()
    }
}

impl Extended {
    /// `None` for a section that is cut, or names strings that are not there.
    pub(crate) fn parse(bytes: &[u8], btf: &Btf, endian: Endianness) -> Option<Self> {
        let mut header = Reader::new(bytes, endian);
        let (_, header_bytes) = (header.word()?, header.word()? as usize);
        let mut part = || {
            let (at, length) = (header.word()? as usize, header.word()? as usize);
            let from = header_bytes.checked_add(at)?;
            let part = bytes.get(from..from.checked_add(length)?)?;
            Some(Reader::new(part, endian))
        };
        let text = |from: &mut Reader<'_>| {
            let at = from.word()?;
            btf.string(at).map(str::to_owned)
        };
        Some(Self {
            functions: parts(part()?, btf, |from| {
                Some(Function {
                    at: from.word()?,
                    of: from.word()?,
                })
            })?,
            lines: parts(part()?, btf, |from| {
                Some(Line {
                    at: from.word()?,
                    file: text(from)?,
                    text: text(from)?,
                    place: from.word()?,
                })
            })?,
            relocations: parts(part()?, btf, |from| {
                Some(Relocation {
                    at: from.word()?,
                    of: from.word()?,
                    access: text(from)?,
                    number: from.word()?,
                })
            })?,
        })
    }

    /// The section. Its strings are put where those of the types are.
    pub(crate) fn section(&self, btf: &mut Writer, endian: Endianness) -> Vec<u8> {
        let functions = written(&self.functions, 8, btf, endian, |one, _| {
            vec![one.at, one.of]
        });
        let lines = written(&self.lines, 16, btf, endian, |one, btf| {
            let (file, text) = (btf.place(&one.file), btf.place(&one.text));
            vec![one.at, file, text, one.place]
        });
        let relocations = written(&self.relocations, 16, btf, endian, |one, btf| {
            vec![one.at, one.of, btf.place(&one.access), one.number]
        });
        let mut out = Writer::new(endian);
        out.magic();
        out.word(HEADER_BYTES);
        let mut at = 0;
        for part in [&functions, &lines, &relocations] {
            out.words(&[at, part.len() as u32]);
            at += part.len() as u32;
        }
        [out.bytes, functions, lines, relocations].concat()
    }
}

/// For each section of programs: its name, a count, the records, of as many bytes as the first word says.
fn parts<T>(
    mut from: Reader<'_>,
    btf: &Btf,
    one: impl Fn(&mut Reader<'_>) -> Option<T>,
) -> Option<Vec<Part<T>>> {
    let mut parts = Vec::new();
    if from.rest.is_empty() {
        return Some(parts);
    }
    let bytes = from.word()? as usize;
    while !from.rest.is_empty() {
        let (section, count) = (from.word()?, from.word()?);
        let mut records = Vec::new();
        for _ in 0..count {
            let (record, rest) = from.rest.split_at_checked(bytes)?;
            records.push(one(&mut Reader {
                rest: record,
                ..from
            })?);
            from.rest = rest;
        }
        parts.push(Part {
            section: btf.string(section)?.to_owned(),
            records,
        });
    }
    Some(parts)
}

fn written<T>(
    parts: &[Part<T>],
    bytes: u32,
    btf: &mut Writer,
    endian: Endianness,
    one: impl Fn(&T, &mut Writer) -> Vec<u32>,
) -> Vec<u8> {
    let mut out = Writer::new(endian);
    out.word(bytes);
    for part in parts {
        out.words(&[btf.place(&part.section), part.records.len() as u32]);
        for record in &part.records {
            out.words(&one(record, btf));
        }
    }
    // Where nothing follows, the kernel wants nothing at all.
    if parts.is_empty() {
        Vec::new()
    } else {
        out.bytes
    }
}
