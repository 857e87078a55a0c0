// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scratch spaces: each program that puts events together has its own on each CPU, numbered among those that are loaded;
//! or all have one, where none of them can be run in the middle of another.

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::{DataSec, Var};
use libbpf_rs::{AsRawLibbpf, OpenObject};

use crate::error::{Error, Kind, Result};

/// The section of the numbers: a variable for each program, see `SPACE` in `bpf/include/emit.bpf.h`.
pub(crate) const SECTION: &str = ".rodata.spaces";

/// What a variable's name has before its program's.
const PREFIX: &str = "space_";

/// The numbers as the object is to have them, and how many spaces there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Spaces {
    pub(crate) numbers: Vec<u8>,
    pub(crate) count: u8,
    /// Whether a task may be preempted in one of the programs.
    pub(crate) apart: bool,
}

/// `CLAIMED_SPACES` of `bpf/include/shared.h`.
const CLAIMED: u8 = 8;

impl Spaces {
    /// Of an object whose tasks each claim one, for as long as they put an event together: several may be in one program.
    pub(crate) fn claimed(&mut self) {
        self.count = CLAIMED;
        self.apart = true;
    }

    /// For the programs of `object` that are to be loaded. `preempted` says whether a task may be preempted in a program
    /// on the hook of this ELF section; where it may be in none, a CPU is in one of them at a time, and they share a space.
    /// (None of them runs in interrupts.)
    pub(crate) fn of(object: &OpenObject, preempted: impl Fn(&str) -> bool) -> Result<Self> {
        let loaded = |name: &str| {
            object
                .progs()
                .any(|program| program.name() == name && program.autoload())
        };
        let declared = declared(object)?;
        let names = |name: &str| declared.iter().any(|(program, _)| program == name);
        let apart = object.progs().any(|program| {
            let name = program.name().to_str().unwrap_or_default();
            let section = program.section().to_str().unwrap_or_default();
            program.autoload() && names(name) && preempted(section)
        });
        Ok(number(&declared, loaded, apart))
    }
}

/// The program of each variable, and where in the section its number is.
fn declared(object: &OpenObject) -> Result<Vec<(String, usize)>> {
    let bad = || {
        Error::new(
            Kind::Bpf,
            "the BPF object does not describe its scratch spaces",
        )
    };
    // SAFETY: the object is live for as long as the reference is.
    let raw = unsafe { object.as_libbpf_object().as_ref() };
    let btf = Btf::from_bpf_object(raw).ok().flatten().ok_or_else(bad)?;
    let Some(section) = btf.type_by_name::<DataSec<'_>>(SECTION) else {
        return Ok(Vec::new());
    };
    section
        .iter()
        .map(|place| {
            let var: Var<'_> = btf.type_by_id(place.ty).ok_or_else(bad)?;
            let name = var.name().and_then(|name| name.to_str()).ok_or_else(bad)?;
            let program = name.strip_prefix(PREFIX).ok_or_else(bad)?;
            Ok((program.to_owned(), place.offset as usize))
        })
        .collect()
}

/// Programs that are not loaded get no number of their own: their code is not there to use it.
fn number(declared: &[(String, usize)], loaded: impl Fn(&str) -> bool, apart: bool) -> Spaces {
    let bytes = declared
        .iter()
        .map(|(_, offset)| offset + size_of::<u32>())
        .max();
    let mut spaces = Spaces {
        numbers: vec![0; bytes.unwrap_or(0)],
        count: 0,
        apart,
    };
    for (program, offset) in declared {
        if loaded(program) {
            let place = *offset..offset + size_of::<u32>();
            if let Some(number) = spaces.numbers.get_mut(place) {
                let space = if apart { spaces.count } else { 0 };
                number.copy_from_slice(&u32::from(space).to_ne_bytes());
                spaces.count = space + 1;
            }
        }
    }
    spaces
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn each_loaded_program_has_a_number_of_its_own_where_they_may_meet() {
        let declared = [("a", 0), ("b", 8), ("c", 4)].map(|(name, at)| (name.to_owned(), at));
        for (apart, count, expected) in [(true, 2, [1, 0]), (false, 1, [0, 0])] {
            let spaces = number(&declared, |program| program != "a", apart);
            let numbers: Vec<_> = spaces
                .numbers
                .chunks_exact(4)
                .map(|bytes| u32::from_ne_bytes(bytes.try_into().unwrap()))
                .collect();
            assert_eq!((spaces.count, &numbers[1..]), (count, &expected[..]));
        }
        assert_eq!(number(&[], |_| true, false), super::Spaces::default());
    }
}
