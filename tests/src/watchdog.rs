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

/// Waits for the child; `None` if it hangs.
pub(crate) fn wait(child: &mut Child) -> Option<ExitStatus> {
    let until = Instant::now() + patience();
    while Instant::now() < until {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        sleep(Duration::from_millis(2));
    }
    None
}
