// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an object's programs use: of the kernel's types, the roots of their CO-RE relocations; and their maps.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ops::Range;

use object::read::elf::ElfFile64;
use object::{Endianness, Object as _, ObjectSection, ObjectSymbol, RelocationTarget, SymbolKind};

use crate::btf::{Btf, Reader};
use crate::extended::{Extended, Kind};

/// The types that one program's relocations start from: each type's name, without what stands behind `___`, and whether
/// what its pointers point to matters as well.
pub(crate) type Roots = BTreeMap<String, bool>;

/// What a program uses, in its own code and in that of the functions that it calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Uses {
    types: Roots,
    maps: BTreeSet<String>,
}

/// A program, and what it uses.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) program: String,
    /// The ELF section that it is in, which says what it hooks.
    pub(crate) section: String,
    /// The kernel's types that it names.
    pub(crate) types: Roots,
    /// The maps, by name; those that hold the object's variables are not among them.
    pub(crate) maps: BTreeSet<String>,
}

/// What each program of the object uses; in the order of their names.
pub(crate) fn uses(object: &[u8]) -> Result<Vec<Use>, Box<dyn Error>> {
    let file = ElfFile64::<Endianness>::parse(object)?;
    let mut code = Code::of(&file)?;
    let section = |name| file.section_by_name(name);
    if let (Some(types), Some(extended)) = (section(".BTF"), section(".BTF.ext")) {
        let endian = file.endianness();
        let btf = Btf::parse(types.data()?, endian).ok_or("the section .BTF is cut")?;
        let extended = Extended::parse(extended.data()?, &btf, endian);
        code.name_types(&btf, &extended.ok_or("the section .BTF.ext is cut")?)?;
    }
    let programs = code.functions.iter().zip(0..);
    let programs = programs.filter(|(function, _)| function.section != TEXT);
    let mut uses: Vec<_> = programs
        .map(|(function, index)| {
            let Uses { types, maps } = code.all_uses(index);
            Use {
                program: function.name.clone(),
                section: function.section.clone(),
                types,
                maps,
            }
        })
        .collect();
    uses.sort_by(|one, next| one.program.cmp(&next.program));
    Ok(uses)
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
    fn name_types(&mut self, btf: &Btf, extended: &Extended) -> Result<(), Box<dyn Error>> {
        for part in &extended.relocations {
            for relocation in &part.records {
                let deep = match relocation.kind() {
                    Kind::OfField | Kind::OfEnum => false,
                    Kind::OfType => true,
                    Kind::Local => continue,
                    Kind::Unknown => {
                        return Err(format!(
                            "a relocation of kind {}, which needs all of the kernel's types",
                            relocation.number
                        )
                        .into());
                    }
                };
                let named = btf.get(relocation.of).ok_or("a relocation of no type")?;
                let name = named.name.split_once("___");
                let name = name.map_or(named.name.as_str(), |(name, _)| name);
                let function = self
                    .function_at(&part.section, relocation.at.into())
                    .ok_or("a relocation in no function")?;
                let types = &mut self.functions[function].uses.types;
                *types.entry(name.to_owned()).or_default() |= deep;
            }
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
            let distance = Reader::new(&instruction[4..], endian)
                .word()
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
