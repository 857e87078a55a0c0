// SPDX-License-Identifier: MIT OR Apache-2.0
//! When something counts as hung. No test measures time; this only keeps a hang from lasting for ever.

use std::env;
use std::process::{Child, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long anything may take before it counts as hung: 120 s, times `TRACEWELL_WATCHDOG`.
pub fn patience() -> Duration {
    let factor = env::var("TRACEWELL_WATCHDOG")
        .ok()
        .and_then(|text| text.parse().ok());
    Duration::from_secs(120).mul_f64(factor.unwrap_or(1.0))
}

/// Waits until it is `done`.
///
/// # Panics
///
/// When that takes so long that it hangs.
pub fn until(mut done: impl FnMut() -> bool) {
    let last = Instant::now() + patience();
    while !done() {
        assert!(Instant::now() < last, "what was waited for did not come");
        sleep(Duration::from_millis(2));
    }
}

/// Waits for the child; `None` if it hangs.
pub(crate) fn wait(child: &mut Child) -> Option<ExitStatus> {
    let last = Instant::now() + patience();
    while Instant::now() < last {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        sleep(Duration::from_millis(2));
    }
    None
}
