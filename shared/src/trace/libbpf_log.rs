// SPDX-License-Identifier: MIT OR Apache-2.0
//! What libbpf has to say: kept, not printed. The verifier's log comes this way only.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use libbpf_rs::{PrintCallback, PrintLevel, libbpf_sys, set_print};

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

/// libbpf's words while this is held. Afterwards they go where they went before: the process may be another
/// library's too.
pub(crate) struct Log {
    /// The printer that was there: libbpf's own, or whoever's.
    printer: libbpf_sys::libbpf_print_fn_t,
    /// That of the crate, which has one of its own below that.
    callback: Option<(PrintLevel, PrintCallback)>,
    _loading: MutexGuard<'static, ()>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        set_print(self.callback);
        // SAFETY: it was the printer before, and is a function for as long as the process runs.
        unsafe { libbpf_sys::libbpf_set_print(self.printer) };
        *lines() = Vec::new();
    }
}

/// Has libbpf say nothing, but what is kept: for a process that is a command line's own.
pub(crate) fn silence() {
    set_print(None);
}

/// Starts to keep what libbpf says. One load at a time: libbpf has one printer for the process.
pub(crate) fn capture() -> Log {
    let loading = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: without a printer libbpf prints nothing; the next line gives it one.
    let printer = unsafe { libbpf_sys::libbpf_set_print(None) };
    let callback = set_print(Some((PrintLevel::Warn, |_, text| lines().push(text))));
    lines().clear();
    Log {
        printer,
        callback,
        _loading: loading,
    }
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

#[cfg(test)]
mod tests {
    use std::ffi::{c_char, c_void};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use libbpf_rs::libbpf_sys;

    use super::capture;

    static HEARD: AtomicUsize = AtomicUsize::new(0);

    /// Its last argument is a list of arguments, which has another type on each architecture and is not looked at.
    unsafe extern "C" fn theirs(_: u32, _: *const c_char, _: *mut c_void) -> i32 {
        HEARD.fetch_add(1, Ordering::Relaxed);
        0
    }

    fn printer() -> libbpf_sys::libbpf_print_fn_t {
        let theirs: unsafe extern "C" fn(u32, *const c_char, *mut c_void) -> i32 = theirs;
        // SAFETY: called as libbpf calls a printer; what differs is not used.
        unsafe { std::mem::transmute(theirs) }
    }

    /// Has libbpf complain: there is no such object.
    fn complain() {
        // SAFETY: a path that ends with a zero; nothing comes of it.
        let object = unsafe { libbpf_sys::bpf_object__open(c"/nonexistent/object".as_ptr()) };
        assert!(object.is_null());
    }

    #[test]
    fn what_another_library_hears_of_libbpf_comes_back_to_it() {
        // SAFETY: a function of that type.
        let before = unsafe { libbpf_sys::libbpf_set_print(printer()) };
        complain();
        let heard = HEARD.load(Ordering::Relaxed);
        assert!(heard > 0);
        let log = capture();
        complain();
        assert!(log.says("/nonexistent/object"));
        assert_eq!(HEARD.load(Ordering::Relaxed), heard);
        drop(log);
        complain();
        assert!(HEARD.load(Ordering::Relaxed) > heard);
        // SAFETY: what it was.
        unsafe { libbpf_sys::libbpf_set_print(before) };
    }
}
