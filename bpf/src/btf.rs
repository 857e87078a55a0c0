// SPDX-License-Identifier: MIT OR Apache-2.0
//! The section `.BTF`: the object's own types, read and written.
//!
//! It has the form of Documentation/bpf/btf.rst.

use std::collections::HashMap;

use object::Endianness;

/// A type's number. 0 is void.
pub(crate) type Id = u32;

const MAGIC: u16 = 0xeb9f;
const HEADER_BYTES: usize = 24;

/// Any of the types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Type {
    pub(crate) name: String,
    /// What the top bit of `info` says: of a composite that its members' places have sizes in bits, of a forward
    /// declaration that it is a union, of an enumeration that it is signed.
    pub(crate) flag: bool,
    pub(crate) kind: Kind,
}

/// What a type is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Void,
    /// How many bytes, and how they are to be read: `ENCODED_SIGNED`, `ENCODED_BOOL`, and how many bits of them.
    Integer(u32, u32),
    Float(u32),
    Forward,
    /// Another type as it is, under another name or with a qualifier, by the kernel's number of that: `BTF_KIND_CONST`, ...
    Alias(u8, Id),
    Pointer(Id),
    Array {
        element: Id,
        index: Id,
        count: u32,
    },
    /// A structure, or a union.
    Composite {
        union: bool,
        bytes: u32,
        members: Vec<Member>,
    },
    /// Of 8 bytes, `wide` is how its values are written.
    Enumeration {
        wide: bool,
        bytes: u32,
        values: Vec<(String, u64)>,
    },
    Prototype {
        result: Id,
        parameters: Vec<(String, Id)>,
    },
    Function {
        prototype: Id,
        linkage: u16,
    },
    Variable {
        of: Id,
        linkage: u32,
    },
    /// A section of data: its variables, each with its place and size.
    Section {
        bytes: u32,
        variables: Vec<(Id, u32, u32)>,
    },
    /// What is said of a type, or of its component of this number.
    Tag {
        of: Id,
        component: u32,
    },
}

/// A member of a structure or union.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) of: Id,
    /// Where it begins, in bits; with the type's flag, how many bits it has stands in the top byte.
    pub(crate) place: u32,
}

/// `BTF_INT_SIGNED` and `BTF_INT_BOOL`, where they stand in an integer's word.
pub(crate) const ENCODED_SIGNED: u32 = 1 << 24;
pub(crate) const ENCODED_BOOL: u32 = 4 << 24;

impl Type {
    /// Each type that this one names, to be read or replaced.
    pub(crate) fn references(&mut self) -> Vec<&mut Id> {
        match &mut self.kind {
            Kind::Void
            | Kind::Integer(..)
            | Kind::Float(_)
            | Kind::Forward
            | Kind::Enumeration { .. } => Vec::new(),
            Kind::Alias(_, of)
            | Kind::Pointer(of)
            | Kind::Variable { of, .. }
            | Kind::Tag { of, .. } => vec![of],
            Kind::Function { prototype, .. } => vec![prototype],
            Kind::Array { element, index, .. } => vec![element, index],
            Kind::Composite { members, .. } => {
                members.iter_mut().map(|member| &mut member.of).collect()
            }
            Kind::Prototype { result, parameters } => std::iter::once(result)
                .chain(parameters.iter_mut().map(|(_, of)| of))
                .collect(),
            Kind::Section { variables, .. } => variables.iter_mut().map(|(of, ..)| of).collect(),
        }
    }
}

/// All types of an object; the number of each is its place.
#[derive(Debug, Clone)]
pub(crate) struct Btf {
    pub(crate) types: Vec<Type>,
    strings: Vec<u8>,
}

impl Btf {
    /// `None` for a section that is cut, or has a kind of type that is not known.
    pub(crate) fn parse(bytes: &[u8], endian: Endianness) -> Option<Self> {
        let mut header = Reader::new(bytes, endian);
        let (_, header_bytes) = (header.word()?, header.word()? as usize);
        let (types, types_bytes) = (header.word()? as usize, header.word()? as usize);
        let (strings, strings_bytes) = (header.word()? as usize, header.word()? as usize);
        let part = |at: usize, length: usize| {
            let from = header_bytes.checked_add(at)?;
            bytes.get(from..from.checked_add(length)?)
        };
        let mut btf = Self {
            types: vec![Type {
                name: String::new(),
                flag: false,
                kind: Kind::Void,
            }],
            strings: part(strings, strings_bytes)?.to_vec(),
        };
        let mut reader = Reader::new(part(types, types_bytes)?, endian);
        while !reader.rest.is_empty() {
            let next = reader.one(&btf)?;
            btf.types.push(next);
        }
        Some(btf)
    }

    pub(crate) fn get(&self, id: Id) -> Option<&Type> {
        self.types.get(usize::try_from(id).ok()?)
    }

    /// The string that begins there.
    pub(crate) fn string(&self, at: u32) -> Option<&str> {
        let from = self.strings.get(usize::try_from(at).ok()?..)?;
        std::str::from_utf8(from.split(|byte| *byte == 0).next()?).ok()
    }

    /// The type itself, without other names and qualifiers.
    pub(crate) fn plain(&self, mut id: Id) -> Id {
        while let Some(Kind::Alias(_, of)) = self.get(id).map(|found| &found.kind) {
            id = *of;
        }
        id
    }
}

/// Words one after the other.
pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
    pub(crate) endian: Endianness,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(rest: &'a [u8], endian: Endianness) -> Self {
        Self { rest, endian }
    }

    pub(crate) fn word(&mut self) -> Option<u32> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(match self.endian {
            Endianness::Little => u32::from_le_bytes(*bytes),
            Endianness::Big => u32::from_be_bytes(*bytes),
        })
    }

    fn text(&mut self, of: &Btf) -> Option<String> {
        let at = self.word()?;
        of.string(at).map(str::to_owned)
    }

    /// As many as there are, each read by `one`.
    fn all<T>(&mut self, count: u32, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..count).map(|_| one(self)).collect()
    }

    fn one(&mut self, of: &Btf) -> Option<Type> {
        let name = self.text(of)?;
        let (info, word) = (self.word()?, self.word()?);
        let (count, number) = (info & 0xffff, (info >> 24 & 0x1f) as u8);
        let kind = match number {
            1 => Kind::Integer(word, self.word()?),
            2 => Kind::Pointer(word),
            3 => Kind::Array {
                element: self.word()?,
                index: self.word()?,
                count: self.word()?,
            },
            4 | 5 => Kind::Composite {
                union: number == 5,
                bytes: word,
                members: self.all(count, |from| {
                    Some(Member {
                        name: from.text(of)?,
                        of: from.word()?,
                        place: from.word()?,
                    })
                })?,
            },
            6 => Kind::Enumeration {
                wide: false,
                bytes: word,
                values: self.all(count, |from| Some((from.text(of)?, from.word()?.into())))?,
            },
            7 => Kind::Forward,
            8..=11 | 18 => Kind::Alias(number, word),
            12 => Kind::Function {
                prototype: word,
                linkage: count as u16,
            },
            13 => Kind::Prototype {
                result: word,
                parameters: self.all(count, |from| Some((from.text(of)?, from.word()?)))?,
            },
            14 => Kind::Variable {
                of: word,
                linkage: self.word()?,
            },
            15 => Kind::Section {
                bytes: word,
                variables: self.all(count, |from| {
                    Some((from.word()?, from.word()?, from.word()?))
                })?,
            },
            16 => Kind::Float(word),
            17 => Kind::Tag {
                of: word,
                component: self.word()?,
            },
            19 => Kind::Enumeration {
                wide: true,
                bytes: word,
                values: self.all(count, |from| {
                    let name = from.text(of)?;
                    let (low, high) = (from.word()?, from.word()?);
                    Some((name, u64::from(high) << 32 | u64::from(low)))
                })?,
            },
            _ => return None,
        };
        Some(Type {
            name,
            flag: info >> 31 != 0,
            kind,
        })
    }
}

/// Words one after the other, and the strings that they name.
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    strings: Vec<u8>,
    places: HashMap<String, u32>,
    endian: Endianness,
}

impl Writer {
    pub(crate) fn new(endian: Endianness) -> Self {
        Self {
            bytes: Vec::new(),
            strings: vec![0],
            places: HashMap::from([(String::new(), 0)]),
            endian,
        }
    }

    pub(crate) fn word(&mut self, word: u32) {
        self.bytes.extend(match self.endian {
            Endianness::Little => word.to_le_bytes(),
            Endianness::Big => word.to_be_bytes(),
        });
    }

    pub(crate) fn words(&mut self, words: &[u32]) {
        words.iter().for_each(|word| self.word(*word));
    }

    /// What both sections begin with: the magic number, the version (1) and flags (none).
    pub(crate) fn magic(&mut self) {
        let magic = match self.endian {
            Endianness::Little => MAGIC.to_le_bytes(),
            Endianness::Big => MAGIC.to_be_bytes(),
        };
        self.bytes.extend([magic[0], magic[1], 1, 0]);
    }

    /// Where this string is; it is put there once.
    pub(crate) fn place(&mut self, text: &str) -> u32 {
        let end = self.strings.len() as u32;
        let place = *self.places.entry(text.to_owned()).or_insert(end);
        if place == end {
            self.strings.extend(text.bytes());
            self.strings.push(0);
        }
        place
    }

    pub(crate) fn text(&mut self, text: &str) {
        let place = self.place(text);
        self.word(place);
    }

    /// Of all types but void.
    pub(crate) fn types(&mut self, types: &[Type]) {
        types.iter().for_each(|one| self.one(one));
    }

    /// The section of the types and strings that were written.
    pub(crate) fn section(self) -> Vec<u8> {
        let mut out = Self::new(self.endian);
        out.magic();
        let types = self.bytes.len() as u32;
        out.words(&[
            HEADER_BYTES as u32,
            0,
            types,
            types,
            self.strings.len() as u32,
        ]);
        [out.bytes, self.bytes, self.strings].concat()
    }

    fn one(&mut self, one: &Type) {
        self.text(&one.name);
        let (number, count, word) = match &one.kind {
            Kind::Void => (0, 0, 0),
            Kind::Integer(bytes, _) => (1, 0, *bytes),
            Kind::Pointer(of) => (2, 0, *of),
            Kind::Array { .. } => (3, 0, 0),
            Kind::Composite {
                union,
                bytes,
                members,
            } => (4 + u32::from(*union), members.len(), *bytes),
            Kind::Enumeration {
                wide,
                bytes,
                values,
            } => (if *wide { 19 } else { 6 }, values.len(), *bytes),
            Kind::Forward => (7, 0, 0),
            Kind::Alias(number, of) => (u32::from(*number), 0, *of),
            Kind::Function { prototype, linkage } => (12, usize::from(*linkage), *prototype),
            Kind::Prototype { result, parameters } => (13, parameters.len(), *result),
            Kind::Variable { of, .. } => (14, 0, *of),
            Kind::Section { bytes, variables } => (15, variables.len(), *bytes),
            Kind::Float(bytes) => (16, 0, *bytes),
            Kind::Tag { of, .. } => (17, 0, *of),
        };
        self.word(u32::from(one.flag) << 31 | number << 24 | count as u32);
        self.word(word);
        match &one.kind {
            Kind::Integer(_, encoding) => self.word(*encoding),
            Kind::Array {
                element,
                index,
                count,
            } => self.words(&[*element, *index, *count]),
            Kind::Composite { members, .. } => {
                for member in members {
                    self.text(&member.name);
                    self.words(&[member.of, member.place]);
                }
            }
            Kind::Enumeration { wide, values, .. } => {
                for (name, value) in values {
                    self.text(name);
                    self.word(*value as u32);
                    if *wide {
                        self.word((*value >> 32) as u32);
                    }
                }
            }
            Kind::Prototype { parameters, .. } => {
                for (name, of) in parameters {
                    self.text(name);
                    self.word(*of);
                }
            }
            Kind::Variable { linkage, .. } => self.word(*linkage),
            Kind::Section { variables, .. } => {
                for (of, at, bytes) in variables {
                    self.words(&[*of, *at, *bytes]);
                }
            }
            Kind::Tag { component, .. } => self.word(*component),
            Kind::Void
            | Kind::Pointer(_)
            | Kind::Forward
            | Kind::Alias(..)
            | Kind::Function { .. }
            | Kind::Float(_) => {}
        }
    }
}
