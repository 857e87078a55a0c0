// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's types as they lie in its BTF.

/// `BTF_MAGIC`, in this machine's order of bytes.
const MAGIC: u16 = 0xeb9f;

/// The version that follows it.
const VERSION: u8 = 1;

/// The bytes of `struct btf_header`.
const HEADER: usize = 24;

/// The bytes of `struct btf_type`, which every type begins with.
const HEAD: usize = 12;

/// What is to be known of a type's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Integers, floats, forward declarations: they refer to no other type.
    Plain,
    Pointer,
    /// Typedefs, `const`, `volatile`, `restrict`, tags: another type by another name, or with another quality.
    Alias,
    Array,
    /// Structures and unions.
    Composite,
    Enum,
    Prototype,
    /// Functions, variables, sections, tags of declarations: nothing that another type refers to.
    Other,
}

impl Kind {
    /// Whether a relocation can start from a type of this kind.
    pub(super) fn is_named_data(self) -> bool {
        matches!(
            self,
            Self::Plain | Self::Alias | Self::Composite | Self::Enum
        )
    }
}

/// One type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type<'a> {
    pub(super) kind: Kind,
    /// Where its name stands among the strings; 0 without one.
    pub(super) name: u32,
    /// The kind, the number of members and a flag, as BTF has them.
    pub(super) info: u32,
    /// A size or the number of another type, by the kind.
    pub(super) refers: u32,
    /// What follows the head.
    pub(super) behind: &'a [u8],
}

/// A member of a structure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) name: u32,
    pub(super) of: u32,
    pub(super) offset: u32,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_ne_bytes(bytes))
}

impl<'a> Type<'a> {
    /// The type at the start of `bytes`, and how many bytes it takes.
    fn parse(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let (name, info, refers) = (word(bytes, 0)?, word(bytes, 4)?, word(bytes, 8)?);
        let members = (info & 0xffff) as usize;
        let (kind, behind) = match info >> 24 & 0x1f {
            1 => (Kind::Plain, 4),
            2 => (Kind::Pointer, 0),
            3 => (Kind::Array, 12),
            4 | 5 => (Kind::Composite, 12 * members),
            6 => (Kind::Enum, 8 * members),
            7 | 16 => (Kind::Plain, 0),
            8..=11 | 18 => (Kind::Alias, 0),
            12 => (Kind::Other, 0),
            13 => (Kind::Prototype, 8 * members),
            14 | 17 => (Kind::Other, 4),
            15 => (Kind::Other, 12 * members),
            19 => (Kind::Enum, 12 * members),
            _ => return None,
        };
        let found = Self {
            kind,
            name,
            info,
            refers,
            behind: bytes.get(HEAD..HEAD + behind)?,
        };
        Some((found, HEAD + behind))
    }

    /// The types of an array's elements and of its index.
    pub(super) fn array(&self) -> Option<(u32, u32)> {
        Some((word(self.behind, 0)?, word(self.behind, 4)?))
    }

    pub(super) fn members(&self) -> impl Iterator<Item = Member> {
        self.behind.chunks_exact(12).filter_map(|member| {
            Some(Member {
                name: word(member, 0)?,
                of: word(member, 4)?,
                offset: word(member, 8)?,
            })
        })
    }

    /// The types of a prototype's parameters.
    pub(super) fn parameters(&self) -> impl Iterator<Item = u32> {
        let parameters = self.behind.chunks_exact(8);
        parameters.filter_map(|parameter| word(parameter, 4))
    }

    /// An enum's names and values: a word that says where the name stands, and the value behind it.
    pub(super) fn enumerators(&self) -> impl Iterator<Item = &'a [u8]> {
        let members = (self.info & 0xffff) as usize;
        let each = self.behind.len().checked_div(members).unwrap_or(1);
        self.behind.chunks_exact(each.max(1))
    }

    /// Its info as it is of a type of this kind without members.
    pub(super) fn without_members(&self) -> u32 {
        self.info & !0xffff
    }
}

/// The types of a kernel, by number.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Where each type begins; number 1 is the first.
    starts: Vec<u32>,
}

impl<'a> Reader<'a> {
    /// Goes once through all types, and tells `each` of those with a name: its number, the type, and the strings from its
    /// name on. `None` where the types have a form that is not known.
    pub(super) fn new(
        btf: &'a [u8],
        mut each: impl FnMut(u32, &Type<'a>, &'a [u8]),
    ) -> Option<Self> {
        let (magic, version) = (btf.get(..2)?, *btf.get(2)?);
        if u16::from_ne_bytes(magic.try_into().ok()?) != MAGIC || version != VERSION {
            return None;
        }
        let field = |at| usize::try_from(word(btf, at)?).ok();
        let header = field(4)?;
        let section = |at| {
            let start = header.checked_add(field(at)?)?;
            btf.get(start..start.checked_add(field(at + 4)?)?)
        };
        let (types, strings) = (section(8)?, section(16)?);
        // Most types take 24 bytes and more.
        let mut starts = Vec::with_capacity(types.len() / 24);
        let mut at = 0;
        while at < types.len() {
            starts.push(u32::try_from(at).ok()?);
            let (found, bytes) = Type::parse(&types[at..])?;
            if found.name != 0 {
                let id = u32::try_from(starts.len()).ok()?;
                each(
                    id,
                    &found,
                    strings.get(usize::try_from(found.name).ok()?..)?,
                );
            }
            at += bytes;
        }
        Some(Self {
            types,
            strings,
            starts,
        })
    }

    pub(super) fn get(&self, id: u32) -> Option<Type<'a>> {
        let index = usize::try_from(id).ok()?.checked_sub(1)?;
        let start = usize::try_from(*self.starts.get(index)?).ok()?;
        Some(Type::parse(&self.types[start..])?.0)
    }

    /// The name at this place.
    pub(super) fn name(&self, offset: u32) -> Option<&'a [u8]> {
        let from = self.strings.get(usize::try_from(offset).ok()?..)?;
        from.split(|byte| *byte == 0).next()
    }
}

/// Types and strings as one BTF.
pub(super) fn with_header(types: &[u8], strings: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut btf = Vec::with_capacity(HEADER + types.len() + strings.len());
    btf.extend(MAGIC.to_ne_bytes());
    btf.extend([VERSION, 0]);
    let lengths = [0, length(types), length(types), length(strings)];
    for word in [HEADER as u32].into_iter().chain(lengths) {
        btf.extend(word.to_ne_bytes());
    }
    btf.extend(types);
    btf.extend(strings);
    btf
}
