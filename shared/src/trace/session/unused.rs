// SPDX-License-Identifier: MIT OR Apache-2.0
//! Maps that need not be made.

use std::collections::BTreeSet;

use crate::trace::object::Program;

/// The maps that programs of an object name, but none of these programs.
pub(super) fn maps(all: &[Program], programs: &[&str]) -> BTreeSet<&'static str> {
    let of = |wanted: bool| -> BTreeSet<_> {
        let programs = all
            .iter()
            .filter(|program| programs.contains(&program.name) == wanted);
        programs.flat_map(|program| program.maps).copied().collect()
    };
    &of(false) - &of(true)
}

#[cfg(test)]
mod tests {
    use super::{Program, maps};

    #[test]
    fn what_a_loaded_program_names_is_made() {
        let program = |name, maps| Program {
            name,
            section: "",
            types: &[],
            maps,
        };
        let all = [
            program("exit", &["events", "scratch"]),
            program("enter", &["inflight"]),
            program("pair", &["events", "inflight", "long"]),
        ];
        let unused = |programs| maps(&all, programs).into_iter().collect::<Vec<_>>();
        assert_eq!(unused(&["exit"]), ["inflight", "long"]);
        assert_eq!(unused(&["exit", "enter"]), ["long"]);
        assert!(unused(&["exit", "pair"]).is_empty());
    }
}
