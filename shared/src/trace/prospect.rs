// SPDX-License-Identifier: MIT OR Apache-2.0
//! What would become of a tool on this kernel, without running it.

use crate::confine::privilege;
use crate::data::loss::Certainty;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::probe::Passed;
use crate::trace::options::Options;
use crate::trace::session;
use crate::trace::tracer::Hooks;

/// Which rung `auto` would take, and how that is known.
#[derive(Debug)]
pub struct Prospect {
    /// The rung's label; `None` where no rung would do.
    pub rung: Option<&'static str>,
    /// What that rung does not show, as [`Rung::unseen`](crate::kernel::probe::Rung::unseen) has it.
    pub unseen: &'static [&'static str],
    /// The rungs before it, or all of them, each with what it lacked.
    pub passed: Vec<Passed>,
    /// Whether the rungs were loaded and attached. Else it was only asked for what they need, and the kernel may still
    /// refuse what it describes.
    pub tried: bool,
    /// What the account of losses is worth on each rung at its worst, best rung first.
    pub accounts: Vec<(&'static str, Certainty)>,
    /// What is wrong beside the rungs, such as a file that is no BTF.
    pub failure: Option<Error>,
}

impl Prospect {
    /// Of a tool with default settings. Where the calling thread has the capabilities, the programs are loaded and
    /// attached for a moment; what they tell of meanwhile is not read.
    pub fn of<T: Hooks + Default>(options: &Options) -> Self {
        let tried = privilege::missing().is_ok_and(|missing| missing.is_empty());
        // Of each rung the kernel would only say the same.
        if tried && let Some(refusal) = privilege::refusal() {
            return Self {
                rung: None,
                unseen: &[],
                passed: Vec::new(),
                tried,
                accounts: session::accounts(&T::default(), options),
                failure: Some(refusal.into()),
            };
        }
        let (rung, passed, failure) = match session::foresee(&T::default(), options, tried) {
            Ok(Ok((passed, rung))) => (Some(rung), passed, None),
            Ok(Err(passed)) => (None, passed, None),
            Err(error) => (None, Vec::new(), Some(error)),
        };
        Self {
            rung: rung.map(|rung| rung.label),
            unseen: rung.map_or(&[], |rung| rung.unseen),
            passed,
            tried,
            accounts: session::accounts(&T::default(), options),
            failure,
        }
    }

    /// The labels of the rungs that a tool with default settings would try on a kernel, in their order; with a label, that
    /// one if the kernel has what it needs.
    pub fn order<T: Hooks + Default>(
        kernel: &dyn Kernel,
        label: Option<&str>,
    ) -> Vec<&'static str> {
        session::order(&T::default(), label, kernel)
    }
}
