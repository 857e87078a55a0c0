// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an account of losses will be worth, before anything is loaded.

use crate::data::loss::Certainty;
use crate::kernel::probe::Rung;
use crate::kernel::{Kernel as _, Place, Running, Types};
use crate::trace::options::Options;
use crate::trace::tracer::AnyHooks;

/// What the account of losses is worth on each rung of a tool with default settings, at its worst on this kernel; best
/// rung first.
pub(crate) fn accounts(hooks: &dyn AnyHooks, options: &Options) -> Vec<(&'static str, Certainty)> {
    let facts = hooks.facts();
    let kernel = Running::only_asked();
    let preempted = |section: &str| Place::of_section(section).and_then(|at| kernel.preempts(at));
    let counts = Types::read(options.btf.as_deref()).is_some_and(|types| types.counts_skipped());
    let worst = |rung: &Rung| {
        let programs = rung.programs.iter();
        let sections = programs
            .filter(|program| hooks.loses(program))
            .filter_map(|program| facts.object.section(program));
        let of = |section: &str| {
            let kind = section.split('/').next().unwrap_or_default();
            if matches!(Place::of_section(section), Some(Place::UserFunctions)) {
                // None of them is refused.
                if kernel.skips_uprobes() {
                    Certainty::Unknown
                } else {
                    Certainty::Exact
                }
            } else if kind == "tp" || kind.starts_with("kprobe") || kind == "kretprobe" {
                if counts {
                    Certainty::AtMost
                } else {
                    Certainty::Unknown
                }
            } else if facts.interrupted || preempted(section).is_some() {
                Certainty::AtMost
            } else {
                Certainty::Exact
            }
        };
        sections.map(of).max().unwrap_or_default()
    };
    // Rungs that differ by their functions are one to the user.
    let of_label = |label| {
        let rungs = facts
            .ladder
            .rungs
            .iter()
            .filter(move |rung| rung.label == label);
        rungs.map(worst).max().unwrap_or_default()
    };
    let labels = facts.ladder.labels().into_iter();
    labels.map(|label| (label, of_label(label))).collect()
}
