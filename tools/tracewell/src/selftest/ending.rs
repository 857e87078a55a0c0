// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ending a test that is under way: the load stops, the tool ends, what was made is removed, and only then does the
//! process end as the signal would have it.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::libc::c_int;
use nix::sys::signal::{SigHandler, Signal, kill, raise, signal};
use nix::unistd::Pid;
use tracewell_shared::error::Result;
use tracewell_shared::run::shutdown;

/// The signal that asked for it; 0 for none.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// The tool that runs.
static TOOL: Mutex<Option<Pid>> = Mutex::new(None);

/// Whether the test is to end.
pub(super) fn asked() -> bool {
    SIGNAL.load(Ordering::Acquire) != 0
}

/// Has the test end for this signal: whatever waits for the tool goes on, since that ends.
pub(super) fn begin(number: c_int) {
    SIGNAL.store(number, Ordering::Release);
    if let Some(pid) = *tool() {
        // It ends as by a user's Ctrl-C. It is not waited for yet, so that the number is its own.
        let _ = kill(pid, Signal::SIGINT);
    }
}

/// Says which tool runs now. One that is started while the test ends, ends too.
pub(super) fn runs(pid: Option<Pid>) {
    let mut tool = tool();
    *tool = pid;
    if let Some(pid) = pid
        && asked()
    {
        let _ = kill(pid, Signal::SIGINT);
    }
}

fn tool() -> MutexGuard<'static, Option<Pid>> {
    TOOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens for SIGINT, SIGTERM, and SIGHUP where the caller has not ignored it, from now on.
///
/// # Errors
///
/// When the kernel refuses.
pub(super) fn listen() -> Result<()> {
    shutdown::listen(begin)
}

/// Ends the process by the signal that asked for it, if there was one.
pub(super) fn finish() {
    let number = SIGNAL.load(Ordering::Acquire);
    if let Ok(number) = Signal::try_from(number) {
        // SAFETY: the default is no handler.
        let _ = unsafe { signal(number, SigHandler::SigDfl) };
        let _ = raise(number);
    }
}
