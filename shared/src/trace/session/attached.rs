// SPDX-License-Identifier: MIT OR Apache-2.0
//! A loaded object while it is attached, and its end.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use libbpf_rs::{Link, Object};

use super::refusals::{self, Refusals};
use super::{FOLLOW_PROGRAMS, user};
use crate::data::loss::{Cause, Certainty, Counts};
use crate::data::state::State;
use crate::kernel::probe::Passed;
use crate::symbols::Target;
use crate::trace::cgroups::Cgroups;

/// How often the end looks whether the calls under way have returned, and after that, whether the programs have ended
/// that were putting an event together: the kernel may have taken their tasks off the CPU.
const CALL_STEPS: u32 = 20;
const PROGRAM_STEPS: u32 = 200;

/// After what time it looks again.
const CLOSING_STEP: Duration = Duration::from_millis(1);

/// A loaded and attached object. Its maps and programs live as long as the descriptors in here do.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) rung: &'static str,
    pub(crate) passed: Vec<Passed>,
    pub(crate) state: Arc<State>,
    /// The cgroups that are filtered by, until the run takes them over to follow them.
    pub(crate) cgroups: Option<Cgroups>,
    /// Whether one of these was made again, so that not all that ran in it was seen.
    interrupted: Option<Arc<AtomicBool>>,
    /// What the user is to know from the start.
    pub(crate) notes: Vec<String>,
    /// In which files functions of programs are hooked, line by line.
    pub(crate) hooked: Vec<String>,
    /// Causes whose counts are no more than bounds: see [`Hooks::bounds`](crate::trace::tracer::Hooks::bounds).
    pub(crate) bounds: &'static [Cause],
    /// Whether the kernel may skip a program, and with it an event, and count nothing.
    uncounted: bool,
    links: Vec<Link>,
    /// The programs of which a refused run may be a lost event.
    refusals: Vec<Refusals>,
    /// How often the kernel passed over a kprobe with its program, as it was when the links were last there.
    nested: u64,
    detached: bool,
    /// Held so that what the tool takes of the kernel's memory can be seen in its descriptors, and for their counters.
    _maps: Vec<OwnedFd>,
    /// Held as the maps are.
    _programs: Vec<OwnedFd>,
}

/// What is to be known of programs to attach them.
pub(crate) struct Attached<'a> {
    /// As of [`Session::bounds`].
    pub(super) bounds: &'static [Cause],
    /// Whether a run of a program that the kernel refuses is a lost event.
    pub(super) loses: &'a dyn Fn(&str) -> bool,
    /// Where functions of programs are.
    pub(super) files: &'a [Target],
    /// Whether the kernel may skip programs there, and count nothing.
    pub(super) skips_uprobes: bool,
}

impl Session {
    /// Attaches what was loaded, program by program. What was attached before a refusal is detached.
    pub(crate) fn attach(
        object: &Object,
        rung: &'static str,
        state: State,
        attached: Attached<'_>,
    ) -> Result<Self, String> {
        let Attached {
            bounds,
            loses,
            files,
            skips_uprobes,
        } = attached;
        let is_follow = |name: &str| FOLLOW_PROGRAMS.contains(&name);
        let mut session = Self {
            rung,
            passed: Vec::new(),
            state: Arc::new(state),
            cgroups: None,
            interrupted: None,
            notes: Vec::new(),
            hooked: Vec::new(),
            bounds,
            uncounted: skips_uprobes,
            links: Vec::new(),
            refusals: Vec::new(),
            nested: 0,
            detached: false,
            _maps: Vec::new(),
            _programs: Vec::new(),
        };
        // The processes of a command that is followed must be known before their events are.
        let (follow, rest): (Vec<_>, Vec<_>) = object
            .progs_mut()
            .filter(|program| program.autoload())
            .partition(|program| program.name().to_str().is_some_and(is_follow));
        for program in follow.into_iter().chain(rest) {
            let name = program.name().display().to_string();
            let section = program.section().to_str().unwrap_or_default();
            let functions = user::Functions::of_section(section);
            let links = match functions {
                Some(functions) => user::attach(&program, functions, files),
                None => program
                    .attach()
                    .map(|link| vec![link])
                    .map_err(|error| error.to_string()),
            };
            let links =
                links.map_err(|error| format!("the kernel refused to attach {name}: {error}"))?;
            let kept = program
                .as_fd()
                .try_clone_to_owned()
                .map_err(|error| format!("cannot keep {name}: {error}"))?;
            if is_follow(&name) {
                session.watch(&kept, Cause::FollowMissed);
            } else if functions.is_none() && loses(&name) {
                session.watch(&kept, Cause::Recursion);
                session.uncounted |= refusals::is_classic(program.prog_type())
                    && links.iter().any(|link| refusals::missed(link).is_none());
            }
            session.links.extend(links);
            session._programs.push(kept);
        }
        // A map that no loaded program uses was not made.
        let maps = object.maps().filter(|map| map.autocreate());
        let maps = maps.filter_map(|map| map.as_fd().try_clone_to_owned().ok());
        session._maps = maps.collect();
        Ok(session)
    }

    /// Takes over the cgroups that are filtered by, until the run asks for them.
    pub(crate) fn filter_by(&mut self, cgroups: Option<Cgroups>) {
        self.interrupted = cgroups.as_ref().map(Cgroups::interrupted);
        self.cgroups = cgroups;
    }

    /// Keeps the program's count of refused runs in sight.
    fn watch(&mut self, program: &OwnedFd, cause: Cause) {
        match Refusals::of(program, cause) {
            Ok(refusals) => self.refusals.push(refusals),
            // Without /proc, for one.
            Err(_) => self.uncounted = true,
        }
    }

    /// Takes the programs off their hooks. They stay loaded, for their counters.
    pub(crate) fn detach(&mut self) {
        // Calls under way are seen to their end, unless they take their time.
        self.state.close();
        wait(CALL_STEPS, || self.state.calls_under_way() == 0);
        self.nested = self.nested();
        self.detached = true;
        // In turn, the last first: entries before exits.
        while self.links.pop().is_some() {}
        // To take a program off its hook is not to wait for those who are in it.
        wait(PROGRAM_STEPS, || self.state.unfinished() == 0);
    }

    fn nested(&self) -> u64 {
        self.links.iter().filter_map(refusals::missed).sum()
    }

    /// What was lost so far, by cause. Calls that are under way have no exit yet: those that will have none are known once
    /// the programs are detached.
    pub(crate) fn losses(&self) -> Counts {
        let mut losses = Counts::default();
        for (cause, count) in self.state.counted() {
            let exit = matches!(
                cause,
                Cause::KprobeMissed | Cause::FexitMissed | Cause::Unfinished
            );
            if exit && !self.detached {
                continue;
            }
            if self.bounds.contains(&cause) {
                losses.add_at_most(cause, count);
            } else {
                losses.add(cause, count);
            }
        }
        for refusals in &self.refusals {
            let (cause, count) = refusals.count();
            losses.add(cause, count);
        }
        let nested = if self.detached {
            self.nested
        } else {
            self.nested()
        };
        losses.add(Cause::KprobeNested, nested);
        losses
    }

    /// What these losses are worth.
    pub(crate) fn certainty(&self, losses: &Counts) -> Certainty {
        // Of a process that was not followed, and of a cgroup before it was found, nobody knows how many events were missed.
        let interrupted = self.interrupted.as_ref();
        if self.uncounted
            || losses.get(Cause::FollowFull) > 0
            || interrupted.is_some_and(|interrupted| interrupted.load(Ordering::Relaxed))
        {
            Certainty::Unknown
        } else if losses.total_at_most() > 0 {
            Certainty::AtMost
        } else {
            Certainty::Exact
        }
    }
}

/// Waits until it is so, or so many steps have passed.
fn wait(steps: u32, is_so: impl Fn() -> bool) {
    for _ in 0..steps {
        if is_so() {
            break;
        }
        sleep(CLOSING_STEP);
    }
}
