// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the running kernel offers, behind a trait so that the choice of rungs is tested against described kernels.

pub mod clock;
pub(crate) mod cpus;
pub(crate) mod kfunc;
pub(crate) mod ladder;
pub mod minimal_btf;
pub(crate) mod pid;
pub mod preemption;
pub mod probe;
pub(crate) mod spaces;

use std::cell::OnceCell;
use std::fs::{self, File};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use libbpf_rs::ProgramType;
use libbpf_rs::btf::types::{Composite, Enum, MemberAttr};
use libbpf_rs::btf::{Btf, BtfType};
use memchr::memmem;
use memmap2::{Mmap, MmapOptions};

use crate::kernel::probe::Need;

/// What decides which rungs can be tried.
pub trait Kernel {
    /// What is lacking for `need`, in words; `None` where it holds.
    fn lacks(&self, need: &Need) -> Option<String>;

    /// How it is known that a task can be preempted inside a program there; `None` where it cannot.
    ///
    /// Until it runs again, the kernel refuses the program to all other tasks of that CPU, and counts each refusal
    /// as recursion. With more busy threads than CPUs that is up to half of all system calls (measured on 7.3 under
    /// emulation), and 2 % of all execs (8 threads on 2 CPUs, on 7.0).
    fn preempts(&self, _place: Place) -> Option<String> {
        None
    }
}

/// Where a program runs, by what a kernel does to keep a task where it is meanwhile. Kprobes and tracepoints through
/// tracefs are no such place, except those of single system calls: the kernel disables preemption there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The tracepoints of system calls: `sys_enter` and `sys_exit` as raw or typed ones, and each call's own in tracefs.
    SystemCalls,
    /// All other raw and typed tracepoints.
    Tracepoints,
    /// A function's entry and exit.
    Functions,
    /// The entry and return of a program's function, in user space. The kernel does not refuse these to other tasks while
    /// one is preempted inside, so that several of one CPU may be in the same program.
    UserFunctions,
}

impl Place {
    /// Where the program in this ELF section runs; `None` where tasks are never preempted.
    pub fn of_section(section: &str) -> Option<Self> {
        let (kind, hook) = section.split_once('/')?;
        match (kind, hook) {
            ("tp_btf" | "raw_tp", "sys_enter" | "sys_exit") => Some(Self::SystemCalls),
            ("tp_btf" | "raw_tp", _) => Some(Self::Tracepoints),
            ("tp", hook) if hook.starts_with("syscalls/") => Some(Self::SystemCalls),
            ("fentry" | "fexit" | "fsession", _) => Some(Self::Functions),
            ("uprobe" | "uretprobe" | "uprobe.multi" | "uretprobe.multi", _) => {
                Some(Self::UserFunctions)
            }
            _ => None,
        }
    }
}

/// The kernel this process runs on.
#[derive(Debug, Default)]
pub struct Running {
    /// Nothing is loaded to find out: there is no privilege to.
    only_asked: bool,
    btf: OnceCell<Option<Described>>,
    fentry: OnceCell<bool>,
    tracefs: OnceCell<Option<PathBuf>>,
}

/// Where a kernel built with `CONFIG_DEBUG_INFO_BTF=y` offers its types (since 5.4).
const BTF: &str = "/sys/kernel/btf/vmlinux";

/// The kernel's types as bytes.
#[derive(Debug)]
enum Described {
    /// Where the kernel has them ("btf: Allow mmap of vmlinux btf", 6.16).
    Mapped(Mmap),
    /// In pieces of a page, which is all that a read of sysfs gives: over a thousand of them.
    Read(Vec<u8>),
}

impl Described {
    fn read() -> Option<Self> {
        let file = File::open(BTF).ok()?;
        // SAFETY: these bytes are the kernel's own, and stay as they are for as long as it runs.
        let mapped = unsafe { MmapOptions::new().populate().map_copy_read_only(&file) };
        match mapped {
            Ok(mapped) => Some(Self::Mapped(mapped)),
            Err(_) => fs::read(BTF).ok().map(Self::Read),
        }
    }
}

impl Deref for Described {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped,
            Self::Read(read) => read,
        }
    }
}

/// What is lacking without it, and what to do.
pub const NO_TRACEFS: &str =
    "tracefs is not mounted or not readable (mount -t tracefs tracefs /sys/kernel/tracing)";

/// Where tracefs is mounted, as far as the caller can see.
pub fn tracefs() -> Option<PathBuf> {
    ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.join("events").exists())
}

/// Whether the kernel sets kprobes by `perf_event_open(2)` (since 4.17, with `CONFIG_KPROBE_EVENTS`).
pub fn has_kprobes() -> bool {
    Path::new("/sys/bus/event_source/devices/kprobe").exists()
}

/// Whether the kernel sets uprobes by `perf_event_open(2)` (since 4.17, with `CONFIG_UPROBE_EVENTS`).
fn has_uprobes() -> bool {
    Path::new("/sys/bus/event_source/devices/uprobe").exists()
}

/// Whether maps count against the limit on locked memory, as they did before 5.11: so it is where the kernel has not the
/// helper that came with the change, `bpf_ktime_get_coarse_ns()`, by which libbpf tells it too.
pub(crate) fn maps_count_as_locked(btf: Option<&Path>) -> bool {
    Types::read(btf).is_some_and(|types| {
        let helpers = types.values("bpf_func_id");
        !helpers
            .iter()
            .any(|(name, _)| name == "BPF_FUNC_ktime_get_coarse_ns")
    })
}

/// Whether the kernel offers its own BTF.
pub fn has_btf() -> bool {
    Path::new(BTF).exists()
}

/// Whether the kernel may refuse to run a program at a fork, or it cannot be known.
pub(crate) fn may_miss_forks() -> bool {
    !has_btf() || Running::new().preempts(Place::Tracepoints).is_some()
}

/// Whether programs can have the current task with its type: there is a type, and `bpf_get_current_task_btf()` (since
/// 5.11). To find out costs one attempt to load a program of two instructions.
pub(crate) fn has_typed_current() -> bool {
    let helper = libbpf_rs::libbpf_sys::BPF_FUNC_get_current_task_btf;
    has_btf()
        && ProgramType::RawTracepoint
            .is_helper_supported(helper)
            .unwrap_or(false)
}

/// The types of a kernel: their numbers move between kernels, their names do not.
#[derive(Debug)]
pub struct Types(Btf<'static>);

impl Types {
    /// Those of the running kernel, or of the file that `--btf` names; `None` where they cannot be read.
    pub fn read(file: Option<&Path>) -> Option<Self> {
        Btf::from_path(file.unwrap_or(Path::new(BTF)))
            .ok()
            .map(Self)
    }

    /// The names and values of an enum; none where the kernel does not have it.
    pub fn values(&self, name: &str) -> Vec<(String, i64)> {
        let found = self.0.type_by_name::<Enum<'_>>(name);
        let members = found.iter().flat_map(|found| found.iter());
        members
            .filter_map(|member| Some((member.name?.to_str()?.to_owned(), member.value)))
            .collect()
    }

    /// The bytes from the start of a structure to a member of a member (and so on) of it; members without a name are
    /// looked through. `None` where the kernel has none of that name, or a bit field.
    pub fn offset(&self, structure: &str, path: &[&str]) -> Option<u32> {
        let [offset] = self.offsets(structure, [path]);
        offset
    }

    /// The same of several members: to find the structure takes longer than to find them.
    pub(crate) fn offsets<const N: usize>(
        &self,
        structure: &str,
        paths: [&[&str]; N],
    ) -> [Option<u32>; N] {
        let found: Option<BtfType<'_>> = self.0.type_by_name(structure);
        paths.map(|path| {
            let mut within = found?;
            let mut bytes = 0;
            for name in path {
                let (at, member) = self.member(within, name)?;
                bytes += at;
                within = member;
            }
            Some(bytes)
        })
    }

    /// Whether the kernel counts programs on kprobes, and on tracepoints through tracefs, that it skips while bpf(2) works on
    /// a map: that came with the count of a kprobe's misses (6.7), and so did it where either was ported back.
    pub(crate) fn counts_skipped(&self) -> bool {
        let path = ["perf_event", "kprobe", "missed"];
        self.offset("bpf_link_info", &path).is_some()
    }

    fn member<'t>(&'t self, of: BtfType<'t>, name: &str) -> Option<(u32, BtfType<'t>)> {
        let composite = Composite::try_from(of.skip_mods_and_typedefs()).ok()?;
        (0..composite.len()).find_map(|index| {
            let member = composite.get(index)?;
            let MemberAttr::Normal { offset: bits } = member.attr else {
                return None;
            };
            let kind: BtfType<'t> = self.0.type_by_id(member.ty)?;
            let (inner, found) = match member.name {
                Some(known) if known == name => (0, kind),
                Some(_) => return None,
                None => self.member(kind, name)?,
            };
            Some((bits / 8 + inner, found))
        })
    }
}

impl Running {
    /// The running kernel; facts are read when they are first asked for.
    pub fn new() -> Self {
        Self::default()
    }

    /// The running kernel as it can be known without privilege: what only an attempt would tell counts as had.
    pub fn only_asked() -> Self {
        Self {
            only_asked: true,
            ..Self::default()
        }
    }

    /// The kernel's types, as it describes them.
    pub(crate) fn btf(&self) -> Option<&[u8]> {
        self.btf.get_or_init(Described::read).as_deref()
    }

    /// Whether the kernel lets programs on its functions in. Some that describe them all refuse: those under
    /// lockdown, those without ftrace. Costs one attempt to load two instructions; the attempt to load an object
    /// makes libbpf read all of the kernel's types first, twice.
    fn takes_fentry(&self) -> bool {
        let tried = || self.only_asked || ProgramType::Tracing.is_supported().unwrap_or(true);
        *self.fentry.get_or_init(tried)
    }

    /// Whether the kernel's BTF has this name. Its functions are found so in a tenth of the time that it takes to
    /// read the types; a name of something else makes a need that holds without being met, as needs may.
    fn names(&self, name: &str) -> Option<bool> {
        let string = [b"\0", name.as_bytes(), b"\0"].concat();
        Some(memmem::find(strings(self.btf()?), &string).is_some())
    }

    fn tracefs(&self) -> Option<&Path> {
        self.tracefs.get_or_init(tracefs).as_deref()
    }
}

/// The names in a BTF file: a third of it. Its header is `struct btf_header` (Documentation/bpf/btf.rst); all of the
/// file where it says something else.
fn strings(btf: &[u8]) -> &[u8] {
    let word = |at: usize| {
        let bytes = btf.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_ne_bytes(bytes)).ok()
    };
    let section = || {
        let (header, offset, length) = (word(4)?, word(16)?, word(20)?);
        let start = header.checked_add(offset)?;
        btf.get(start..start.checked_add(length)?)
    };
    section().unwrap_or(btf)
}

/// The function that came with programs that may sleep on system calls' tracepoints ("bpf: Add sleepable support for
/// classic tracepoint programs", 2026): since then, those that may not sleep are preempted too.
const PREEMPTS: &str = "trace_call_bpf_faultable";

/// A variable of each CPU's that belongs to `tracepoint_srcu`, which keeps alive what is called at tracepoints, in place
/// of disabled preemption; and the counters of SRCU's fast readers. 7.0 has both. Up to 6.12 there is the first alone,
/// for tracepoints in idle tasks; 6.18 has the second alone.
const PREEMPTS_OUTSIDE_CALLS: [&str; 2] = ["tracepoint_srcu_srcu_data", "srcu_ctr"];

/// What came with programs at functions of programs that may sleep ("bpf: implement sleepable uprobes by chaining gps", 6.0):
/// since then none of them is skipped while bpf(2) works on a map.
const RUNS_EACH_UPROBE: &str = "bpf_prog_array_free_sleepable";

/// A link of uprobes ("bpf: Add multi uprobe link", 6.6).
const SETS_UPROBES_TOGETHER: &str = "bpf_uprobe_multi_link";

impl Running {
    /// Whether the kernel may skip a program at a function of a program, and count nothing: it does while bpf(2) works on a
    /// map on that CPU, which takes a task that was preempted in the middle.
    pub(crate) fn skips_uprobes(&self) -> bool {
        self.names(RUNS_EACH_UPROBE) != Some(true) && self.preempts(Place::UserFunctions).is_some()
    }
}

impl Kernel for Running {
    fn preempts(&self, place: Place) -> Option<String> {
        let has = |name| self.names(name) == Some(true);
        let in_calls = || has(PREEMPTS);
        let elsewhere = || PREEMPTS_OUTSIDE_CALLS.into_iter().all(has);
        match place {
            Place::SystemCalls => in_calls().then(|| format!("it has {PREEMPTS}")),
            Place::Tracepoints => (in_calls() || elsewhere())
                .then(|| format!("it has {}", PREEMPTS_OUTSIDE_CALLS.join(" and "))),
            // Up to 5.19 they run with preemption disabled, which is not asked: each to have memory of its own does no harm.
            // Without this field, migrate_disable() is preempt_disable() ("sched: Make migrate_disable/enable()
            // independent of RT", 5.15). A kernel for one CPU has the field nowhere.
            Place::Functions | Place::UserFunctions => {
                let told = preemption::Told::read();
                let may = has("migration_disabled") || told.is_for_one_cpu();
                (may || elsewhere())
                    .then(|| preemption::preempts(&told, elsewhere()))
                    .flatten()
            }
        }
    }

    fn lacks(&self, need: &Need) -> Option<String> {
        match need {
            // The load looks the tracepoint up again; reading the kernel's 5 MB of types here as well would
            // double the time to start, and all of these exist since before BTF did.
            Need::BtfTracepoint(_) => (!has_btf()).then(no_btf),
            Need::BtfFunction(_) if has_btf() && !self.takes_fentry() => Some(
                "the kernel refuses programs on its functions (some do that are locked down, or without ftrace's direct calls)"
                    .into(),
            ),
            Need::BtfFunction(name) => match self.names(name) {
                None => Some(no_btf()),
                Some(false) => Some(format!("the kernel's BTF has no function {name}")),
                Some(true) => None,
            },
            Need::Tracepoint { category, name } => match self.tracefs() {
                None => Some(NO_TRACEFS.into()),
                Some(tracefs) => (!tracefs.join("events").join(category).join(name).exists())
                    .then(|| format!("no tracepoint {category}:{name}")),
            },
            Need::Kprobe(name) => {
                if !has_kprobes() {
                    return Some("the kernel has no kprobes (CONFIG_KPROBES)".into());
                }
                // kallsyms is large, and slow to read.
                let known = self.names(name).unwrap_or_else(|| has_symbol(name));
                (!known).then(|| format!("no kernel function {name}"))
            }
            Need::Uprobes => (!has_uprobes())
                .then(|| "the kernel has no uprobes (CONFIG_UPROBE_EVENTS)".into()),
            Need::UprobesTogether => (self.names(SETS_UPROBES_TOGETHER) != Some(true)).then(|| {
                "the kernel sets uprobes one by one (before 6.6), or offers no BTF to tell".into()
            }),
        }
    }
}

fn no_btf() -> String {
    format!("the kernel offers no BTF ({BTF})")
}

/// Whether `/proc/kallsyms` lists the function. Its names are readable by all, unlike its addresses.
fn has_symbol(name: &str) -> bool {
    fs::read_to_string("/proc/kallsyms").is_ok_and(|symbols| {
        symbols
            .lines()
            .any(|line| line.split_whitespace().nth(2) == Some(name))
    })
}

#[cfg(test)]
mod tests {
    use super::strings;

    #[test]
    fn strings_are_where_the_header_says() {
        let words = [0x0001_eb9f_u32, 24, 0, 4, 4, 9];
        let mut btf: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        btf.extend(b"type\0one\0two\0");
        assert_eq!(strings(&btf), b"\0one\0two\0");
        for short in 0..btf.len() {
            assert_eq!(strings(&btf[..short]), &btf[..short], "cut after {short}");
        }
    }
}
