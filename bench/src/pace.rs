// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keeps a thread to a rate, in bursts of about a millisecond.
//!
//! A sleep per operation would cost more than the operation, and the deadlines are absolute, so a
//! burst that came late is made up for and the rate holds over the run.

use std::io;

/// Bursts a second that a pace aims at.
const BURSTS_PER_S: u64 = 1_000;
const NS_PER_S: u64 = 1_000_000_000;

/// When the operations of one thread are due.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    start_ns: u64,
    ops_per_s: f64,
    burst: u64,
}

impl Pace {
    /// A pace of `ops_per_s` operations a second (more than zero) that starts at `start_ns` of the
    /// monotonic clock.
    #[must_use]
    pub fn new(start_ns: u64, ops_per_s: f64) -> Self {
        let burst = (ops_per_s / BURSTS_PER_S as f64).round().max(1.0) as u64;
        Self {
            start_ns,
            ops_per_s,
            burst,
        }
    }

    /// The time of the monotonic clock, in ns, that operation `index` waits for; `None` inside a burst.
    #[must_use]
    pub fn due_ns(&self, index: u64) -> Option<u64> {
        index
            .is_multiple_of(self.burst)
            .then(|| self.start_ns + (index as f64 * NS_PER_S as f64 / self.ops_per_s) as u64)
    }

    /// Sleeps until operation `index` is due. Makes no system call inside a burst or when late.
    pub fn wait(&self, index: u64) {
        let Some(due) = self.due_ns(index) else {
            return;
        };
        if monotonic_ns() < due {
            sleep_until(due);
        }
    }
}

/// The monotonic clock, in ns.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a valid timespec to write to. This clock always exists, so the call cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * NS_PER_S + now.tv_nsec as u64
}

fn sleep_until(due_ns: u64) {
    let due = libc::timespec {
        tv_sec: (due_ns / NS_PER_S) as libc::time_t,
        tv_nsec: (due_ns % NS_PER_S) as libc::c_long,
    };
    loop {
        // SAFETY: `due` is a valid timespec; an absolute sleep writes no remainder.
        let error = unsafe {
            libc::clock_nanosleep(
                libc::CLOCK_MONOTONIC,
                libc::TIMER_ABSTIME,
                &raw const due,
                std::ptr::null_mut(),
            )
        };
        if io::Error::from_raw_os_error(error).kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn a_fast_pace_sleeps_once_a_millisecond() {
        let pace = Pace::new(7, 50_000.0);
        assert_eq!(pace.due_ns(0), Some(7));
        assert_eq!(pace.due_ns(1), None);
        assert_eq!(pace.due_ns(49), None);
        assert_eq!(pace.due_ns(50), Some(1_000_007));
        assert_eq!(pace.due_ns(50_000), Some(1_000_000_007));
    }

    #[test]
    fn a_slow_pace_waits_for_each_operation() {
        let pace = Pace::new(0, 10.0);
        assert_eq!(pace.due_ns(1), Some(100_000_000));
        assert_eq!(pace.due_ns(3), Some(300_000_000));
    }
}
