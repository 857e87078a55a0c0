// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ladder of probes: the ways to hook one thing, best first, and which of them this kernel offers.
//!
//! A ladder is data. What a rung needs follows from the sections of its programs (`tp_btf/sys_exit` needs BTF and
//! that tracepoint in it), so a tool only lists names. The needs are necessary, not sufficient: a kernel may
//! refuse what it describes. The session then takes the next rung.

use std::fmt;

use crate::kernel::Kernel;

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
}

impl Ladder {
    /// The distinct labels, best first.
    pub fn labels(&self) -> Vec<&'static str> {
        let mut labels: Vec<_> = self.rungs.iter().map(|rung| rung.label).collect();
        labels.dedup();
        labels
    }

    /// Whether any rung names this program.
    pub fn names(&self, program: &str) -> bool {
        self.rungs.iter().any(|rung| rung.has(program))
    }
}

impl Rung {
    /// Whether this rung names the program.
    pub fn has(&self, program: &str) -> bool {
        self.programs.contains(&program) || self.optional.contains(&program)
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
}

impl Need {
    /// What the program in this ELF section needs; `None` for hooks that only an attempt can tell of.
    pub fn of_section(section: &str) -> Option<Self> {
        let (kind, hook) = section.split_once('/')?;
        let hook = hook.to_owned();
        match kind {
            "tp_btf" => Some(Self::BtfTracepoint(hook)),
            "fentry" | "fexit" => Some(Self::BtfFunction(hook)),
            "kprobe" | "kretprobe" => Some(Self::Kprobe(hook)),
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

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label, self.reason)
    }
}

/// What to load for a rung: its programs, less the optional ones whose hook is absent.
pub type Programs = Vec<&'static str>;

/// Whether the kernel has what the rung needs.
///
/// `section` gives the ELF section of a program, and `unwanted` are programs that these settings do without.
///
/// # Errors
///
/// The first thing that is lacking.
pub fn resolve(
    rung: &Rung,
    unwanted: &[&str],
    section: impl Fn(&str) -> Option<String>,
    kernel: &dyn Kernel,
) -> Result<Programs, Passed> {
    let lacks = |program: &str| -> Option<String> {
        let section = section(program)?;
        kernel.lacks(&Need::of_section(&section)?)
    };
    let mut programs = Programs::new();
    for program in rung
        .programs
        .iter()
        .filter(|program| !unwanted.contains(*program))
    {
        if let Some(reason) = lacks(program) {
            return Err(Passed {
                label: rung.label,
                reason,
            });
        }
        programs.push(program);
    }
    programs.extend(
        rung.optional
            .iter()
            .filter(|program| !unwanted.contains(*program) && lacks(program).is_none()),
    );
    Ok(programs)
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
