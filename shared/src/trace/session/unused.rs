// SPDX-License-Identifier: MIT OR Apache-2.0
//! Maps that need not be made.

use std::collections::BTreeSet;

use crate::trace::tracer::NamedMaps;

/// The maps that programs of an object name, but none of these programs.
pub(super) fn maps(named: &NamedMaps, programs: &[&str]) -> BTreeSet<&'static str> {
    let of = |wanted: bool| -> BTreeSet<_> {
        let programs = named
            .iter()
            .filter(|(program, _)| programs.contains(program) == wanted);
        programs.flat_map(|(_, maps)| *maps).copied().collect()
    };
    &of(false) - &of(true)
}

#[cfg(test)]
mod tests {
    use super::maps;

    #[test]
    fn what_a_loaded_program_names_is_made() {
        let named: &[(&str, &[&str])] = &[
            ("exit", &["events", "scratch"]),
            ("enter", &["inflight"]),
            ("pair", &["events", "inflight", "long"]),
        ];
        let unused = |programs| maps(named, programs).into_iter().collect::<Vec<_>>();
        assert_eq!(unused(&["exit"]), ["inflight", "long"]);
        assert_eq!(unused(&["exit", "enter"]), ["long"]);
        assert!(unused(&["exit", "pair"]).is_empty());
        assert!(maps(&[], &["exit"]).is_empty(), "nothing is known");
    }
}
