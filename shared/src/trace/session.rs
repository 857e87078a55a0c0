// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a tracer and its options to attached programs: down the ladder until a rung holds.

mod accounts;
mod attached;
mod buffers;
mod configure;
mod open;
mod refusals;
mod rings;
mod unused;
mod user;

use std::os::fd::{AsFd, OwnedFd};

use libbpf_rs::{Map, MapCore, MapHandle, Object, OpenObject};

pub(crate) use self::accounts::accounts;
use self::attached::Attached;
pub(crate) use self::attached::Session;
use self::buffers::Buffers;
use self::open::{check_btf, checked_btf, select};
use crate::confine::privilege::{self, Refusal};
use crate::data::state::State;
use crate::data::transport::{self, PERF_MOST_BYTES, Transport};
use crate::error::{Error, Kind, Result};
use crate::event::users;
use crate::kernel::cpus;
use crate::kernel::kfunc;
use crate::kernel::minimal_btf::MinimalBtf;
use crate::kernel::probe::{self, Ladder, Need, Passed, Programs, Rung, Wishes};
use crate::kernel::{self, Kernel, Running};
use crate::symbols::Found;
use crate::trace::descendants::Descendants;
use crate::trace::filters;
use crate::trace::libbpf_log;
use crate::trace::object::Opened;
use crate::trace::options::{Buffer, Options};
use crate::trace::tracer::{AnyHooks, Facts};

/// Loaded only when a process is followed.
const FOLLOW_PROGRAMS: [&str; 2] = ["follow_fork_raw", "follow_exit_raw"];

/// The way down a ladder: why rungs were passed over, and what was made of the one that was taken. The error is that
/// none was.
type Descent<R> = Result<(Vec<Passed>, R), Vec<Passed>>;

/// What an attempt at one rung is made with.
struct Attempt<'a> {
    hooks: &'a dyn AnyHooks,
    facts: Facts,
    options: &'a Options,
    /// One more than the highest number of a CPU.
    cpus: u32,
    perf: bool,
    buffers: Buffers,
    /// The kernel may refuse to run a program that follows processes.
    adopt: bool,
    filters: filters::Maps,
    kernel: Running,
    /// It is only tried what would become of a run.
    trial: bool,
}

/// A tracer's session, what carries its events, and what `beside` takes of the object before it is attached.
pub(crate) fn start<B>(
    tracer: &dyn AnyHooks,
    options: &Options,
    beside: impl Fn(&Loaded<'_>) -> Result<B>,
) -> Result<(Session, (Transport, B))> {
    if options.names {
        users::read();
    }
    let perf = options.buffer == Buffer::Perf;
    let most = tracer.most_bytes() + options.behind_bytes();
    if perf && most > PERF_MOST_BYTES {
        return Err(Error::usage(format!(
            "an event may have {most} bytes, and perf buffers carry {PERF_MOST_BYTES} at most"
        ))
        .help("use --buffer ring, or ask for less"));
    }
    if perf && options.rings.is_some() {
        return Err(
            Error::usage("perf buffers are one for each CPU, and not rings".to_owned())
                .help("leave out --buffer perf, or --buffer-rings"),
        );
    }
    let (mut session, (transport, bytes, beside)) = attach_first(tracer, options, |loaded| {
        let bytes = loaded.buffer_bytes;
        let transport = if perf {
            let events = map_fd(loaded.object, "events")?;
            Transport::perf(events, bytes, options.latency)
        } else {
            let rings = rings::join(loaded.object, loaded.other_rings)?;
            Transport::rings(rings, options.latency)
        };
        Ok((transport?, bytes, beside(loaded)?))
    })?;
    let carried = transport::event_most_bytes(bytes, perf) as usize;
    if carried < most {
        session.notes.push(format!(
            "an event may have {most} bytes, and a buffer of {bytes} carries {carried} at most: what is larger will be lost (too_large)"
        ));
    }
    Ok((session, (transport, beside)))
}

/// An object that was loaded, and is not attached yet.
pub(crate) struct Loaded<'a> {
    /// The rung's label.
    pub(crate) rung: &'static str,
    pub(crate) object: &'a Object,
    /// Of each ring, or of each CPU's perf buffer.
    buffer_bytes: usize,
    /// Those rings that the object does not have of itself.
    other_rings: &'a [MapHandle],
}

/// Loads and attaches the first rung that the kernel takes. `reader` takes what it needs to read the object's maps, before
/// the attach, so that the first event finds its reader.
pub(crate) fn attach_first<R>(
    hooks: &dyn AnyHooks,
    options: &Options,
    reader: impl Fn(&Loaded<'_>) -> Result<R>,
) -> Result<(Session, R)> {
    let ladder = hooks.facts().ladder;
    check_label(ladder, options.probe.as_deref())?;
    privilege::require()?;
    if hooks.facts().in_files.is_some() {
        privilege::require_for_uprobes()?;
    }
    let attempt = Attempt::new(hooks, options, Running::new())?;
    let tried = attempt.descend(|rung, programs| attempt.rung(rung, programs, &reader))?;
    match tried {
        Ok((passed, (mut session, reader))) => {
            session.passed = passed;
            Ok((session, reader))
        }
        Err(passed) => {
            let reasons: Vec<_> = passed.iter().map(Passed::to_string).collect();
            Err(Error::new(
                Kind::Unsupported,
                format!("this kernel offers no way to trace {}", ladder.subject),
            )
            .help(reasons.join("\n  ")))
        }
    }
}

/// Gives the rungs to `then` in the order in which they are tried on this kernel, as [`probe::plan`] has them; with a label
/// those of that label alone.
fn planned<R>(
    hooks: &dyn AnyHooks,
    label: Option<&str>,
    kernel: &dyn Kernel,
    then: impl FnOnce(&mut dyn Iterator<Item = Result<(&'static Rung, Programs), Passed>>) -> R,
) -> R {
    let facts = hooks.facts();
    let wishes = Wishes {
        label,
        wants: &|program| hooks.wants(program),
        unfit: &|label| hooks.unfit(label),
        preemptible: facts.preemptible,
        section: &|program| facts.object.section(program).map(str::to_owned),
    };
    then(&mut probe::plan(facts.ladder, &wishes, kernel))
}

/// The labels of the rungs that a kernel has what they need for, in the order in which they would be tried there.
pub(crate) fn order(
    hooks: &dyn AnyHooks,
    label: Option<&str>,
    kernel: &dyn Kernel,
) -> Vec<&'static str> {
    planned(hooks, label, kernel, |rungs| {
        let mut labels = Vec::new();
        for (rung, _) in rungs.flatten() {
            // Each once: a later way to do what a label says comes only where the first is refused.
            if !labels.contains(&rung.label) {
                labels.push(rung.label);
            }
        }
        labels
    })
}

/// Which rung would be taken, and why none that is better. With `trial` each is loaded, attached and taken off again,
/// so that nothing is left to guess; without, only what can be asked of the kernel without privilege counts.
pub(crate) fn foresee(
    hooks: &dyn AnyHooks,
    options: &Options,
    trial: bool,
) -> Result<Descent<&'static Rung>> {
    if !trial {
        let attempt = Attempt::new(hooks, options, Running::only_asked())?;
        return attempt.descend(|rung, _| Ok(Ok(rung)));
    }
    let attempt = Attempt {
        trial: true,
        ..Attempt::new(hooks, options, Running::new())?
    };
    attempt.descend(|rung, programs| {
        let tried = attempt.rung(rung, programs, |_| Ok(()))?;
        Ok(tried.map(|_| rung))
    })
}

fn check_label(ladder: &Ladder, label: Option<&str>) -> Result<()> {
    match label {
        Some(label) if !ladder.labels().contains(&label) => Err(Error::usage(format!(
            "there is no probe '{label}'"
        ))
        .help(format!(
            "use auto, or one of: {}",
            ladder.labels().join(", ")
        ))),
        _ => Ok(()),
    }
}

impl<'a> Attempt<'a> {
    fn new(hooks: &'a dyn AnyHooks, options: &'a Options, kernel: Running) -> Result<Self> {
        check_btf(options)?;
        let perf = options.buffer == Buffer::Perf;
        Ok(Self {
            hooks,
            facts: hooks.facts(),
            options,
            cpus: cpus::end()?,
            perf,
            buffers: Buffers::of(options, hooks.most_bytes() + options.behind_bytes())?,
            // What forks while the descendants are looked for is made good like a fork that was missed.
            adopt: options.children || options.follow.is_some() && kernel::may_miss_forks(),
            filters: filters::Maps::new(&options.kernel_filter())?,
            kernel,
            trial: false,
        })
    }

    /// Goes down the ladder until `step` takes a rung that the kernel has the needs of; gives what it made of it, and
    /// why the better ones were passed over.
    fn descend<R>(
        &self,
        step: impl Fn(&'static Rung, &Programs) -> Result<Result<R, Passed>>,
    ) -> Result<Descent<R>> {
        let label = self.options.probe.as_deref();
        planned(self.hooks, label, &self.kernel, |rungs| {
            let mut passed = Vec::new();
            for rung in rungs {
                let reason = match rung {
                    Err(reason) => reason,
                    Ok((rung, programs)) => match step(rung, &programs)? {
                        Err(reason) => reason,
                        Ok(taken) => {
                            // The same way by another function's name is none that is better.
                            passed.retain(|passed: &Passed| passed.label != rung.label);
                            return Ok(Ok((passed, taken)));
                        }
                    },
                };
                if passed.last() != Some(&reason) {
                    passed.push(reason);
                }
            }
            Ok(Err(passed))
        })
    }

    /// Tries one rung. The inner error passes it over; the outer one ends the search.
    fn rung<R>(
        &self,
        rung: &Rung,
        programs: &Programs,
        reader: impl Fn(&Loaded<'_>) -> Result<R>,
    ) -> Result<Result<(Session, R), Passed>> {
        let pass = |reason: String| {
            Ok(Err(Passed {
                label: rung.label,
                reason,
            }))
        };
        let log = libbpf_log::capture();
        let loaded = self.with_followers(programs);
        let minimal = self.minimal_btf(programs, &loaded);
        let types = match &self.options.btf {
            Some(path) => Some(checked_btf(path)?),
            None => minimal.as_ref().and_then(MinimalBtf::path),
        };
        let mut open = self.facts.object.open(self.facts.name, types.as_deref())?;
        select(&mut open, &loaded);
        if let Err(lacking) = kfunc::resolve(&mut open) {
            return pass(lacking);
        }
        let other_rings = self.other_rings(&open)?;
        self.configure_shared(&mut open, &loaded, &other_rings)?;
        self.hooks
            .configure(rung.label, &mut Opened::new(&mut open))?;
        let object = match open.load() {
            Ok(object) => object,
            // The hint that libbpf gives, whatever the cause.
            Err(error) if is_refusal(&error) && privilege::in_user_namespace() => {
                return Err(Refusal::UserNamespace.into());
            }
            Err(error)
                if is_refusal(&error)
                    && log.says(MEMLOCK)
                    && kernel::maps_count_as_locked(self.options.btf.as_deref()) =>
            {
                return Err(memlock());
            }
            Err(error) => {
                return pass(format!(
                    "the kernel refused to load it: {error}{}",
                    log.tail()
                ));
            }
        };
        let cgroups = self.filters.fill(&object, self.options)?;
        let state = State::map(map_fd(&object, ".bss.shared")?)?;
        let descendants = self.descendants()?;
        if let Some(descendants) = &descendants {
            descendants.put(&object)?;
        }
        let first = descendants.as_ref().map_or(0, Descendants::count);
        state.follow_first(first + u32::from(self.options.follow.is_some()));
        let reader = reader(&Loaded {
            rung: rung.label,
            object: &object,
            buffer_bytes: self.buffers.bytes,
            other_rings: &other_rings,
        })?;
        let files = self.files(programs)?;
        let loses = |program: &str| self.hooks.loses(program);
        let attached = Session::attach(
            &object,
            rung.label,
            state,
            Attached {
                bounds: self.hooks.bounds(),
                loses: &loses,
                files: &files.targets,
                skips_uprobes: !files.targets.is_empty() && self.kernel.skips_uprobes(),
            },
        );
        match attached {
            Err(reason) => pass(format!("{reason}{}", log.tail())),
            Ok(mut session) => {
                if let Some(descendants) = descendants {
                    descendants.complete(&object, &session.state)?;
                }
                session.filter_by(cgroups);
                session.hooked = hooked(&files);
                session.notes = files.notes;
                Ok(Ok((session, reader)))
            }
        }
    }

    /// The files in which functions of programs are hooked.
    fn files(&self, programs: &Programs) -> Result<Found> {
        let Some(files) = self.facts.in_files else {
            return Ok(Found::default());
        };
        let programs: Vec<_> = programs
            .iter()
            .filter_map(|program| self.facts.object.program(program).copied())
            .collect();
        let found = user::find(files, &self.hooks.files(), &programs);
        // Whether there is a file is no matter of the kernel's.
        if self.trial {
            Ok(found.unwrap_or_default())
        } else {
            found
        }
    }

    /// The processes that run and are followed.
    fn descendants(&self) -> Result<Option<Descendants>> {
        let roots = self.options.filter.pid.wanted();
        let children = self.options.children;
        children.then(|| Descendants::of(roots)).transpose()
    }

    /// The rings that an object needs beside its own.
    fn other_rings(&self, object: &OpenObject) -> Result<Vec<MapHandle>> {
        if self.perf || !object.maps().any(|map| map.name() == rings::SHARDS) {
            return Ok(Vec::new());
        }
        self.buffers.rings.make_others(self.buffers.bytes)
    }

    /// What the programs that are loaded name of the kernel's types; `programs` are those of the rung.
    fn minimal_btf(&self, programs: &Programs, loaded: &Programs) -> Option<MinimalBtf> {
        let typed = programs.iter().any(|program| {
            let section = self.facts.object.section(program);
            let needs = section.and_then(Need::of_section);
            matches!(needs, Some(Need::BtfTracepoint(_) | Need::BtfFunction(_)))
        });
        let named = loaded
            .iter()
            .filter_map(|program| self.facts.object.program(program));
        let types = named.map(|program| program.types);
        MinimalBtf::of(self.kernel.btf()?, types, typed)
    }

    /// The programs, and those that follow processes where that is asked for.
    fn with_followers(&self, programs: &Programs) -> Programs {
        let mut programs = programs.clone();
        if self.options.follows() {
            let [fork, exit] = FOLLOW_PROGRAMS;
            programs.push(fork);
            if !self.facts.forgets_followed {
                programs.push(exit);
            }
        }
        programs
    }
}

/// What is hooked of programs' files, line by line.
fn hooked(files: &Found) -> Vec<String> {
    let mut lines: Vec<_> = files
        .targets
        .iter()
        .map(|target| format!("hooked in {target}"))
        .collect();
    if files.hidden > 0 {
        lines.push(format!(
            "not hooked are files that only processes have mapped which may not be looked into: {} (CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE)",
            files.hidden
        ));
    }
    lines
}

/// The object's map of this name.
pub(crate) fn find_map<'o>(object: &'o Object, name: &str) -> Result<Map<'o>> {
    let missing = || Error::new(Kind::Bpf, format!("the BPF object has no map {name}"));
    object
        .maps()
        .find(|map| map.name() == name)
        .ok_or_else(missing)
}

/// The same, to be kept.
pub(crate) fn keep_map(object: &Object, name: &str) -> Result<MapHandle> {
    MapHandle::try_from(&find_map(object, name)?)
        .map_err(|error| bpf_error("cannot keep a map", &error))
}

fn map_fd(object: &Object, name: &str) -> Result<OwnedFd> {
    find_map(object, name)?
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| Error::io("cannot keep a map", &error))
}

pub(crate) fn is_refusal(error: &libbpf_rs::Error) -> bool {
    error.kind() == libbpf_rs::ErrorKind::PermissionDenied
}

/// What libbpf says when it may not raise the limit on locked memory. That alone is no failure.
const MEMLOCK: &str = "RLIMIT_MEMLOCK";

fn memlock() -> Error {
    Error::new(
        Kind::Permission,
        "the limit on locked memory (RLIMIT_MEMLOCK) is too low for the BPF maps",
    )
    .help("kernels before 5.11 count maps against it: raise it (ulimit -l unlimited), or grant CAP_SYS_RESOURCE as well")
}

pub(crate) fn bpf_error(what: &str, error: &libbpf_rs::Error) -> Error {
    Error::new(Kind::Bpf, format!("{what}: {error}"))
}
