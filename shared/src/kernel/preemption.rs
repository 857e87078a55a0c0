// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the kernel takes a task off its CPU while that is in the kernel: what it was built with, and what was chosen
//! at its start or since.

use std::fs;

/// What a kernel tells of it; `None` for what cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// `/sys/kernel/debug/sched/preempt`: the modes, the one that is on in parentheses (5.13, for root).
    pub debugfs: Option<String>,
    /// `/proc/cmdline`.
    pub command_line: Option<String>,
    /// `/proc/version`, which names the model among other things: `#1 SMP PREEMPT_DYNAMIC`.
    pub version: Option<String>,
    /// What it was built with, where that lies beside it.
    pub config: Option<String>,
}

impl Told {
    /// What the running kernel tells.
    pub fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).ok();
        let release = text("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            debugfs: text("/sys/kernel/debug/sched/preempt"),
            command_line: text("/proc/cmdline"),
            version: text("/proc/version"),
            config: text(&format!("/boot/config-{}", release.trim())),
        }
    }

    /// Whether it was built for machines of one CPU.
    pub fn is_for_one_cpu(&self) -> bool {
        self.says("SMP") == Some(false)
    }

    /// Whether the version has this word.
    fn says(&self, word: &str) -> Option<bool> {
        let version = self.version.as_ref()?;
        Some(version.split_whitespace().any(|each| each == word))
    }

    /// The mode that the kernel was told to start with, by the last word that names one.
    fn started_with(&self) -> Option<&str> {
        let words = self.command_line.as_ref()?.split_whitespace();
        words
            .filter_map(|word| word.strip_prefix("preempt="))
            .rfind(|mode| MODES.contains(mode))
    }

    fn has_option(&self, option: &str) -> bool {
        let line = format!("{option}=y");
        let config = self.config.as_deref().unwrap_or_default();
        config.lines().any(|each| each == line)
    }
}

/// All that `preempt=` takes ("sched: Support for preempt= ...", 5.12; `lazy` since 6.13).
const MODES: [&str; 4] = ["none", "voluntary", "full", "lazy"];

fn is_preemptive(mode: &str) -> bool {
    !["none", "voluntary"].contains(&mode)
}

/// Why a task in the kernel may be preempted, in words; `None` where it is not. What cannot be known counts as yes.
/// `always` says that the kernel is one that has no mode without ("sched: Further restrict the preemption modes", 7.0),
/// whatever it was told at its start.
pub fn preempts(told: &Told, always: bool) -> Option<String> {
    let yes = |how: String| Some(how);
    if let Some(mode) = told.debugfs.as_deref().and_then(chosen) {
        return is_preemptive(mode).then(|| format!("preemption is {mode}"));
    }
    if always {
        return yes("it has no mode without preemption".into());
    }
    if told.says("PREEMPT_RT") == Some(true) {
        return yes("built with CONFIG_PREEMPT_RT".into());
    }
    match told.says("PREEMPT_DYNAMIC") {
        None => yes("not known: /proc/version cannot be read".into()),
        Some(true) => match told.started_with() {
            Some(mode) => is_preemptive(mode).then(|| format!("started with preempt={mode}")),
            None => built_in(told),
        },
        Some(false) => told
            .version
            .as_deref()
            .is_some_and(|version| version.contains(" PREEMPT"))
            .then(|| "built with CONFIG_PREEMPT".into()),
    }
}

/// The mode that a kernel with all of them starts with.
fn built_in(told: &Told) -> Option<String> {
    if told.has_option("CONFIG_PREEMPT_VOLUNTARY") || told.has_option("CONFIG_PREEMPT_NONE") {
        return None;
    }
    for option in ["CONFIG_PREEMPT", "CONFIG_PREEMPT_LAZY"] {
        if told.has_option(option) {
            return Some(format!("built with {option}"));
        }
    }
    Some(
        "not known: neither /sys/kernel/debug/sched/preempt nor the kernel's config can be read"
            .into(),
    )
}

/// The mode in parentheses: `none (voluntary) full`.
fn chosen(modes: &str) -> Option<&str> {
    let (_, rest) = modes.split_once('(')?;
    Some(rest.split_once(')')?.0)
}

#[cfg(test)]
mod tests {
    use super::{Told, preempts};

    const DEBIAN: &str = "Linux version 6.12.117 (gcc-14) #1 SMP PREEMPT_DYNAMIC Debian 6.12.117-1";
    const VOLUNTARY: &str = "CONFIG_PREEMPT_BUILD=y\nCONFIG_PREEMPT_VOLUNTARY=y\n# CONFIG_PREEMPT is not set\nCONFIG_PREEMPT_DYNAMIC=y\n";
    const FULL: &str =
        "CONFIG_PREEMPT_BUILD=y\n# CONFIG_PREEMPT_VOLUNTARY is not set\nCONFIG_PREEMPT=y\n";

    fn told(debugfs: &str, command_line: &str, version: &str, config: &str) -> Told {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Told {
            debugfs: some(debugfs),
            command_line: some(command_line),
            version: some(version),
            config: some(config),
        }
    }

    #[test]
    fn what_is_on_now_counts_before_what_was_asked_for() {
        let all = told("none (voluntary) full\n", "preempt=full", DEBIAN, FULL);
        assert_eq!(preempts(&all, false), None);
        let all = told("full (lazy)\n", "preempt=none", DEBIAN, VOLUNTARY);
        assert_eq!(preempts(&all, true).as_deref(), Some("preemption is lazy"));
    }

    #[test]
    fn what_was_asked_for_counts_before_what_was_built() {
        for (line, config, expected) in [
            (
                "quiet preempt=full",
                VOLUNTARY,
                Some("started with preempt=full"),
            ),
            ("preempt=lazy", "", Some("started with preempt=lazy")),
            ("preempt=none", FULL, None),
            // The kernel goes by the last one that it knows.
            ("preempt=full preempt=voluntary preempt=odd", FULL, None),
            ("preempt= xpreempt=full", VOLUNTARY, None),
            ("quiet", FULL, Some("built with CONFIG_PREEMPT")),
            ("quiet", VOLUNTARY, None),
            (
                "quiet",
                "CONFIG_PREEMPT_LAZY=y",
                Some("built with CONFIG_PREEMPT_LAZY"),
            ),
        ] {
            let found = preempts(&told("", line, DEBIAN, config), false);
            assert_eq!(found.as_deref(), expected, "{line}, {config}");
        }
    }

    #[test]
    fn a_kernel_that_cannot_choose_is_what_it_was_built_as() {
        for (version, expected) in [
            ("Linux version 6.1.0 (gcc) #1 SMP Debian", None),
            (
                "Linux version 6.1.0 (gcc) #1 SMP PREEMPT Fri",
                Some("built with CONFIG_PREEMPT"),
            ),
            (
                "Linux version 6.1.0 (gcc) #1 SMP PREEMPT_RT Debian",
                Some("built with CONFIG_PREEMPT_RT"),
            ),
        ] {
            // preempt= is for kernels that have the choice.
            let found = preempts(&told("", "preempt=none preempt=full", version, ""), false);
            assert_eq!(found.as_deref(), expected, "{version}");
        }
    }

    #[test]
    fn what_is_not_known_counts_as_preemption() {
        for told in [
            told("", "", "", ""),
            told("", "quiet", DEBIAN, ""),
            told("odd", "", DEBIAN, ""),
        ] {
            assert!(preempts(&told, false).is_some(), "{told:?}");
        }
        let refused = told("", "preempt=none", DEBIAN, VOLUNTARY);
        assert!(
            preempts(&refused, true).is_some(),
            "7.0 does not know preempt=none"
        );
    }

    #[test]
    fn a_kernel_for_one_cpu_says_so_by_silence() {
        assert!(!told("", "", DEBIAN, "").is_for_one_cpu());
        assert!(told("", "", "Linux version 5.16.0 #1 PREEMPT", "").is_for_one_cpu());
        assert!(!Told::default().is_for_one_cpu());
    }
}
