// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is left of the project's own objects. Needs clang.

use std::fs;
use std::path::{Path, PathBuf};

use object::read::elf::ElfFile64;
use object::{Endianness, Object as _, ObjectSection as _};

use super::trimmed;
use crate::btf::{Btf, Id, Kind};
use crate::extended::{self, Extended, Relocation};

fn sources() -> Vec<PathBuf> {
    let entries = fs::read_dir(crate::source_dir()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_string_lossy().ends_with(".bpf.c"))
        .collect()
}

fn compiled(source: &Path, arch: &str, target: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let object = dir.path().join("object.bpf.o");
    let mut args = crate::clang_args(arch).unwrap();
    args.push(format!("-D__TARGET_ARCH_{target}"));
    crate::compile(source, &object, Path::new("clang"), args).unwrap();
    fs::read(object).unwrap()
}

struct Read {
    btf: Btf,
    extended: Extended,
}

fn read(object: &[u8]) -> Read {
    let file = ElfFile64::<Endianness>::parse(object).unwrap();
    let section = |name| {
        file.section_by_name(name)
            .map(|found| found.data().unwrap())
    };
    let btf = Btf::parse(section(".BTF").unwrap(), file.endianness()).unwrap();
    let extended = section(".BTF.ext")
        .map(|section| Extended::parse(section, &btf, file.endianness()).expect("a whole section"));
    Read {
        extended: extended.unwrap_or_default(),
        btf,
    }
}

impl Read {
    fn size(&self, id: Id) -> u32 {
        match &self.btf.get(self.btf.plain(id)).unwrap().kind {
            Kind::Integer(bytes, _) | Kind::Float(bytes) => *bytes,
            Kind::Composite { bytes, .. } | Kind::Enumeration { bytes, .. } => *bytes,
            Kind::Pointer(_) => 8,
            Kind::Array { element, count, .. } => self.size(*element) * count,
            other => panic!("{other:?} has no size"),
        }
    }

    /// What libbpf makes of a relocation: names, places and sizes, none of which may change.
    fn meaning(&self, relocation: &Relocation) -> String {
        let mut at = self.btf.plain(relocation.of);
        let mut meaning = format!(
            "{} {}",
            self.btf.get(relocation.of).unwrap().name,
            relocation.number
        );
        let places = relocation.places().unwrap();
        if relocation.kind() == extended::Kind::OfEnum {
            let Kind::Enumeration { values, .. } = &self.btf.get(at).unwrap().kind else {
                panic!("{meaning}: no enumeration");
            };
            return format!("{meaning} {:?}", values[places[0]]);
        }
        for place in &places[1..] {
            let next = match &self.btf.get(at).unwrap().kind {
                Kind::Composite { members, .. } => {
                    let member = &members[*place];
                    meaning += &format!(" .{}@{}", member.name, member.place);
                    member.of
                }
                Kind::Array { element, .. } => {
                    meaning += &format!(" [{place}]");
                    *element
                }
                other => panic!("{meaning}: {other:?} has no members"),
            };
            at = self.btf.plain(next);
        }
        format!("{meaning} {} bytes", self.size(at))
    }

    fn meanings(&self) -> Vec<String> {
        let parts = self.extended.relocations.iter();
        parts
            .flat_map(|part| {
                let named = |one| format!("{} {}", part.section, self.meaning(one));
                part.records.iter().map(named)
            })
            .collect()
    }

    fn functions(&self) -> Vec<String> {
        let parts = self.extended.functions.iter();
        let names = parts.flat_map(|part| part.records.iter().map(|one| self.btf.get(one.of)));
        names.map(|found| found.unwrap().name.clone()).collect()
    }

    /// The variables of each section, with places and sizes.
    fn variables(&self) -> Vec<String> {
        let name = |id: Id| &self.btf.get(id).unwrap().name;
        let mut all = Vec::new();
        for one in &self.btf.types {
            if let Kind::Section { variables, .. } = &one.kind {
                for (id, at, bytes) in variables {
                    all.push(format!("{} {} {at} {bytes}", one.name, name(*id)));
                }
            }
        }
        all
    }
}

#[test]
fn what_is_left_means_the_same() {
    for source in sources() {
        for (arch, target) in [("x86_64", "x86"), ("aarch64", "arm64")] {
            let object = compiled(&source, arch, target);
            let before = read(&object);
            for lines in [true, false] {
                let small = trimmed(&object, lines).unwrap();
                let after = read(&small);
                assert_eq!(before.meanings(), after.meanings());
                assert_eq!(before.functions(), after.functions());
                assert_eq!(before.variables(), after.variables());
                assert_eq!(
                    after.extended.lines.is_empty(),
                    !lines || before.extended.lines.is_empty()
                );
                assert!(small.len() < object.len());
                // Nothing more can be taken away.
                let again = read(&trimmed(&small, lines).unwrap());
                assert_eq!(after.btf.types.len(), again.btf.types.len());
            }
        }
    }
}

#[test]
fn what_is_no_object_is_refused() {
    assert!(trimmed(b"", true).is_err());
    let source = crate::source_dir().join("shared.bpf.c");
    let object = compiled(&source, "x86_64", "x86");
    for cut in [64, object.len() / 2, object.len() - 1] {
        assert!(trimmed(&object[..cut], true).is_err());
    }
}
