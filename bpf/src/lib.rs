// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compiles a tool's BPF source, and tells Rust what is in the object: what a build script calls.
//!
//! ```no_run
//! // tools/opensnoop/build.rs
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     tracewell_bpf::build("opensnoop")
//! }
//! ```
//!
//! The crate then has `include!(concat!(env!("OUT_DIR"), "/skel.rs"));`, which makes the module `skel`. In it are `types`,
//! the object's own types, and `OBJECT`, the object itself, compressed, with what each of its programs hooks and uses.

mod btf;
mod extended;
mod relocations;
mod skeleton;
mod trim;
mod types;

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use libbpf_cargo::SkeletonBuilder;

/// Compiles `bpf/<tool>.bpf.c` for the target's architecture, and writes `OUT_DIR/skel.rs` and the object.
///
/// # Errors
///
/// Outside a build script, for an architecture without a `vmlinux.h`, and when clang fails: its output is in the
/// error.
pub fn build(tool: &str) -> Result<(), Box<dyn Error>> {
    let (out, object) = compile_here(tool)?;
    let packed = format!("{tool}.bpf.o.z");
    let lines = env::var("DEBUG").is_ok_and(|debug| debug == "true");
    let trimmed = trim::trimmed(&object, lines)?;
    fs::write(out.join(&packed), skeleton::packed(&trimmed)?)?;
    let text = skeleton::of_tool(&object, &packed, trimmed.len())
        .map_err(|error| format!("{tool}.bpf.c: {error}"))?;
    Ok(fs::write(out.join("skel.rs"), text)?)
}

/// The same, of a source that is never loaded: there is no `OBJECT`.
///
/// # Errors
///
/// As [`build`].
pub fn build_types(source: &str) -> Result<(), Box<dyn Error>> {
    let (out, object) = compile_here(source)?;
    let text = skeleton::of_types(&object).map_err(|error| format!("{source}.bpf.c: {error}"))?;
    Ok(fs::write(out.join("skel.rs"), text)?)
}

/// For a build script: its output folder, and the object of this source as clang makes it. Cargo is told which files
/// that depends on.
fn compile_here(name: &str) -> Result<(PathBuf, Vec<u8>), Box<dyn Error>> {
    let source = source_dir().join(format!("{name}.bpf.c"));
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let object = out.join(format!("{name}.bpf.o"));
    let list = out.join("included");
    let mut args = clang_args(&env::var("CARGO_CFG_TARGET_ARCH")?)?;
    args.extend(["-MD", "-MT", "object", "-MF"].map(String::from));
    args.push(list.display().to_string());
    compile(&source, &object, Path::new("clang"), args)?;
    for file in included(&fs::read_to_string(&list)?)? {
        emit(&format!("cargo:rerun-if-changed={}", file.display()));
    }
    Ok((out, fs::read(&object)?))
}

/// Compiles one source with this clang, and these arguments of it.
///
/// # Errors
///
/// When that fails: the compiler's output.
pub fn compile(
    source: &Path,
    object: &Path,
    clang: &Path,
    args: Vec<String>,
) -> Result<(), Box<dyn Error>> {
    let mut builder = SkeletonBuilder::new();
    builder.source(source).obj(object);
    builder.clang(clang).clang_args(args);
    builder
        .build()
        .map_err(|error| format!("cannot build {}: {error:#}", source.display()).into())
}

/// The object without what nobody reads; with its lines of source if `lines`.
///
/// # Errors
///
/// For what is no object as clang makes it.
pub fn trimmed(object: &[u8], lines: bool) -> Result<Vec<u8>, Box<dyn Error>> {
    trim::trimmed(object, lines)
}

/// The sources that clang's list of dependencies names: those of this repository. libbpf's headers are of a crate, which
/// cargo knows, and were in a folder that has gone.
fn included(list: &str) -> Result<BTreeSet<PathBuf>, Box<dyn Error>> {
    let root = fs::canonicalize(source_dir().join(".."))?;
    let (_, files) = list.split_once(':').ok_or("clang gave no list of files")?;
    let files = files.replace("\\\n", " ");
    Ok(files
        .split_whitespace()
        .filter_map(|file| fs::canonicalize(file).ok())
        .filter(|file| file.starts_with(&root))
        .collect())
}

/// The arguments that every BPF source is compiled with, for the architecture that Rust calls `arch`.
///
/// # Errors
///
/// For an architecture without a `vmlinux.h`.
pub fn clang_args(arch: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let vmlinux = source_dir().join("../vmlinux").join(arch);
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

/// Build scripts talk to cargo through standard output.
#[expect(clippy::print_stdout)]
fn emit(line: &str) {
    println!("{line}");
}
