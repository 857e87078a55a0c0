// SPDX-License-Identifier: MIT OR Apache-2.0

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::{Composite, Typedef};

use super::*;
use crate::kernel::Running;

/// BTF put together by hand: types as words, and their names.
#[derive(Default)]
struct Made {
    types: Vec<u8>,
    strings: Vec<u8>,
}

impl Made {
    fn new() -> Self {
        Self {
            types: Vec::new(),
            strings: vec![0],
        }
    }

    fn name(&mut self, name: &str) -> u32 {
        let at = self.strings.len();
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
        at.try_into().unwrap()
    }

    fn add(&mut self, name: &str, kind: u32, members: u32, rest: &[u32]) {
        let name = if name.is_empty() { 0 } else { self.name(name) };
        let words = [name, kind << 24 | members];
        for word in words.iter().chain(rest) {
            self.types.extend(word.to_ne_bytes());
        }
    }

    fn bytes(&self) -> Vec<u8> {
        reader::with_header(&self.types, &self.strings)
    }
}

/// `struct outer { int first; struct inner in; struct other *far; }`, a typedef of a pointer to a function of
/// `struct other *`, and types that nobody asks for.
fn made() -> Vec<u8> {
    let mut made = Made::new();
    made.add("int", 1, 0, &[4, 32]); // 1
    made.add("unwanted", 4, 1, &[4, 0, 1, 0]); // 2
    made.add("inner", 4, 1, &[4, 0, 1, 0]); // 3
    made.add("other", 4, 1, &[4, 0, 1, 0]); // 4
    made.add("", 2, 0, &[4]); // 5: struct other *
    let (first, inside, far) = (made.name("first"), made.name("in"), made.name("far"));
    made.add("outer", 4, 3, &[16, first, 1, 0, inside, 3, 32, far, 5, 64]); // 6
    made.add("", 13, 1, &[1, 0, 5]); // 7: int (struct other *)
    made.add("", 2, 0, &[7]); // 8: a pointer to it
    made.add("called", 8, 0, &[8]); // 9
    made.add("unwanted", 12, 0, &[7]); // 10
    made.bytes()
}

fn excerpt_of(roots: &[(&'static str, bool)]) -> Vec<(Kind, Vec<u8>, usize)> {
    let excerpt = excerpt(&made(), &Roots::from_iter(roots.iter().copied())).unwrap();
    let reader = Reader::new(&excerpt, |_, _, _| {}).unwrap();
    let types = (1..).map_while(|id| reader.get(id));
    let shown = types.map(|found| {
        let name = reader.name(found.name).unwrap().to_vec();
        (found.kind, name, found.behind.len())
    });
    shown.collect()
}

fn shown(kind: Kind, name: &str, behind: usize) -> (Kind, Vec<u8>, usize) {
    (kind, name.into(), behind)
}

#[test]
fn a_structure_has_what_lies_in_it_and_nothing_behind_pointers() {
    assert_eq!(
        excerpt_of(&[("outer", false)]),
        [
            shown(Kind::Plain, "int", 4),
            shown(Kind::Composite, "inner", 12),
            shown(Kind::Pointer, "", 0),
            shown(Kind::Composite, "outer", 36),
        ]
    );
}

#[test]
fn a_type_that_is_compared_has_what_it_points_to_by_name_and_size() {
    assert_eq!(
        excerpt_of(&[("called", true)]),
        [
            shown(Kind::Plain, "int", 4),
            shown(Kind::Composite, "other", 0),
            shown(Kind::Pointer, "", 0),
            shown(Kind::Prototype, "", 8),
            shown(Kind::Pointer, "", 0),
            shown(Kind::Alias, "called", 0),
        ]
    );
}

#[test]
fn what_the_kernel_does_not_have_is_not_there() {
    assert_eq!(excerpt_of(&[("out", false), ("nobody", true)]), []);
}

#[test]
fn few_types_are_left_to_libbpf_where_it_reads_all() {
    const ONE: &Named = &[("inner", false), ("outer", false)];
    const TWO: &Named = &[("inner", true), ("other", false)];
    let made = |programs: &[&'static Named], typed| {
        MinimalBtf::of(&made(), programs.iter().copied(), typed).is_some()
    };
    assert!(made(&[ONE], false));
    assert!(!made(&[ONE], true));
    assert!(made(&[ONE, TWO], true));
    assert!(!made(&[], false));
}

#[test]
fn names_are_found_whole() {
    let roots = Roots::from([("a", false), ("ab", true), ("task_struct", false)]);
    let wanted = Wanted::new(&roots);
    for (strings, has) in [
        ("a\0b\0", Some(false)),
        ("ab\0\0", Some(true)),
        ("task_struct\0", Some(false)),
        ("task_struct_2\0", None),
        ("task\0struct\0", None),
        ("b\0b\0", None),
        ("task_struct", None),
        ("", None),
    ] {
        assert_eq!(wanted.has(strings.as_bytes()), has, "{strings:?}");
    }
}

#[test]
fn any_bytes_are_read_or_refused() {
    let whole = made();
    let roots = &Roots::from([("outer", true), ("called", true)]);
    for short in 0..whole.len() {
        drop(excerpt(&whole[..short], roots));
        for wrong in [0, 0xff] {
            let mut bytes = whole.clone();
            bytes[short] = wrong;
            drop(excerpt(&bytes, roots));
        }
    }
    assert!(excerpt(&[], roots).is_none());
}

/// What libbpf reads in the excerpt of this kernel's types is what it reads in all of them.
#[test]
fn of_this_kernel() {
    let kernel = Running::new();
    let Some(types) = kernel.btf() else {
        eprintln!("skipped: this kernel has no BTF");
        return;
    };
    const PROGRAM: &Named = &[("task_struct", false), ("btf_trace_sys_exit", true)];
    let minimal = MinimalBtf::of(types, [PROGRAM].into_iter(), false).unwrap();
    let path = minimal.path().unwrap();
    let excerpt = Btf::from_path(path.to_str().unwrap()).unwrap();
    let whole = Btf::from_path("/sys/kernel/btf/vmlinux").unwrap();
    let members = |btf: &Btf<'_>| -> Vec<_> {
        let found = btf.type_by_name::<Composite<'_>>("task_struct").unwrap();
        let members = found.iter().map(|member| {
            let name = member.name.map(std::ffi::OsStr::to_owned);
            (name, format!("{:?}", member.attr))
        });
        members.collect()
    };
    assert!(members(&whole).len() > 50);
    assert_eq!(members(&excerpt), members(&whole));
    assert!(
        excerpt
            .type_by_name::<Typedef<'_>>("btf_trace_sys_exit")
            .is_some()
    );
    assert!(excerpt.type_by_name::<Composite<'_>>("request").is_none());
    assert!(excerpt.len() * 50 < whole.len(), "{}", excerpt.len());
}
