// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every source compiles for every architecture that has a `vmlinux.h`, and libbpf opens what comes out.
//! Needs clang, and no privilege.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::{DataSec, Var};
use libbpf_rs::{AsRawLibbpf, ObjectBuilder, OpenObject};

/// Rust's and libbpf's names of the architectures, and clang's of their BPF.
const ARCHITECTURES: [(&str, &str, &str); 6] = [
    ("x86_64", "x86", "bpfel"),
    ("aarch64", "arm64", "bpfel"),
    ("riscv64", "riscv", "bpfel"),
    ("powerpc64", "powerpc", "bpfel"),
    ("s390x", "s390", "bpfeb"),
    ("loongarch64", "loongarch", "bpfel"),
];

fn sources() -> Vec<PathBuf> {
    let mut sources: Vec<_> = fs::read_dir(tracewell_bpf::source_dir())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".bpf.c"))
        .collect();
    sources.sort();
    sources
}

/// The object of one architecture, compiled into a directory that lives as long as the test.
fn compile(source: &Path, architecture: (&str, &str, &str), dir: &tempfile::TempDir) -> PathBuf {
    let (rust_arch, bpf_arch, target) = architecture;
    let object = dir.path().join("object.bpf.o");
    let mut args = tracewell_bpf::clang_args(rust_arch).unwrap();
    args.push(format!("-D__TARGET_ARCH_{bpf_arch}"));
    // libbpf-cargo compiles for the byte order of this machine. Of two targets clang takes the last.
    let clang = dir.path().join("clang");
    fs::write(
        &clang,
        format!("#!/bin/sh\nexec clang \"$@\" -target {target}\n"),
    )
    .unwrap();
    fs::set_permissions(&clang, Permissions::from_mode(0o755)).unwrap();
    tracewell_bpf::compile(source, &object, &clang, args).unwrap();
    object
}

/// A tool's source that stands in another place than the others, or under another name, would not be compiled here.
#[test]
fn every_tool_has_a_source_here() {
    let sources = sources();
    let tools = fs::read_dir(tracewell_bpf::source_dir().join("../tools")).unwrap();
    let with_build = tools
        .map(|entry| entry.unwrap().path())
        .filter(|tool| tool.join("build.rs").exists());
    let mut count = 0;
    for tool in with_build {
        let name = tool.file_name().unwrap().to_str().unwrap();
        let source = tracewell_bpf::source_dir().join(format!("{name}.bpf.c"));
        assert!(
            sources.contains(&source),
            "{name} has no {}",
            source.display()
        );
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn every_object_compiles_and_opens_on_every_architecture() {
    for source in sources() {
        for architecture in ARCHITECTURES {
            let (rust_arch, ..) = architecture;
            let dir = tempfile::tempdir().unwrap();
            let object = compile(&source, architecture, &dir);
            let object = tracewell_bpf::trimmed(&fs::read(object).unwrap(), false).unwrap();
            let open = ObjectBuilder::default()
                .open_memory(&object)
                .unwrap_or_else(|error| panic!("{} for {rust_arch}: {error}", source.display()));
            let maps: Vec<String> = open
                .maps()
                .map(|map| map.name().to_string_lossy().into_owned())
                .collect();
            let has = |name: &str| maps.iter().any(|map| map == name);
            // Where tasks claim memory, no program has its own.
            check_spaces(&open, has("scratch") && !has("claims"));
            for map in [".rodata.shared", ".bss.shared"] {
                assert!(
                    maps.iter().any(|name| name == map),
                    "{} for {rust_arch} has no {map}: {maps:?}",
                    source.display()
                );
            }
        }
    }
}

/// Each scratch space is named after a program of the object, which is how it is numbered; two programs can share none.
/// Programs at a tracepoint have one each, also in an object without scratch memory, whose events fit on the stack.
fn check_spaces(object: &OpenObject, has_scratch: bool) {
    // SAFETY: the object is live for as long as the reference is.
    let raw = unsafe { object.as_libbpf_object().as_ref() };
    let btf = Btf::from_bpf_object(raw).unwrap().unwrap();
    let section = btf.type_by_name::<DataSec<'_>>(".rodata.spaces");
    assert!(section.is_some() || !has_scratch);
    let programs: Vec<_> = object
        .progs()
        .map(|program| program.name().to_owned())
        .collect();
    for place in section.iter().flat_map(|section| section.iter()) {
        let var: Var<'_> = btf.type_by_id(place.ty).unwrap();
        let name = var.name().unwrap().to_str().unwrap();
        let program = name.strip_prefix("space_").unwrap();
        assert!(
            programs.iter().any(|known| known == program),
            "{name} is no program's"
        );
    }
}

#[test]
fn the_architectures_are_those_that_have_a_vmlinux() {
    let mut found: Vec<_> = fs::read_dir(tracewell_bpf::source_dir().join("../vmlinux"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("vmlinux.h").exists())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    let mut known = ARCHITECTURES.map(|(rust_arch, ..)| rust_arch.to_owned());
    known.sort();
    assert_eq!(found, known);
}
