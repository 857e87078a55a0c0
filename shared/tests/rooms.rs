// SPDX-License-Identifier: MIT OR Apache-2.0
//! The crate's rooms, the modules at its top, need each other one way: none needs itself by others. Tests may need any.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each room names of others.
type Needs = BTreeMap<String, BTreeSet<String>>;

/// All sources below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            all.push(path);
        }
    }
    all
}

/// Whether a file is a part of tests alone.
fn is_test(path: &Path) -> bool {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    ["tests", "sample", "test_code"].contains(&stem)
}

fn needs() -> Needs {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut needs = Needs::new();
    for path in sources(&root) {
        let inside = path.strip_prefix(&root).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap();
        let room = room.trim_end_matches(".rs");
        if room == "lib" || is_test(&path) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code.lines().map(str::trim_start);
        for line in lines.filter(|line| !line.starts_with("//")) {
            // Each names one room, so that this reads them all.
            assert!(!line.contains("crate::{"), "{}: {line}", path.display());
            for named in line.split("crate::").skip(1) {
                let end = named.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
                let other = &named[..end.unwrap_or(named.len())];
                let is_room = root.join(format!("{other}.rs")).is_file();
                if is_room && other != room {
                    needs.entry(room.into()).or_default().insert(other.into());
                }
            }
        }
    }
    needs
}

/// A way from a room to another, by what each needs.
fn way(needs: &Needs, from: &str, to: &str, seen: &mut BTreeSet<String>) -> Option<Vec<String>> {
    for next in needs.get(from).into_iter().flatten() {
        if next == to {
            return Some(vec![from.into(), to.into()]);
        }
        if seen.insert(next.clone())
            && let Some(mut rest) = way(needs, next, to, seen)
        {
            rest.insert(0, from.into());
            return Some(rest);
        }
    }
    None
}

#[test]
fn no_room_needs_itself_by_others() {
    let needs = needs();
    assert!(needs["output"].contains("event"), "the sources are read");
    for room in needs.keys() {
        let circle = way(&needs, room, room, &mut BTreeSet::new());
        assert_eq!(circle, None, "a circle");
    }
}
