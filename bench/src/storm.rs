// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a workload: so many operations on so many threads, and what they cost.

use std::fs::File;
use std::io::Read;
use std::mem;
use std::os::fd::FromRawFd;
use std::os::fd::RawFd;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use crate::error::Context;
use crate::error::Error;
use crate::error::Result;
use crate::pace::Pace;
use crate::pace::monotonic_ns;
use crate::report::Report;
use crate::report::ThreadReport;
use crate::workload::Operation;
use crate::workload::Worker;

/// What a storm is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What each operation is.
    pub operation: Operation,
    /// Operations per thread.
    pub ops: u64,
    /// Threads, at least one.
    pub threads: usize,
    /// Operations a second of all threads together; `None` is flat out.
    pub rate: Option<f64>,
    /// The user to become first, so that tools can be told to trace only that user.
    pub uid: Option<u32>,
    /// A descriptor to wait on (for a byte, or its end) before the first operation.
    pub start_fd: Option<RawFd>,
}

/// Makes all operations of `plan`.
///
/// # Errors
///
/// When the user cannot be changed or the start descriptor cannot be read.
pub fn run(plan: &Plan) -> Result<Report> {
    if let Some(uid) = plan.uid {
        become_user(uid)?;
    }
    if let Some(fd) = plan.start_fd {
        wait_for_start(fd)?;
    }
    let ready = Barrier::new(plan.threads + 1);
    // Starting the threads costs some tens of µs, which is in the figures of both a traced and a bare storm.
    let cpu_before = cpu_times()?;
    let (per_thread, wall_s) = thread::scope(|scope| {
        let ready = &ready;
        let threads: Vec<_> = (0..plan.threads)
            .map(|number| scope.spawn(move || run_thread(plan, number, ready)))
            .collect();
        ready.wait();
        let start = Instant::now();
        let reports: Vec<_> = threads
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        (reports, start.elapsed().as_secs_f64())
    });
    let cpu_after = cpu_times()?;
    let per_thread = per_thread
        .into_iter()
        .collect::<thread::Result<Vec<_>>>()
        .map_err(|_| Error::new("a thread of the storm panicked"))?;
    let made = per_thread.iter().map(|thread| thread.made).sum();
    let (user_s, sys_s) = (cpu_after.0 - cpu_before.0, cpu_after.1 - cpu_before.1);
    Ok(Report {
        op: plan.operation.name().to_owned(),
        pid: std::process::id(),
        made,
        unexpected: per_thread.iter().map(|thread| thread.unexpected).sum(),
        wall_s,
        user_s,
        sys_s,
        cpu_s: user_s + sys_s,
        ops_per_s: made as f64 / wall_s,
        per_thread,
    })
}

fn run_thread(plan: &Plan, number: usize, ready: &Barrier) -> ThreadReport {
    let mut worker = Worker::new(&plan.operation, number);
    ready.wait();
    let pace = plan
        .rate
        .map(|rate| Pace::new(monotonic_ns(), rate / plan.threads as f64));
    let start = Instant::now();
    let mut unexpected = 0;
    for index in 0..plan.ops {
        if let Some(pace) = &pace {
            pace.wait(index);
        }
        unexpected += u64::from(!worker.once(index));
    }
    ThreadReport {
        made: plan.ops,
        unexpected,
        wall_s: start.elapsed().as_secs_f64(),
    }
}

fn become_user(uid: u32) -> Result<()> {
    // SAFETY: takes numbers only. No other thread runs yet.
    if unsafe { libc::setresuid(uid, uid, uid) } != 0 {
        return Err(Error::last_os(&format!("cannot become user {uid}")));
    }
    Ok(())
}

fn wait_for_start(fd: RawFd) -> Result<()> {
    // SAFETY: asks about a number; a descriptor that is not open is an error, not a fault.
    if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Err(Error::last_os(&format!("--start-fd {fd}")));
    }
    // SAFETY: the descriptor is open, and whoever started this program handed it over for this.
    let mut start = unsafe { File::from_raw_fd(fd) };
    start
        .read(&mut [0])
        .context(|| format!("cannot read --start-fd {fd}"))?;
    Ok(())
}

/// User and system CPU seconds of this process and its waited-for children.
fn cpu_times() -> Result<(f64, f64)> {
    let (mut user_s, mut sys_s) = (0.0, 0.0);
    for who in [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN] {
        // SAFETY: a rusage of zeros is a valid value.
        let mut usage: libc::rusage = unsafe { mem::zeroed() };
        // SAFETY: `usage` is a valid rusage to write to.
        if unsafe { libc::getrusage(who, &raw mut usage) } != 0 {
            return Err(Error::last_os("getrusage"));
        }
        user_s += seconds(usage.ru_utime);
        sys_s += seconds(usage.ru_stime);
    }
    Ok((user_s, sys_s))
}

/// A timeval in seconds.
#[must_use]
pub fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::Plan;
    use super::run;
    use crate::workload::Operation;

    #[test]
    fn makes_exactly_what_was_asked_for_on_every_thread() {
        let report = run(&Plan {
            operation: Operation::Getppid,
            ops: 1_000,
            threads: 3,
            rate: Some(60_000.0),
            uid: None,
            start_fd: None,
        })
        .unwrap();
        assert_eq!((report.made, report.unexpected), (3_000, 0));
        assert!(report.per_thread.iter().all(|thread| thread.made == 1_000));
        // The last burst of 20 of 1,000 operations is due after 49 ms: never earlier, later on a busy machine.
        assert!(report.wall_s >= 0.048, "{report:?}");
    }

    #[test]
    fn an_unexpected_result_is_counted() {
        let operation = Operation::Open {
            path: c"/dev/null".into(),
            missing: true,
        };
        let report = run(&Plan {
            operation,
            ops: 5,
            threads: 1,
            rate: None,
            uid: None,
            start_fd: None,
        })
        .unwrap();
        assert_eq!((report.made, report.unexpected), (5, 5));
    }

    #[test]
    fn a_start_descriptor_that_is_not_open_is_an_error() {
        let plan = Plan {
            operation: Operation::Getppid,
            ops: 1,
            threads: 1,
            rate: None,
            uid: None,
            start_fd: Some(9_999),
        };
        assert!(run(&plan).is_err());
    }
}
