// SPDX-License-Identifier: MIT OR Apache-2.0
//! The oldest C library that the released program takes is the one that the docs name.

#![allow(clippy::unwrap_used, reason = "all of this is tests")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The numbers of `2.34`.
fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map(|part| part.parse().unwrap())
        .collect()
}

/// The newest version of glibc that a symbol of the program asks for.
fn needed(program: &Path) -> Vec<u32> {
    let output = Command::new("objdump")
        .arg("-T")
        .arg(program)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", program.display());
    let text = String::from_utf8(output.stdout).unwrap();
    let versions = text
        .split("(GLIBC_")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let numbered =
        versions.filter(|version| version.starts_with(|first: char| first.is_ascii_digit()));
    numbered.map(numbers).max().unwrap()
}

#[test]
fn the_docs_name_the_oldest_c_library() {
    let own = std::env::current_exe().unwrap();
    let program = own
        .ancestors()
        .map(|directory| directory.join("release/tracewell"))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("tracewell is not built: run make build"));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/packaging.md");
    let page = fs::read_to_string(page).unwrap();
    let named = page
        .split("| glibc ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    let needed = needed(&program);
    assert!(
        needed <= numbers(named),
        "the program needs glibc {needed:?}, docs/packaging.md says {named}"
    );
}
