// SPDX-License-Identifier: MIT OR Apache-2.0
//! An object without what nobody reads.
//!
//! clang describes each type of the kernel that a source names with all its members, and theirs. libbpf looks at those
//! members that relocations name; the kernel, at the types of functions and variables. What is left: of the object's own
//! variables everything; of other structures the members that a relocation goes through; of what is only pointed to, name
//! and size. A member's place and type stay what they were, so that what libbpf computes does, too.
//!
//! The symbols of places in the code that nothing refers to go as well; and which line of source each instruction comes
//! from, where the profile has no debug information: the verifier's log then names functions and instructions only.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use object::build::Id as _;
use object::build::elf::{Builder, SectionData};
use object::elf;

use crate::btf::{Btf, Id, Kind, Type, Writer};
use crate::extended::{self, Extended};

/// What is kept of a type.
#[derive(Debug, Default)]
struct Kept {
    /// All of it; else, of a structure, union or enumeration, only these members.
    whole: bool,
    members: BTreeSet<usize>,
}

/// Which types are kept, and what of each.
struct Keeping<'a> {
    btf: &'a Btf,
    kept: BTreeMap<Id, Kept>,
}

/// The section of maps: what their pointers point to are their kinds, sizes, keys and values.
const MAPS: &str = ".maps";

impl Keeping<'_> {
    fn get(&self, id: Id) -> Result<&Type, String> {
        self.btf.get(id).ok_or(format!("there is no type {id}"))
    }

    /// Name and size, and of what is no structure, union or enumeration all.
    fn outline(&mut self, id: Id) -> Result<(), String> {
        if self.kept.contains_key(&id) {
            return Ok(());
        }
        self.kept.insert(id, Kept::default());
        let mut found = self.get(id)?.clone();
        if !is_listed(&found.kind) {
            for of in found.references() {
                self.outline(*of)?;
            }
        }
        Ok(())
    }

    /// All of it; of what its pointers point to, the outline.
    fn whole(&mut self, id: Id) -> Result<(), String> {
        self.outline(id)?;
        if std::mem::replace(&mut self.kept.entry(id).or_default().whole, true) {
            return Ok(());
        }
        let mut found = self.get(id)?.clone();
        let points = matches!(found.kind, Kind::Pointer(_) | Kind::Prototype { .. });
        for of in found.references() {
            if points {
                self.outline(*of)?;
            } else {
                self.whole(*of)?;
            }
        }
        Ok(())
    }

    /// What describes the maps.
    fn maps(&mut self, variables: &[(Id, u32, u32)]) -> Result<(), String> {
        for (variable, ..) in variables {
            let Kind::Variable { of, .. } = self.get(*variable)?.kind else {
                return Err("a map is no variable".into());
            };
            self.map(of)?;
        }
        Ok(())
    }

    /// A structure that describes a map: its members point to what they say. Of a map of maps, those in a member that is an
    /// array are such structures.
    fn map(&mut self, of: Id) -> Result<(), String> {
        let Kind::Composite { members, .. } = self.get(self.btf.plain(of))?.kind.clone() else {
            return Ok(());
        };
        for member in members {
            match self.get(self.btf.plain(member.of))?.kind {
                Kind::Pointer(to) => self.whole(to)?,
                Kind::Array { element, .. } => {
                    if let Kind::Pointer(to) = self.get(self.btf.plain(element))?.kind {
                        self.whole(to)?;
                        self.map(to)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The members that an access goes through.
    fn access(&mut self, relocation: &extended::Relocation) -> Result<(), String> {
        self.outline(relocation.of)?;
        for (id, place) in steps(self.btf, relocation)? {
            self.outline(id)?;
            self.kept.entry(id).or_default().members.insert(place);
            if let Kind::Composite { members, .. } = &self.get(id)?.kind {
                let member = members.get(place).ok_or("a relocation of no member")?;
                let of = self.btf.plain(member.of);
                // Of a pointer, nobody asks to what.
                if !matches!(self.get(of)?.kind, Kind::Pointer(_)) {
                    self.outline(of)?;
                }
            }
        }
        Ok(())
    }
}

/// What has members or values.
fn is_listed(kind: &Kind) -> bool {
    matches!(kind, Kind::Composite { .. } | Kind::Enumeration { .. })
}

/// The structures, unions and enumerations that a relocation goes through, each with the place in it.
fn steps(btf: &Btf, relocation: &extended::Relocation) -> Result<Vec<(Id, usize)>, String> {
    let places = relocation
        .places()
        .ok_or("an access is no list of places")?;
    let mut at = btf.plain(relocation.of);
    let mut steps = Vec::new();
    match relocation.kind() {
        extended::Kind::OfEnum => steps.extend(places.first().map(|place| (at, *place))),
        // The first is that of an element, of the type as if it were an array's.
        extended::Kind::OfField => {
            for place in places.iter().skip(1) {
                let next = match btf.get(at).map(|found| &found.kind) {
                    Some(Kind::Array { element, .. }) => *element,
                    Some(Kind::Composite { members, .. }) => {
                        steps.push((at, *place));
                        members.get(*place).ok_or("a relocation of no member")?.of
                    }
                    _ => return Err("an access into what has no members".into()),
                };
                at = btf.plain(next);
            }
        }
        _ => {}
    }
    Ok(steps)
}

/// The kept types under their new numbers, and what is known of instructions with these.
struct Renumbered {
    types: Vec<Type>,
    extended: Extended,
}

fn renumber(keeping: &Keeping<'_>, mut extended: Extended) -> Result<Renumbered, String> {
    let btf = keeping.btf;
    let numbers: BTreeMap<Id, Id> = (keeping.kept.keys().filter(|id| **id != 0))
        .zip(1..)
        .map(|(old, new)| (*old, new))
        .chain([(0, 0)])
        .collect();
    let number = |id: Id| {
        numbers
            .get(&id)
            .copied()
            .ok_or(format!("type {id} is not kept"))
    };
    // Stands for all pointers of structures that are cut.
    let pointer = numbers.len() as Id;
    let mut types = Vec::new();
    for (id, kept) in keeping.kept.iter().filter(|(id, _)| **id != 0) {
        let mut one = keeping.get(*id)?.clone();
        match &mut one.kind {
            Kind::Composite { members, .. } if !kept.whole => {
                *members = (kept.members.iter())
                    .filter_map(|place| members.get(*place).cloned())
                    .collect();
                for member in members {
                    let of = btf.plain(member.of);
                    member.of = match keeping.get(of)?.kind {
                        Kind::Pointer(_) => pointer,
                        _ => number(of)?,
                    };
                }
            }
            Kind::Enumeration { values, .. } if !kept.whole => {
                *values = (kept.members.iter())
                    .filter_map(|place| values.get(*place).cloned())
                    .collect();
            }
            _ => {
                for of in one.references() {
                    *of = number(*of)?;
                }
            }
        }
        types.push(one);
    }
    types.push(Type {
        name: String::new(),
        flag: false,
        kind: Kind::Pointer(0),
    });
    for function in records(&mut extended.functions) {
        function.of = number(function.of)?;
    }
    for relocation in records(&mut extended.relocations) {
        relocation.access = shifted(keeping, relocation)?;
        relocation.of = number(relocation.of)?;
    }
    Ok(Renumbered { types, extended })
}

fn records<T>(parts: &mut [extended::Part<T>]) -> impl Iterator<Item = &mut T> {
    parts.iter_mut().flat_map(|part| &mut part.records)
}

/// The same access, where the members before those that it names may be gone.
fn shifted(keeping: &Keeping<'_>, relocation: &extended::Relocation) -> Result<String, String> {
    let mut places = relocation
        .places()
        .ok_or("an access is no list of places")?;
    let place_of = |id: Id, place: usize| match keeping.kept.get(&id) {
        Some(kept) if !kept.whole => kept.members.range(..place).count(),
        _ => place,
    };
    let steps = steps(keeping.btf, relocation)?;
    match relocation.kind() {
        extended::Kind::OfEnum => {
            for (to, (id, place)) in places.iter_mut().zip(steps) {
                *to = place_of(id, place);
            }
        }
        extended::Kind::OfField => {
            let mut at = keeping.btf.plain(relocation.of);
            let mut steps = steps.into_iter();
            for to in places.iter_mut().skip(1) {
                let found = keeping.get(at)?;
                at = match &found.kind {
                    Kind::Array { element, .. } => *element,
                    Kind::Composite { members, .. } => {
                        let (id, place) = steps.next().ok_or("an access is cut")?;
                        *to = place_of(id, place);
                        members[place].of
                    }
                    _ => return Err("an access into what has no members".into()),
                };
                at = keeping.btf.plain(at);
            }
        }
        _ => {}
    }
    let places: Vec<_> = places.iter().map(ToString::to_string).collect();
    Ok(places.join(":"))
}

fn keep<'a>(btf: &'a Btf, extended: &Extended) -> Result<Keeping<'a>, String> {
    let mut keeping = Keeping {
        btf,
        kept: BTreeMap::new(),
    };
    for (id, one) in (0..).zip(&btf.types) {
        match &one.kind {
            Kind::Section { variables, .. } => {
                keeping.whole(id)?;
                if one.name == MAPS {
                    keeping.maps(variables)?;
                }
            }
            // What is said of a function, or of what is whole.
            Kind::Tag { .. } => keeping.whole(id)?,
            _ => {}
        }
    }
    for function in extended.functions.iter().flat_map(|part| &part.records) {
        keeping.whole(function.of)?;
    }
    for relocation in extended.relocations.iter().flat_map(|part| &part.records) {
        keeping.access(relocation)?;
    }
    Ok(keeping)
}

/// The object without what nobody reads; with its lines of source if `lines`.
///
/// # Errors
///
/// For what is no object as clang makes it.
pub(crate) fn trimmed(object: &[u8], lines: bool) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut elf = Builder::read64(object)?;
    let endian = elf.endian;
    let data = |elf: &Builder<'_>, name: &str| {
        let section = elf
            .sections
            .iter()
            .find(|section| section.name.as_slice() == name.as_bytes());
        section.and_then(|section| match &section.data {
            SectionData::Data(bytes) => Some(bytes.to_vec()),
            _ => None,
        })
    };
    let btf = data(&elf, ".BTF").ok_or("the object has no .BTF")?;
    let btf = Btf::parse(&btf, endian).ok_or("the section .BTF is cut, or newer than this")?;
    let mut extended = match data(&elf, ".BTF.ext") {
        Some(bytes) => {
            Extended::parse(&bytes, &btf, endian).ok_or("the section .BTF.ext is cut")?
        }
        None => Extended::default(),
    };
    if !lines {
        extended.lines.clear();
    }
    let keeping = keep(&btf, &extended)?;
    let Renumbered { types, extended } = renumber(&keeping, extended)?;
    let mut writer = Writer::new(endian);
    writer.types(&types);
    let extended = extended.section(&mut writer, endian);
    let btf = writer.section();
    for section in &mut elf.sections {
        match section.name.as_slice() {
            b".BTF" => section.data = SectionData::Data(btf.clone().into()),
            b".BTF.ext" => section.data = SectionData::Data(extended.clone().into()),
            _ => {}
        }
    }
    drop_symbols(&mut elf);
    name_sections(&mut elf);
    let mut out = Vec::new();
    elf.write(&mut out)?;
    Ok(out)
}

/// Has the names of sections be apart from those of symbols: libbpf's linker puts them together, for which the writer has
/// no form.
fn name_sections(elf: &mut Builder<'_>) {
    const NAMES: &[u8] = b".shstrtab";
    if elf
        .sections
        .iter()
        .any(|section| section.name.as_slice() == NAMES)
    {
        return;
    }
    for section in &mut elf.sections {
        if section.name.as_slice() == b".strtab" {
            section.data = SectionData::String;
        }
    }
    let names = elf.sections.add();
    names.name = NAMES.into();
    names.sh_type = elf::SHT_STRTAB;
    names.sh_addralign = 1;
    names.data = SectionData::SectionString;
}

/// Takes away the symbols of places that nothing refers to, and moves together what they stood before.
fn drop_symbols(elf: &mut Builder<'_>) {
    let mut referred = BTreeSet::new();
    for section in &elf.sections {
        if let SectionData::Relocation(relocations) = &section.data {
            let symbols = relocations
                .iter()
                .filter_map(|relocation| relocation.symbol);
            referred.extend(symbols.map(|symbol| symbol.index()));
        }
    }
    for symbol in &mut elf.symbols {
        let is_place = symbol.st_type() == elf::STT_NOTYPE && symbol.st_bind() == elf::STB_LOCAL;
        if is_place && !referred.contains(&symbol.id().index()) {
            symbol.delete = true;
        }
    }
    let mut at = elf.file_header_size();
    for section in &mut elf.sections {
        if section.is_alloc() {
            at = at.next_multiple_of(section.sh_addralign.max(1));
            section.sh_offset = at;
            at += match &section.data {
                SectionData::Data(bytes) => bytes.len() as u64,
                _ => 0,
            };
        }
    }
}

#[cfg(test)]
mod tests;
