// SPDX-License-Identifier: MIT OR Apache-2.0
//! A way out when the ordinary one is blocked: a reader that stalls holds the tool in write(2), where no runtime
//! hears a signal. A signal that comes again, a second or more after it came first, ends the process at once.

use std::io;
use std::os::raw::c_int;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::time::{ClockId, clock_gettime};
use signal_hook::low_level;

/// How much later a signal counts as sent again. `timeout(1)` sends each of its signals twice in a row.
const AGAIN_NS: u64 = 1_000_000_000;

/// From now on, `signal` ends the process when it comes again.
pub(super) fn watch(signal: c_int) -> io::Result<()> {
    let first = AtomicU64::new(0);
    let insists = move || {
        let now = now_ns();
        match first.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed) {
            Err(first) if now.saturating_sub(first) >= AGAIN_NS => {
                // It fails only for signals that cannot be caught, which have not come here.
                drop(low_level::emulate_default_handler(signal));
            }
            Ok(_) | Err(_) => {}
        }
    };
    // SAFETY: the action reads a clock, touches an atomic and ends the process: all of it async-signal-safe.
    unsafe { low_level::register(signal, insists) }?;
    Ok(())
}

/// Nanoseconds of the monotonic clock; never 0.
fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| {
        now.tv_sec().unsigned_abs() * 1_000_000_000 + now.tv_nsec().unsigned_abs()
    });
    now.max(1)
}
