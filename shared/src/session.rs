// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a tracer and its options to attached programs: down the ladder until a rung holds.

use std::ffi::CString;
use std::fs::{self, File};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libbpf_rs::btf::Btf;
use libbpf_rs::libbpf_sys;
use libbpf_rs::skel::{OpenSkel, Skel, SkelBuilder};
use libbpf_rs::{Link, MapCore, MapType, Object, OpenMapMut, OpenObject, num_possible_cpus};

use crate::error::{Error, Kind, Result};
use crate::filters::{self, Pinned};
use crate::kernel::{self, Running};
use crate::knobs;
use crate::libbpf_log;
use crate::loss::{Cause, Counts};
use crate::options::{Buffer, Options};
use crate::privilege;
use crate::probe::{self, Ladder, Passed, Programs, Rung};
use crate::state::State;
use crate::tracer::Tracer;
use crate::transport::{Transport, page_bytes};

/// The ring's size unless asked otherwise: what 530,000 opens a second need while the reader is off its CPU.
const RING_BYTES: usize = 4 << 20;

/// Each CPU's perf buffer unless asked otherwise.
const PERF_BYTES: usize = 1 << 20;

/// How many processes can be followed at once.
const FOLLOWED_MAX: u32 = 65536;

/// Loaded only when a process is followed.
const FOLLOW_PROGRAMS: [&str; 2] = ["follow_fork_raw", "follow_exit_raw"];

/// A loaded and attached object. Its maps and programs live as long as the descriptors in here do.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) rung: &'static str,
    pub(crate) buffer: &'static str,
    pub(crate) passed: Vec<Passed>,
    pub(crate) state: State,
    links: Vec<Link>,
    programs: Vec<OwnedFd>,
}

/// What an attempt at one rung is made with.
struct Attempt<'a, T: Tracer> {
    tracer: &'a T,
    options: &'a Options,
    cpus: u32,
    perf: bool,
    buffer_bytes: usize,
    pinned: Pinned,
}

/// Loads and attaches the first rung that the kernel takes.
pub(crate) fn start<T: Tracer>(tracer: &T, options: &Options) -> Result<(Session, Transport)> {
    let ladder = T::LADDER;
    check_label(ladder, options.probe.as_deref())?;
    privilege::require()?;
    if options.btf.is_none() && !kernel::has_btf() {
        return Err(Error::new(Kind::Unsupported, "this kernel does not describe its types (no /sys/kernel/btf/vmlinux)")
            .help("boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, or give its detached BTF with --btf FILE"));
    }
    let perf = options.buffer == Buffer::Perf;
    let attempt = Attempt {
        tracer,
        options,
        cpus: cpus()?,
        perf,
        buffer_bytes: buffer_bytes(options, perf),
        pinned: Pinned::open(&options.filter)?,
    };
    let kernel = Running::new();
    let mut passed = Vec::new();
    for rung in ladder.rungs {
        if options
            .probe
            .as_deref()
            .is_some_and(|label| label != rung.label)
        {
            continue;
        }
        match attempt.rung(rung, &kernel)? {
            Ok((mut session, transport)) => {
                session.passed = passed;
                return Ok((session, transport));
            }
            Err(reason) => passed.push(reason),
        }
    }
    let reasons: Vec<_> = passed.iter().map(Passed::to_string).collect();
    Err(Error::new(
        Kind::Unsupported,
        format!("this kernel offers no way to trace {}", ladder.subject),
    )
    .help(reasons.join("\n  ")))
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

fn cpus() -> Result<u32> {
    num_possible_cpus()
        .ok()
        .and_then(|cpus| u32::try_from(cpus).ok())
        .ok_or_else(|| Error::new(Kind::Io, "cannot read /sys/devices/system/cpu/possible"))
}

/// A power of two of pages, as both kinds of buffer want it.
fn buffer_bytes(options: &Options, perf: bool) -> usize {
    let default = if perf { PERF_BYTES } else { RING_BYTES };
    options
        .buffer_bytes
        .unwrap_or(default)
        .max(page_bytes())
        .checked_next_power_of_two()
        .unwrap_or(default)
}

impl<T: Tracer> Attempt<'_, T> {
    /// Tries one rung. The inner error passes it over; the outer one ends the search.
    fn rung(&self, rung: &Rung, kernel: &Running) -> Result<Result<(Session, Transport), Passed>> {
        let pass = |reason: String| {
            Ok(Err(Passed {
                label: rung.label,
                reason,
            }))
        };
        let log = libbpf_log::capture();
        let mut slot = MaybeUninit::uninit();
        let mut open = self.open(&mut slot)?;
        let programs = {
            let object = open.open_object();
            let section = |name: &str| {
                let program = object.progs().find(|program| program.name() == name)?;
                program.section().to_str().map(str::to_owned)
            };
            match probe::resolve(rung, self.tracer.unwanted(), section, kernel) {
                Ok(programs) => programs,
                Err(passed) => return Ok(Err(passed)),
            }
        };
        select(
            open.open_object_mut(),
            &programs,
            self.options.follow.is_some(),
        );
        self.configure_shared(open.open_object_mut())?;
        self.tracer.configure(rung.label, &mut open)?;
        let skel = match open.load() {
            Ok(skel) => skel,
            Err(error) if is_refusal(&error) && log.says(MEMLOCK) => return Err(memlock()),
            Err(error) => {
                return pass(format!(
                    "the kernel refused to load it: {error}{}",
                    log.tail()
                ));
            }
        };
        let object = skel.object();
        filters::fill(object, self.options, &self.pinned)?;
        // Before the attach, so that the first event finds its reader.
        let (events, state) = (
            map_fd(object, "events")?,
            State::map(map_fd(object, ".bss.shared")?)?,
        );
        let transport = if self.perf {
            Transport::perf(events, self.buffer_bytes, self.options.latency)?
        } else {
            Transport::ring(events, self.options.latency)?
        };
        match attach(object) {
            Err(reason) => pass(format!("{reason}{}", log.tail())),
            Ok((links, programs)) => Ok(Ok((
                Session {
                    rung: rung.label,
                    buffer: if self.perf { "perf" } else { "ring" },
                    passed: Vec::new(),
                    state,
                    links,
                    programs,
                },
                transport,
            ))),
        }
    }

    fn open<'o>(
        &self,
        slot: &'o mut MaybeUninit<OpenObject>,
    ) -> Result<<T::Object as SkelBuilder<'o>>::Output> {
        let btf = match &self.options.btf {
            Some(path) => {
                File::open(path).map_err(|error| Error::io(path.display(), &error))?;
                Btf::from_path(path).map_err(|_| {
                    Error::new(Kind::Io, format!("{}: not BTF", path.display()))
                        .help("--btf takes a kernel's types as /sys/kernel/btf/vmlinux has them, or an ELF file with them in it")
                })?;
                Some(c_path(path)?)
            }
            None => None,
        };
        let opts = libbpf_sys::bpf_object_open_opts {
            sz: size_of::<libbpf_sys::bpf_object_open_opts>() as libbpf_sys::size_t,
            btf_custom_path: btf.as_ref().map_or(std::ptr::null(), |path| path.as_ptr()),
            ..Default::default()
        };
        T::Object::default()
            .open_opts(opts, slot)
            .map_err(|error| bpf_error("cannot open the BPF object", &error))
    }

    fn configure_shared(&self, object: &mut OpenObject) -> Result<()> {
        let ring_bytes = self.buffer_bytes;
        let knobs = knobs::shared(self.options, self.cpus, ring_bytes, self.perf)?;
        // SAFETY: integers and arrays of integers, without padding that is not a field.
        let knobs = unsafe { plain::as_bytes(&knobs) };
        let set = |error: libbpf_rs::Error| bpf_error("cannot set up the BPF object", &error);
        for mut map in object.maps_mut() {
            let name = map.name().to_owned();
            match name.as_bytes() {
                b".rodata.shared" => map.set_initial_value(knobs).map_err(set)?,
                b"events" => self.size_events(&mut map).map_err(set)?,
                b"scratch" => map.set_max_entries(self.cpus * T::EMITTERS).map_err(set)?,
                b"followed" if self.options.follow.is_some() => {
                    map.set_max_entries(FOLLOWED_MAX).map_err(set)?
                }
                b"cgroup_ids" | b"mntns_ids" => {
                    self.pinned.shape(&mut map).map_err(set)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn size_events(&self, map: &mut OpenMapMut<'_>) -> libbpf_rs::Result<()> {
        if self.perf {
            map.set_type(MapType::PerfEventArray)?;
            map.set_key_size(size_of::<u32>() as u32)?;
            map.set_value_size(size_of::<u32>() as u32)?;
            map.set_max_entries(self.cpus)
        } else {
            map.set_max_entries(u32::try_from(self.buffer_bytes).unwrap_or(1 << 31))
        }
    }
}

/// Only the rung's programs are loaded, and those that follow where that is asked for.
fn select(object: &mut OpenObject, programs: &Programs, follow: bool) {
    for mut program in object.progs_mut() {
        let name = program.name().to_str().unwrap_or_default().to_owned();
        let wanted = programs.contains(&name.as_str())
            || (follow && FOLLOW_PROGRAMS.contains(&name.as_str()));
        program.set_autoload(wanted);
    }
}

fn map_fd(object: &Object, name: &str) -> Result<OwnedFd> {
    let missing = || Error::new(Kind::Bpf, format!("the BPF object has no map {name}"));
    let map = object
        .maps()
        .find(|map| map.name() == name)
        .ok_or_else(missing)?;
    map.as_fd()
        .try_clone_to_owned()
        .map_err(|error| Error::io("cannot keep a map", &error))
}

/// Attaches what was loaded, program by program. What was attached before a refusal is detached.
fn attach(object: &Object) -> Result<(Vec<Link>, Vec<OwnedFd>), String> {
    let mut links = Vec::new();
    let mut programs = Vec::new();
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
        programs.push(
            program
                .as_fd()
                .try_clone_to_owned()
                .map_err(|error| format!("cannot keep {name}: {error}"))?,
        );
    }
    Ok((links, programs))
}

fn is_refusal(error: &libbpf_rs::Error) -> bool {
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

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::usage(format!("{}: a path cannot hold a NUL", path.display())))
}

pub(crate) fn bpf_error(what: &str, error: &libbpf_rs::Error) -> Error {
    Error::new(Kind::Bpf, format!("{what}: {error}"))
}

impl Session {
    /// Takes the programs off their hooks. They stay loaded, for their counters.
    pub(crate) fn detach(&mut self) {
        self.links.clear();
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
