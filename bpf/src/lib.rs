// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compiles a tool's BPF source and makes its skeleton: what a build script calls.
//!
//! ```no_run
//! // tools/opensnoop/build.rs
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     tracewell_bpf::build("opensnoop")
//! }
//! ```
//!
//! The crate then has `include!(concat!(env!("OUT_DIR"), "/skel.rs"));`, which makes the module `skel`, and
//! `KERNEL_TYPES` and `MAPS`, what of the kernel's types and of the object's maps each program names.

mod extended;
mod relocations;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use libbpf_cargo::SkeletonBuilder;

/// Compiles `bpf/<tool>.bpf.c` for the target's architecture and writes the skeleton to `OUT_DIR/skel.rs`.
///
/// # Errors
///
/// Outside a build script, for an architecture without a `vmlinux.h`, and when clang fails: its output is in the
/// error.
pub fn build(tool: &str) -> Result<(), Box<dyn Error>> {
    let source = source_dir().join(format!("{tool}.bpf.c"));
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let object = out.join(format!("{tool}.bpf.o"));
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let mut builder = SkeletonBuilder::new();
    builder
        .source(&source)
        .obj(&object)
        .clang_args(clang_args(&arch)?)
        .reference_obj(true);
    // The skeleton is read by nobody, and rustfmt may not be installed where a package is built.
    builder.rustfmt("/nonexistent/rustfmt");
    builder
        .build_and_generate(out.join("skeleton.rs"))
        .map_err(|error| format!("cannot build {}: {error:#}", source.display()))?;
    let uses = relocations::uses(&fs::read(&object)?)
        .map_err(|error| format!("{}: {error}", source.display()))?;
    let (mut types, mut maps) = (KERNEL_TYPES.to_owned(), MAPS.to_owned());
    for (program, uses) in &uses {
        let roots: Vec<_> = uses.types.iter().collect();
        types += &format!("    ({program:?}, &{roots:?}),\n");
        let named: Vec<_> = uses.maps.iter().collect();
        maps += &format!("    ({program:?}, &{named:?}),\n");
    }
    let lists = [&types, END, &maps, END].concat();
    fs::write(out.join("skel.rs"), [MODULE, &lists].concat())?;
    rerun_if_changed(&source_dir())?;
    rerun_if_changed(&vmlinux_dir(&arch))?;
    // Whose types all others but aarch64 take.
    rerun_if_changed(&vmlinux_dir("x86_64"))?;
    Ok(())
}

/// What a tool includes. Generated code keeps no house rules.
const MODULE: &str = r#"
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    dead_code,
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]
mod skel {
    include!(concat!(env!("OUT_DIR"), "/skeleton.rs"));
}
"#;

/// How the list of types begins.
const KERNEL_TYPES: &str = r#"
/// The kernel's types that each of the object's programs names, and of each whether what its pointers point to matters.
#[allow(dead_code, reason = "what is never loaded needs no types")]
const KERNEL_TYPES: &[(&str, &[(&str, bool)])] = &[
"#;

/// How the list of maps begins.
const MAPS: &str = r#"
/// The maps that each of the object's programs names.
#[allow(dead_code, reason = "what is never loaded needs no maps")]
const MAPS: &[(&str, &[&str])] = &[
"#;

/// How both end.
const END: &str = "];\n";

/// The arguments that every BPF source is compiled with, for the architecture that Rust calls `arch`.
///
/// # Errors
///
/// For an architecture without a `vmlinux.h`.
pub fn clang_args(arch: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let vmlinux = vmlinux_dir(arch);
    if !vmlinux.join("vmlinux.h").exists() {
        return Err(
            format!("no vmlinux/{arch}/vmlinux.h: vmlinux/README.md says how to make one").into(),
        );
    }
    let mut args: Vec<String> = [
        "-Wall",
        "-Wextra",
        "-Werror",
        // The macros of libbpf's headers leave their context argument unused.
        "-Wno-unused-parameter",
        // 5.10 refuses the atomics that newer clangs make of v3 code.
        "-mcpu=v2",
    ]
    .map(String::from)
    .into();
    // Names of sources are in the object; those of folders must not be, or each machine would build another one.
    let root = source_dir();
    let root = root.parent().unwrap_or(&root);
    args.push(format!("-ffile-prefix-map={}=.", root.display()));
    args.push(format!("-I{}", vmlinux.display()));
    args.push(format!("-I{}", source_dir().join("include").display()));
    Ok(args)
}

/// The folder of the BPF sources.
pub fn source_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn vmlinux_dir(arch: &str) -> PathBuf {
    source_dir().join("../vmlinux").join(arch)
}

fn rerun_if_changed(dir: &Path) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .file_name()
            .is_some_and(|name| name == "include" || name == "arch")
        {
            rerun_if_changed(&path)?;
        }
        if path
            .extension()
            .is_some_and(|extension| extension == "c" || extension == "h")
        {
            emit(&format!("cargo:rerun-if-changed={}", path.display()));
        }
    }
    Ok(())
}

/// Build scripts talk to cargo through standard output.
#[expect(clippy::print_stdout)]
fn emit(line: &str) {
    println!("{line}");
}
