// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fs::{self, File};
use std::process::Command;

use super::{Files, Which};
use crate::error::Kind;
use crate::tool::load::library::{self, Function};

/// A kind of file that nobody has but these tests.
const OWN: Files = Files {
    what: "test library",
    option: "--library",
    names: &[
        |name| name.starts_with(b"tracewell-first"),
        |name| name.starts_with(b"tracewell-second"),
    ],
    system: &[&["/absent"]],
};

/// Files of these names, and what functions they have, all of them mapped.
fn mapped(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<Function>) {
    let directory = tempfile::tempdir().unwrap();
    let map = |(name, function): &(&str, &str)| {
        let path = directory.path().join(name);
        fs::write(&path, library::bytes(function).unwrap()).unwrap();
        Function::map(&File::open(path).unwrap()).unwrap()
    };
    let functions = files.iter().map(map).collect();
    (directory, functions)
}

#[test]
fn what_is_mapped_is_found_by_its_name() {
    let (directory, _functions) = mapped(&[
        ("tracewell-first-a", "looked_for_here"),
        ("tracewell-second-a", "looked_for_here"),
        ("tracewell-none", "looked_for_here"),
    ]);
    let own = Which::Of(vec![std::process::id()]);
    for which in [own.clone(), Which::All] {
        let found = OWN.find(&which, &["looked_for_here"]).unwrap();
        // One of the first kind has it, so that the second does not count.
        let [target] = &found.targets[..] else {
            panic!("{found:?}");
        };
        let path = directory.path().join("tracewell-first-a");
        assert_eq!(
            target.to_string(),
            format!("{} (looked_for_here)", path.display())
        );
    }
    assert!(OWN.has_own(&["looked_for_here"]) && !OWN.has_own(&["looked_for_nowhere"]));
}

#[test]
fn another_kind_stands_in_where_the_first_has_no_such_function() {
    let (_directory, _functions) = mapped(&[
        ("tracewell-first-b", "another"),
        ("tracewell-second-b", "of_the_second"),
    ]);
    let found = OWN.find(&Which::All, &["of_the_second"]).unwrap();
    assert_eq!(found.targets.len(), 1);
    assert!(found.targets[0].to_string().contains("tracewell-second-b"));
}

#[test]
fn a_file_that_was_removed_is_found_if_it_may_be() {
    let (directory, _functions) = mapped(&[("tracewell-first-c", "of_the_removed")]);
    fs::remove_file(directory.path().join("tracewell-first-c")).unwrap();
    // It takes a capability.
    let may = fs::read_dir("/proc/self/map_files")
        .ok()
        .and_then(|mut files| File::open(files.next()?.ok()?.path()).ok())
        .is_some();
    let found = OWN.find(&Which::All, &["of_the_removed"]);
    assert_eq!(found.is_ok(), may);
}

#[test]
fn what_is_nowhere_is_an_error_that_says_what_to_name() {
    let none = OWN.find(&Which::All, &["of_nobody"]).unwrap_err();
    assert!(none.to_string().contains("--library FILE"), "{none}");
    let given = Which::Given(vec!["/proc/self/exe".into()]);
    let wrong = OWN.find(&given, &["of_nobody"]).unwrap_err();
    assert_eq!(wrong.kind(), Kind::Usage);
    assert!(
        wrong.to_string().contains("has none of the functions"),
        "{wrong}"
    );
}

#[test]
fn a_process_without_one_is_told_of() {
    let (_directory, _functions) = mapped(&[("tracewell-first-d", "of_the_test")]);
    let mut other = Command::new("sleep").arg("1000").spawn().unwrap();
    let found = OWN.find(&Which::Of(vec![other.id()]), &["of_the_test"]);
    other.kill().unwrap();
    other.wait().unwrap();
    let found = found.unwrap();
    assert_eq!((found.notes.len(), found.targets.len()), (1, 1));
    assert!(
        found.notes[0].contains("has no test library mapped"),
        "{:?}",
        found.notes
    );
    let gone = OWN.find(&Which::Of(vec![1 << 30]), &["of_the_test"]);
    assert!(gone.is_err());
}
