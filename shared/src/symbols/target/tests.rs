// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fs;
use std::path::Path;

use super::{Identity, Target, Unfit};
use crate::tool::load::library;

fn of_bytes(bytes: &[u8], functions: &[&'static str]) -> Result<Target, Unfit> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    Target::open(file.path(), functions)
}

#[test]
fn what_was_looked_at_is_what_is_hooked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("library");
    let bytes = library::bytes("readline").unwrap();
    fs::write(&path, &bytes).unwrap();
    let target = Target::open(&path, &["readline"]).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "another one").unwrap();
    assert_eq!(fs::read(target.path()).unwrap(), bytes);
    assert_eq!(target.to_string(), format!("{} (readline)", path.display()));
}

#[test]
fn names_of_files_are_escaped() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a\x1b\nb");
    fs::write(&path, library::bytes("readline").unwrap()).unwrap();
    let target = Target::open(&path, &["readline"]).unwrap();
    assert!(target.to_string().ends_with("/a\\x1b\\nb (readline)"));
}

#[test]
fn what_is_not_fit_says_why() {
    let bytes = library::bytes("readline").unwrap();
    let near = of_bytes(&bytes, &["readlin", "getaddrinfo"]);
    assert!(
        matches!(&near, Err(Unfit::NoFunction(near)) if *near == ["readline"]),
        "{near:?}"
    );
    assert!(matches!(
        of_bytes(b"#!/bin/sh\n", &["readline"]),
        Err(Unfit::NotElf)
    ));
    assert!(matches!(of_bytes(b"", &["readline"]), Err(Unfit::NotElf)));
    // e_machine: that of i386.
    let mut other = bytes.clone();
    other[18..20].copy_from_slice(&3_u16.to_ne_bytes());
    assert!(matches!(
        of_bytes(&other, &["readline"]),
        Err(Unfit::OtherMachine(_))
    ));
    // e_type: not linked yet.
    let mut unlinked = bytes.clone();
    unlinked[16..18].copy_from_slice(&1_u16.to_ne_bytes());
    assert!(matches!(
        of_bytes(&unlinked, &["readline"]),
        Err(Unfit::NotElf)
    ));
    for no_file in ["/absent", "/", "/dev/null"] {
        let opened = Target::open(Path::new(no_file), &["readline"]);
        assert!(matches!(opened, Err(Unfit::Unread(_))), "{no_file}");
    }
    // Cut anywhere, it is one of these, and nothing else happens.
    for length in 0..400 {
        drop(of_bytes(&bytes[..length], &["readline"]));
    }
}

#[test]
fn files_of_an_image_are_one_however_they_are_seen() {
    let one = Identity {
        device: 1,
        inode: 2,
        bytes: 3,
        changed: [(4, 5), (6, 7)],
        overlaid: false,
    };
    let elsewhere = Identity { device: 9, ..one };
    assert!(one.is_same(&Identity {
        changed: [(0, 0); 2],
        ..one
    }));
    assert!(!one.is_same(&elsewhere));
    let overlaid = Identity {
        overlaid: true,
        ..elsewhere
    };
    assert!(one.is_same(&overlaid) && overlaid.is_same(&one));
    assert!(!one.is_same(&Identity {
        bytes: 4,
        ..overlaid
    }));
    assert!(!one.is_same(&Identity {
        changed: [(4, 5), (6, 8)],
        ..overlaid
    }));
}
