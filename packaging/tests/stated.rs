// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the docs and the packages state of the released program, and of what builds it, is so.

#![allow(clippy::unwrap_used, reason = "all of this is tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The newest C library with which the program still takes the one that the docs name: Debian 12's.
const BUILT_WITH: &str = "2.36";

/// The numbers of `2.34`.
fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map(|part| part.parse().unwrap())
        .collect()
}

fn below_packaging(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What a command prints.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The released program, as `make build` or `make programs` made it.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors()
        .map(|directory| directory.join("release/tracewell"))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("tracewell is not built: run make build"))
}

/// The newest version of glibc without which the program does not start. A version that only weak symbols name has
/// the flag 2 (`VER_FLG_WEAK`), and is not needed.
fn needed(program: &Path) -> Vec<u32> {
    let text = output("objdump", &["-p", program.to_str().unwrap()]);
    let versions = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let flags = words.next().filter(|flags| *flags != "0x02");
        let version = words.nth(1)?.strip_prefix("GLIBC_");
        flags.and(version)
    });
    versions
        .map(|version| match version {
            // Relative relocations in a table of their own: glibc 2.36.
            "ABI_DT_RELR" => vec![2, 36],
            version => numbers(version),
        })
        .max()
        .unwrap()
}

#[test]
fn the_docs_name_the_oldest_c_library() {
    let page = below_packaging("../docs/packaging.md");
    let named = page.split("| glibc ").nth(1).unwrap();
    let named = named.split(' ').next().unwrap();
    let here = output("getconf", &["GNU_LIBC_VERSION"]);
    let here = numbers(here.trim().trim_start_matches("glibc "));
    // With a newer one, C code asks for what is new in it (`__isoc23_strtoul`).
    let oldest = if here <= numbers(BUILT_WITH) {
        numbers(named)
    } else {
        here
    };
    let needed = needed(&program());
    assert!(
        needed <= oldest,
        "the program needs glibc {needed:?}, docs/packaging.md says {named}"
    );
}

#[test]
fn the_program_is_hardened() {
    let program = program();
    let program = program.to_str().unwrap();
    let headers = output("readelf", &["-hldW", program]);
    for mark in ["DYN (Position-Independent", "GNU_RELRO", "BIND_NOW"] {
        assert!(headers.contains(mark), "{mark}: {headers}");
    }
    let stack = headers
        .lines()
        .find(|line| line.contains("GNU_STACK"))
        .unwrap();
    assert!(!stack.contains("RWE"), "{stack}");
    // libbpf is C.
    let symbols = output("objdump", &["-T", program]);
    for mark in ["__stack_chk_fail", "__vsnprintf_chk"] {
        assert!(
            symbols.contains(mark),
            "{mark}: was it built by packaging/cargo?"
        );
    }
}

/// The numbers of `1.88` or `1.88.0`, of which the last does not matter.
fn release(version: &str) -> Vec<u32> {
    numbers(version).into_iter().take(2).collect()
}

#[test]
fn no_crate_asks_for_a_newer_rust_than_the_workspace() {
    // Crates of other platforms are not asked: no build on this machine brings them here.
    let compiler = output("rustc", &["-vV"]);
    let platform = compiler
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let of_platform = format!("--filter-platform={platform}");
    let metadata = output(
        env!("CARGO"),
        &[
            "metadata",
            "--format-version=1",
            "--locked",
            "--offline",
            &of_platform,
        ],
    );
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let stated = release(env!("CARGO_PKG_RUST_VERSION"));
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50);
    for package in packages {
        if let Some(asked) = package["rust_version"].as_str() {
            assert!(
                release(asked) <= stated,
                "{} asks for Rust {asked}, Cargo.toml's rust-version is {stated:?}",
                package["name"]
            );
        }
    }
}

#[test]
fn the_rpm_is_built_by_the_rust_that_the_workspace_states() {
    let spec = below_packaging("rpm/tracewell.spec");
    for package in ["cargo", "rust"] {
        let wanted = format!("{package} >= {}", env!("CARGO_PKG_RUST_VERSION"));
        assert!(spec.lines().any(|line| line.ends_with(&wanted)), "{wanted}");
    }
}

#[test]
fn all_packages_have_the_version_of_the_workspace() {
    let version = env!("CARGO_PKG_VERSION");
    let spec = below_packaging("rpm/tracewell.spec");
    let of_spec = spec
        .lines()
        .find_map(|line| line.strip_prefix("Version:"))
        .unwrap();
    assert_eq!(of_spec.trim(), version, "packaging/rpm/tracewell.spec");
    let debian = below_packaging("deb/changelog");
    assert!(
        debian.starts_with(&format!("tracewell ({version}-")),
        "packaging/deb/changelog: {debian}"
    );
    let changes = below_packaging("../CHANGELOG.md");
    assert!(
        changes.contains(&format!("\n## [{version}] - ")),
        "CHANGELOG.md says nothing of {version}"
    );
}
