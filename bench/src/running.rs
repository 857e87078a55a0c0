// SPDX-License-Identifier: MIT OR Apache-2.0
//! A tool while it runs: when it is attached, when it has caught up, and its end.

use std::fs;
use std::io;
use std::mem;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

use crate::error::Context;
use crate::error::Error;
use crate::error::Result;
use crate::process;
use crate::storm::seconds;
use crate::tool::Tool;

/// Between looks at a tool that starts: the resolution of the time to attach.
const LOOK: Duration = Duration::from_micros(200);
/// A tool whose hooks have not changed for so long has all of them.
const SETTLED: Duration = Duration::from_millis(200);
const START_LIMIT: Duration = Duration::from_secs(30);
/// A tool that used less than `IDLE_NS` of CPU during `IDLE` has worked off its buffers.
const IDLE: Duration = Duration::from_millis(200);
const IDLE_NS: u64 = 1_000_000;
const DRAIN_LIMIT: Duration = Duration::from_secs(60);
const END_LIMIT: Duration = Duration::from_secs(30);

/// A running tool. Dropped before its end, it is killed.
#[derive(Debug)]
pub struct Running {
    pid: u32,
    name: String,
    stderr: PathBuf,
    reaped: bool,
}

impl Running {
    /// Starts `tool` on user `uid` and waits until it is attached. Also the time that took, from
    /// before the fork to the last new link, in seconds.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or ends by itself.
    pub fn start(tool: &Tool, uid: u32, output: PathBuf, stderr: PathBuf) -> Result<(Self, f64)> {
        let mut command = tool.command(uid, &output, &stderr)?;
        let start = Instant::now();
        let child = command
            .spawn()
            .context(|| format!("cannot start {}", tool.program.display()))?;
        let mut running = Self {
            pid: child.id(),
            name: tool.program.display().to_string(),
            stderr,
            reaped: false,
        };
        let mut hooks = 0;
        let mut changed = start;
        loop {
            // A tool that has just ended has no descriptors to list; the look below says how it ended.
            let now = process::hooks(running.pid).unwrap_or(0);
            if now != hooks {
                (hooks, changed) = (now, Instant::now());
            }
            if hooks > 0 && changed.elapsed() > SETTLED {
                return Ok((running, (changed - start).as_secs_f64()));
            }
            if running.reap(libc::WNOHANG)?.is_some() {
                return Err(running.complaint("ended before it was attached"));
            }
            if start.elapsed() > START_LIMIT {
                return Err(running.complaint("attached nothing"));
            }
            sleep(LOOK);
        }
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the tool has nothing left to do.
    ///
    /// # Errors
    ///
    /// When it has ended, or is never idle.
    pub fn wait_idle(&self) -> Result<()> {
        let start = Instant::now();
        let mut before = process::cpu_ns(self.pid)?;
        while start.elapsed() < DRAIN_LIMIT {
            sleep(IDLE);
            let now = process::cpu_ns(self.pid)?;
            if now.saturating_sub(before) < IDLE_NS {
                return Ok(());
            }
            before = now;
        }
        Err(self.complaint("does not come to rest"))
    }

    /// Interrupts the tool and waits for its end. Gives the CPU time of its whole life, in ns, and
    /// what it wrote to stderr.
    ///
    /// # Errors
    ///
    /// When it does not end, or not as it should.
    pub fn end(mut self) -> Result<(f64, String)> {
        self.signal(libc::SIGINT);
        let asked = Instant::now();
        loop {
            if let Some((status, cpu_ns)) = self.reap(libc::WNOHANG)? {
                if !(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0) {
                    return Err(self.complaint(&format!("ended with wait status {status:#x}")));
                }
                return Ok((cpu_ns, self.stderr()));
            }
            if asked.elapsed() > END_LIMIT {
                return Err(self.complaint("does not end"));
            }
            sleep(Duration::from_millis(1));
        }
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: takes numbers. The process is our child and not yet reaped, so the id is still its own.
        unsafe { libc::kill(self.pid as libc::pid_t, signal) };
    }

    /// Its wait status and CPU time in ns, once it has ended.
    fn reap(&mut self, flags: libc::c_int) -> Result<Option<(libc::c_int, f64)>> {
        let mut status = 0;
        // SAFETY: a rusage of zeros is a valid value.
        let mut usage: libc::rusage = unsafe { mem::zeroed() };
        let pid = self.pid as libc::pid_t;
        // SAFETY: `status` and `usage` are valid to write to. Not through `Child::wait`: only wait4
        // tells what this one child used.
        let waited = unsafe { libc::wait4(pid, &raw mut status, flags, &raw mut usage) };
        if waited < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return Err(Error::last_os("wait4"));
        }
        if waited != pid {
            return Ok(None);
        }
        self.reaped = true;
        let cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
        Ok(Some((status, cpu_s * 1e9)))
    }

    fn stderr(&self) -> String {
        let bytes = fs::read(&self.stderr).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn complaint(&self, what: &str) -> Error {
        Error::new(format!(
            "{} {what}; it says:\n{}",
            self.name,
            self.stderr().trim_end()
        ))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(libc::SIGKILL);
            drop(self.reap(0));
        }
    }
}
