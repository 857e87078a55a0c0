// SPDX-License-Identifier: MIT OR Apache-2.0
//! A loaded object while it is attached, and its end.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::thread::sleep;
use std::time::Duration;

use libbpf_rs::{Link, Object};

use super::FOLLOW_PROGRAMS;
use crate::loss::{Cause, Counts};
use crate::probe::Passed;
use crate::state::State;

/// How often, and after what time, the end looks whether the calls under way have returned.
const CLOSING_STEPS: u32 = 20;
const CLOSING_STEP: Duration = Duration::from_millis(1);

/// A loaded and attached object. Its maps and programs live as long as the descriptors in here do.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) rung: &'static str,
    pub(crate) passed: Vec<Passed>,
    pub(crate) state: State,
    links: Vec<Link>,
    /// Those of which a refused run is a lost event.
    programs: Vec<OwnedFd>,
    /// Held so that what the tool takes of the kernel's memory can be seen in its descriptors.
    _maps: Vec<OwnedFd>,
    /// Held as the maps are.
    _other_programs: Vec<OwnedFd>,
}

impl Session {
    /// Attaches what was loaded, program by program. What was attached before a refusal is detached. `loses` says
    /// of a program whether a run that the kernel refuses is a lost event.
    pub(crate) fn attach(
        object: &Object,
        rung: &'static str,
        state: State,
        loses: impl Fn(&str) -> bool,
    ) -> Result<Self, String> {
        let mut links = Vec::new();
        let (mut programs, mut others) = (Vec::new(), Vec::new());
        // The processes of a command that is followed must be known before their events are.
        let (follow, rest): (Vec<_>, Vec<_>) = object
            .progs_mut()
            .filter(|program| program.autoload())
            .partition(|program| FOLLOW_PROGRAMS.iter().any(|name| program.name() == *name));
        for program in follow.into_iter().chain(rest) {
            let name = program.name().display().to_string();
            let link = program
                .attach()
                .map_err(|error| format!("the kernel refused to attach {name}: {error}"))?;
            links.push(link);
            let kept = if loses(&name) {
                &mut programs
            } else {
                &mut others
            };
            kept.push(
                program
                    .as_fd()
                    .try_clone_to_owned()
                    .map_err(|error| format!("cannot keep {name}: {error}"))?,
            );
        }
        let maps = object.maps();
        let maps = maps.filter_map(|map| map.as_fd().try_clone_to_owned().ok());
        Ok(Self {
            rung,
            passed: Vec::new(),
            state,
            links,
            programs,
            _maps: maps.collect(),
            _other_programs: others,
        })
    }

    /// Takes the programs off their hooks. They stay loaded, for their counters.
    pub(crate) fn detach(&mut self) {
        // Calls under way are seen to their end, unless they take their time.
        self.state.close();
        for _ in 0..CLOSING_STEPS {
            if self.state.under_way() == 0 {
                break;
            }
            sleep(CLOSING_STEP);
        }
        // In turn, the last first: entries before exits.
        while self.links.pop().is_some() {}
    }

    /// What was lost so far, by cause.
    pub(crate) fn losses(&self) -> Counts {
        let mut losses = self.state.losses();
        for program in &self.programs {
            losses.add(Cause::Recursion, recursion_misses(program));
        }
        losses
    }
}

/// How often the kernel refused to run the program inside itself; counted since 5.12 ("bpf: Count the number of
/// times recursion was prevented"). Read from fdinfo, which needs no privilege, unlike bpf(2) on older kernels.
fn recursion_misses(program: &OwnedFd) -> u64 {
    fs::read_to_string(format!("/proc/self/fdinfo/{}", program.as_raw_fd()))
        .ok()
        .and_then(|info| {
            info.lines()
                .find_map(|line| line.strip_prefix("recursion_misses:")?.trim().parse().ok())
        })
        .unwrap_or(0)
}
