// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an object's programs use: of the kernel's types, the roots of their CO-RE relocations; and their maps.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ops::Range;

use object::read::elf::ElfFile64;
use object::{Endianness, Object as _, ObjectSection, ObjectSymbol, RelocationTarget, SymbolKind};

use crate::extended::{Kind, LocalTypes, relocations, word};

/// The types that one program's relocations start from: each type's name, without what stands behind `___`, and whether
/// what its pointers point to matters as well.
pub(crate) type Roots = BTreeMap<String, bool>;

/// What a program uses, in its own code and in that of the functions that it calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Uses {
    /// The kernel's types that it names.
    pub(crate) types: Roots,
    /// The maps, by name; those that hold the object's variables are not among them.
    pub(crate) maps: BTreeSet<String>,
}

/// What each program of the object uses.
pub(crate) fn uses(object: &[u8]) -> Result<BTreeMap<String, Uses>, Box<dyn Error>> {
    let file = ElfFile64::<Endianness>::parse(object)?;
    let mut code = Code::of(&file)?;
    let section = |name| file.section_by_name(name);
    if let (Some(types), Some(extended)) = (section(".BTF"), section(".BTF.ext")) {
        code.name_types(types.data()?, extended.data()?, file.endianness())?;
    }
    let programs = 0..code.functions.len();
    Ok(programs
        .filter(|&index| code.functions[index].section != TEXT)
        .map(|index| (code.functions[index].name.clone(), code.all_uses(index)))
        .collect())
}

/// The section of the functions that programs call.
const TEXT: &str = ".text";

/// A program, or a function that programs call.
#[derive(Debug)]
struct Function {
    name: String,
    section: String,
    /// Where in the section its code is.
    at: Range<u64>,
    uses: Uses,
    /// What it calls, by where that is.
    calls: Vec<(String, u64)>,
}

/// All functions of an object.
#[derive(Debug)]
struct Code {
    functions: Vec<Function>,
}

impl Code {
    fn of(file: &ElfFile64<'_, Endianness>) -> Result<Self, Box<dyn Error>> {
        let mut functions = Vec::new();
        for symbol in file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text)
        {
            let Some(index) = symbol.section_index() else {
                continue;
            };
            // The places that lines of source begin at have no size.
            if symbol.size() == 0 {
                continue;
            }
            let section = file.section_by_index(index)?;
            let mut function = Function {
                name: symbol.name()?.to_owned(),
                section: section.name()?.to_owned(),
                at: symbol.address()..symbol.address() + symbol.size(),
                uses: Uses::default(),
                calls: Vec::new(),
            };
            function.read(file, &section)?;
            functions.push(function);
        }
        Ok(Self { functions })
    }

    /// The function whose code is at this place.
    fn function_at(&self, section: &str, at: u64) -> Option<usize> {
        self.functions
            .iter()
            .position(|function| function.section == section && function.at.contains(&at))
    }

    /// Adds the types that relocations name to the functions that they are in.
    fn name_types(
        &mut self,
        types: &[u8],
        extended: &[u8],
        endian: Endianness,
    ) -> Result<(), Box<dyn Error>> {
        let types = LocalTypes::parse(types, endian).ok_or("the section .BTF is cut")?;
        let all = relocations(extended, endian).ok_or("the section .BTF.ext is cut")?;
        for relocation in all {
            let deep = match relocation.kind {
                Kind::OfField | Kind::OfEnum => false,
                Kind::OfType => true,
                Kind::Local => continue,
                Kind::Unknown(kind) => {
                    return Err(format!(
                        "a relocation of kind {kind}, which needs all of the kernel's types"
                    )
                    .into());
                }
            };
            let name = types
                .name(relocation.type_id)
                .ok_or("a relocation of no type")?;
            let name = name.split_once("___").map_or(name, |(name, _)| name);
            let section = types
                .string(relocation.section)
                .ok_or("a relocation in no section")?;
            let function = self
                .function_at(section, relocation.at.into())
                .ok_or("a relocation in no function")?;
            *self.functions[function]
                .uses
                .types
                .entry(name.to_owned())
                .or_default() |= deep;
        }
        Ok(())
    }

    /// What a function uses, and what it calls does.
    fn all_uses(&self, function: usize) -> Uses {
        let (mut uses, mut open, mut seen) = (Uses::default(), vec![function], BTreeSet::new());
        while let Some(index) = open.pop() {
            if !seen.insert(index) {
                continue;
            }
            let function = &self.functions[index];
            for (name, deep) in &function.uses.types {
                *uses.types.entry(name.clone()).or_default() |= deep;
            }
            uses.maps.extend(function.uses.maps.iter().cloned());
            open.extend(
                function
                    .calls
                    .iter()
                    .filter_map(|(section, at)| self.function_at(section, *at)),
            );
        }
        uses
    }
}

/// `BPF_JMP | BPF_CALL`, and `BPF_PSEUDO_CALL` of linux/bpf.h, for a function of the object.
const CALL: u8 = 0x85;
const OWN_FUNCTION: u8 = 1;

const INSTRUCTION_BYTES: u64 = 8;

impl Function {
    /// Reads the code and its relocations. An instruction names a map by its symbol; it calls by a symbol and a distance
    /// from it, or where the function is in the same section, by a distance from itself.
    fn read<'d>(
        &mut self,
        file: &ElfFile64<'d, Endianness>,
        section: &impl ObjectSection<'d>,
    ) -> Result<(), Box<dyn Error>> {
        let endian = file.endianness();
        let mut symbols = BTreeMap::new();
        for (at, relocation) in section.relocations() {
            if let (true, RelocationTarget::Symbol(index)) =
                (self.at.contains(&at), relocation.target())
            {
                symbols.insert(at, file.symbol_by_index(index)?);
            }
        }
        for symbol in symbols.values() {
            if section_of(file, symbol)?.is_some_and(|name| name == ".maps") {
                self.uses.maps.insert(symbol.name()?.to_owned());
            }
        }
        let code = section.data()?;
        for at in self.at.clone().step_by(INSTRUCTION_BYTES as usize) {
            let start = usize::try_from(at)?;
            let instruction = code
                .get(start..start + INSTRUCTION_BYTES as usize)
                .ok_or("a function is cut")?;
            let source = match endian {
                Endianness::Little => instruction[1] >> 4,
                Endianness::Big => instruction[1] & 0xf,
            };
            if (instruction[0], source) != (CALL, OWN_FUNCTION) {
                continue;
            }
            let distance = word(instruction, 4, endian)
                .ok_or("a call is cut")?
                .cast_signed();
            let behind = i64::from(distance + 1) * INSTRUCTION_BYTES as i64;
            let (from, target) = match symbols.get(&at) {
                Some(symbol) => (
                    symbol.address(),
                    section_of(file, symbol)?.ok_or("a call of nothing")?,
                ),
                None => (at, self.section.clone()),
            };
            let to = from.checked_add_signed(behind).ok_or("a call to nowhere")?;
            self.calls.push((target, to));
        }
        Ok(())
    }
}

/// The section that a symbol is in.
fn section_of<'d>(
    file: &ElfFile64<'d, Endianness>,
    symbol: &impl ObjectSymbol<'d>,
) -> Result<Option<String>, object::Error> {
    let Some(index) = symbol.section_index() else {
        return Ok(None);
    };
    Ok(Some(file.section_by_index(index)?.name()?.to_owned()))
}

#[cfg(test)]
mod tests;
