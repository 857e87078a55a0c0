// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ways into the kernel that a tool has on this machine: its rungs, and the kinds of buffer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::environment::{forced, note, rung};
use crate::{Finished, Tool};

/// The labels of the tool's ladder that this kernel takes with these arguments, or the one that is forced on all runs.
/// They are tried once; whoever asks first must have tracefs, if anybody is to have it.
///
/// # Panics
///
/// When a rung is refused without a word of why.
pub fn rungs(tool: &str, args: &[&str]) -> Vec<String> {
    static KNOWN: Mutex<BTreeMap<String, Vec<String>>> = Mutex::new(BTreeMap::new());
    if let Some(forced) = rung() {
        return vec![forced];
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = known
        .entry(format!("{tool} {args:?}"))
        .or_insert_with(|| tried(tool, args));
    taken.clone()
}

fn tried(tool: &str, args: &[&str]) -> Vec<String> {
    let takes = |label: &String| {
        let options = ["--probe", label, "--duration", "0.001"];
        let tried = Tool::new(tool).args(args).args(options).run();
        if tried.code() == Some(77) {
            assert!(tried.stderr.contains(label.as_str()), "{}", tried.stderr);
            note(&format!("{tool}: this kernel has no rung {label}"));
            return false;
        }
        drop(tried.success());
        true
    };
    ladder(tool).into_iter().filter(takes).collect()
}

/// All labels of the tool's ladder, as its answer to a wrong one has them.
///
/// # Panics
///
/// When the answer names none.
pub fn ladder(tool: &str) -> Vec<String> {
    let Finished { stderr, .. } = Tool::new(tool)
        .unforced()
        .args(["--probe", "no-such-rung"])
        .run();
    let labels = stderr.split("[possible values: auto, ").nth(1);
    let labels = labels.and_then(|rest| rest.split(']').next());
    let labels = labels.unwrap_or_else(|| panic!("{tool} does not name its rungs: {stderr}"));
    labels.split(", ").map(str::to_owned).collect()
}

/// The kinds of buffer, or the one that is forced on all runs.
pub fn buffers() -> Vec<String> {
    match forced("--buffer") {
        Some(forced) => vec![forced],
        None => vec!["ring".to_owned(), "perf".to_owned()],
    }
}
