// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use tracewell_shared::tool::load::{self, Load};

const SLEEP: Duration = Duration::from_micros(200);

/// How often this thread has left its CPU to sleep.
fn times_off() -> io::Result<i64> {
    Ok(getrusage(UsageWho::RUSAGE_THREAD)?.voluntary_context_switches())
}

/// Sleeps of a thread: each ends in a wait for a CPU, and there are more where it has to share one.
pub(crate) fn sleeps(_directory: &Path) -> Result<Load, String> {
    Ok(load::at_least(Load {
        args: Vec::new(),
        make: Box::new(|_| {
            // It may be over before the thread has left its CPU, which is no wait.
            let before = times_off()?;
            while times_off()? == before {
                sleep(SLEEP);
            }
            Ok(())
        }),
        seen: load::counted(),
    }))
}
