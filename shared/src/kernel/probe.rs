// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ladder of probes: the ways to hook one thing, best first, and which of them this kernel offers.
//!
//! A ladder is data. What a rung needs follows from the sections of its programs (`tp_btf/sys_exit` needs BTF and
//! that tracepoint in it), so a tool only lists names. The needs are necessary, not sufficient: a kernel may
//! refuse what it describes. The session then takes the next rung.

use std::fmt;

use crate::kernel::{Kernel, Place};

/// The labels of rungs whose programs a kernel may preempt tasks inside. It never does inside the others, `kprobe` and
/// `raw_syscalls`: it disables preemption around these.
pub const PREEMPTIBLE: &[&str] = &["fentry", "tp_btf", "raw_tp", "tracepoint"];

/// The labels of rungs at the kernel's own functions, which have at hand what a system call only names.
pub const AT_FUNCTIONS: &[&str] = &["fentry", "kprobe"];

/// The ways to hook one thing, best first.
#[derive(Debug)]
pub struct Ladder {
    /// What is hooked, in words: `opens`.
    pub subject: &'static str,
    /// The rungs, best first.
    pub rungs: &'static [Rung],
}

/// One way: programs that are loaded together.
#[derive(Debug)]
pub struct Rung {
    /// What `--probe` and the summary call it; rungs may share a label when they differ only in a kernel
    /// function's name.
    pub label: &'static str,
    /// The programs. All are loaded.
    pub programs: &'static [&'static str],
    /// More programs, each left out where its hook does not exist (arm64 has no `open` system call).
    pub optional: &'static [&'static str],
    /// More programs, loaded only where the kernel preempts tasks inside the others: what makes good that it refuses
    /// these to other tasks meanwhile.
    pub where_preempted: &'static [&'static str],
    /// Hooks, as ELF sections name them, that the kernel has to offer though no program that is loaded is on them: the
    /// settings may leave out the very program that the label is about.
    pub requires: &'static [&'static str],
    /// Those of the programs whose refusal by the kernel is no loss, or is counted by another program.
    pub counted_otherwise: &'static [&'static str],
    /// What of the subject this way does not show, each in words that follow "does not see": `opens by io_uring`.
    pub unseen: &'static [&'static str],
}

impl Ladder {
    /// The distinct labels, best first.
    pub fn labels(&self) -> Vec<&'static str> {
        let mut labels: Vec<_> = self.rungs.iter().map(|rung| rung.label).collect();
        labels.dedup();
        labels
    }

    /// Whether it is no loss by itself that the kernel refuses to run this program.
    pub fn counts_otherwise(&self, program: &str) -> bool {
        let mut rungs = self.rungs.iter();
        rungs.any(|rung| rung.counted_otherwise.contains(&program))
    }

    /// Whether any rung names this program.
    pub fn names(&self, program: &str) -> bool {
        self.rungs.iter().any(|rung| rung.has(program))
    }
}

impl Rung {
    /// No programs: what a rung has besides those that it names.
    pub const EMPTY: Self = Self {
        label: "",
        programs: &[],
        optional: &[],
        where_preempted: &[],
        requires: &[],
        counted_otherwise: &[],
        unseen: &[],
    };

    /// Whether this rung names the program.
    pub fn has(&self, program: &str) -> bool {
        [self.programs, self.optional, self.where_preempted]
            .iter()
            .any(|programs| programs.contains(&program))
    }

    /// How it is known that the kernel preempts tasks inside the programs of this rung; `None` where it does not.
    fn preempted(
        &self,
        wants: impl Fn(&str) -> bool,
        section: impl Fn(&str) -> Option<String>,
        kernel: &dyn Kernel,
    ) -> Option<String> {
        let programs = self.programs.iter().filter(|program| wants(program));
        let mut places: Vec<_> = programs
            .filter_map(|program| Place::of_section(&section(program)?))
            .collect();
        places.dedup();
        places.into_iter().find_map(|place| kernel.preempts(place))
    }
}

/// Something that a program's hook needs of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A tracepoint that the kernel's BTF describes.
    BtfTracepoint(String),
    /// A function that the kernel's BTF describes.
    BtfFunction(String),
    /// A tracepoint, reached through tracefs.
    Tracepoint {
        /// Its group: `syscalls`.
        category: String,
        /// Its name: `sys_enter_openat`.
        name: String,
    },
    /// A function that a kprobe can be set on.
    Kprobe(String),
    /// Functions of programs can be hooked. Which files have them is no matter of the kernel's.
    Uprobes,
    /// Many functions of a program's can be hooked at once.
    UprobesTogether,
}

impl Need {
    /// What the program in this ELF section needs; `None` for hooks that only an attempt can tell of.
    pub fn of_section(section: &str) -> Option<Self> {
        let (kind, hook) = section.split_once('/')?;
        let hook = hook.to_owned();
        match kind {
            "tp_btf" => Some(Self::BtfTracepoint(hook)),
            "fentry" | "fexit" | "fsession" => Some(Self::BtfFunction(hook)),
            "kprobe" | "kretprobe" | "kprobe.session" => Some(Self::Kprobe(hook)),
            "uprobe" | "uretprobe" => Some(Self::Uprobes),
            "uprobe.multi" | "uretprobe.multi" => Some(Self::UprobesTogether),
            "tp" => {
                let (category, name) = hook.split_once('/')?;
                Some(Self::Tracepoint {
                    category: category.to_owned(),
                    name: name.to_owned(),
                })
            }
            _ => None,
        }
    }
}

/// Why a rung was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The rung's label.
    pub label: &'static str,
    /// The first thing that was lacking or refused.
    pub reason: String,
}

impl Passed {
    fn new(rung: &Rung, reason: impl Into<String>) -> Self {
        Self {
            label: rung.label,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label, self.reason)
    }
}

/// What to load for a rung: its programs, less the optional ones whose hook is absent.
pub type Programs = Vec<&'static str>;

/// Whether the kernel has what the rung needs.
///
/// `section` gives the ELF section of a program, and `wants` says whether the settings need it.
///
/// # Errors
///
/// The first thing that is lacking.
pub fn resolve(
    rung: &Rung,
    wants: impl Fn(&str) -> bool,
    section: impl Fn(&str) -> Option<String>,
    kernel: &dyn Kernel,
) -> Result<Programs, Passed> {
    let lacks_hook = |section: &str| kernel.lacks(&Need::of_section(section)?);
    let lacks = |program: &str| lacks_hook(&section(program)?);
    if let Some(reason) = rung.requires.iter().find_map(|hook| lacks_hook(hook)) {
        return Err(Passed::new(rung, reason));
    }
    let mut programs = Programs::new();
    for program in rung.programs.iter().filter(|program| wants(program)) {
        if let Some(reason) = lacks(program) {
            return Err(Passed::new(rung, reason));
        }
        programs.push(program);
    }
    programs.extend(
        rung.optional
            .iter()
            .filter(|program| wants(program) && lacks(program).is_none()),
    );
    if !rung.where_preempted.is_empty() && rung.preempted(&wants, &section, kernel).is_some() {
        programs.extend(rung.where_preempted.iter().filter(|program| wants(program)));
    }
    Ok(programs)
}

/// What the choice of a rung depends on, beside the kernel.
#[expect(missing_debug_implementations, reason = "closures have none")]
pub struct Wishes<'a> {
    /// The only label to try; `None` is any.
    pub label: Option<&'a str>,
    /// Whether the settings need a program.
    pub wants: &'a dyn Fn(&str) -> bool,
    /// Why the rung with a label cannot do what the settings ask for.
    pub unfit: &'a dyn Fn(&str) -> Option<&'static str>,
    /// Labels of rungs that are tried only after all others where the kernel preempts tasks inside their programs.
    pub preemptible: &'a [&'static str],
    /// The ELF section of a program.
    pub section: &'a dyn Fn(&str) -> Option<String>,
}

/// The rungs in their order, each with its programs, or why it is passed over. The kernel is asked about a rung
/// when the iterator comes to it.
pub fn plan<'a>(
    ladder: &'static Ladder,
    wishes: &'a Wishes<'a>,
    kernel: &'a dyn Kernel,
) -> impl Iterator<Item = Result<(&'static Rung, Programs), Passed>> + 'a {
    let asked = |rung: &Rung| wishes.label.is_none_or(|label| label == rung.label);
    let avoided = |rung: &Rung| {
        // Who asks for one rung gets it.
        let may = wishes.label.is_none() && wishes.preemptible.contains(&rung.label);
        may.then(|| rung.preempted(wishes.wants, wishes.section, kernel))?
    };
    let judged: Vec<_> = ladder
        .rungs
        .iter()
        .map(|rung| (rung, avoided(rung)))
        .collect();
    let (avoid, best): (Vec<_>, Vec<_>) = judged.into_iter().partition(|(_, why)| why.is_some());
    let passed: Vec<_> = avoid
        .iter()
        .filter_map(|(rung, how)| {
            let reason = format!(
                "the kernel preempts tasks inside such programs, and refuses them to others meanwhile ({})",
                how.as_ref()?
            );
            Some(Err(Passed::new(rung, reason)))
        })
        .collect();
    let tried = best.into_iter().chain(avoid).map(|(rung, _)| rung);
    let tried =
        tried
            .filter(move |rung| asked(rung))
            .map(|rung| match (wishes.unfit)(rung.label) {
                Some(reason) => Err(Passed::new(rung, reason)),
                None => Ok((rung, resolve(rung, wishes.wants, wishes.section, kernel)?)),
            });
    passed.into_iter().chain(tried)
}

#[cfg(test)]
mod tests;
