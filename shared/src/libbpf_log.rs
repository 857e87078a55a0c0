// SPDX-License-Identifier: MIT OR Apache-2.0
//! What libbpf has to say: kept, not printed. The verifier's log comes this way only.

use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use libbpf_rs::{PrintLevel, set_print};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static LOADING: Mutex<()> = Mutex::new(());

/// How many of the last lines explain a refusal.
const TAIL: usize = 6;

/// Lines of libbpf that explain nothing here: hints on limits that are no longer the cause.
const NOISE: [&str; 8] = [
    "-- BEGIN PROG LOAD LOG --",
    "-- END PROG LOAD LOG --",
    "ulimit",
    "RLIMIT_MEMLOCK",
    "max_states_per_insn",
    "failed to load",
    "BPF program load failed",
    "failed to auto-attach",
];

/// libbpf's words while this is held.
#[derive(Debug)]
pub(crate) struct Log {
    _loading: MutexGuard<'static, ()>,
}

/// Starts to keep what libbpf says. One load at a time: libbpf has one printer for the process.
pub(crate) fn capture() -> Log {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let _ = set_print(Some((PrintLevel::Warn, |_, text| lines().push(text))));
    });
    let loading = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    lines().clear();
    Log { _loading: loading }
}

fn lines() -> MutexGuard<'static, Vec<String>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    /// Whether libbpf said this.
    pub(crate) fn says(&self, text: &str) -> bool {
        lines().iter().any(|line| line.contains(text))
    }

    /// The last lines, each on its own line, indented; empty where libbpf said nothing.
    pub(crate) fn tail(&self) -> String {
        let text = lines().concat();
        let lines: Vec<&str> = text
            .lines()
            .map(|line| line.trim_start_matches("libbpf: ").trim_end())
            .filter(|line| !line.is_empty() && !NOISE.iter().any(|noise| line.contains(noise)))
            .collect();
        let start = lines.len().saturating_sub(TAIL);
        lines
            .iter()
            .skip(start)
            .map(|line| format!("\n    {line}"))
            .collect()
    }
}
