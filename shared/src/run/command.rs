// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command that a tool runs and traces.
//!
//! Its process must be known to the kernel's side before it does anything, so it is made early and
//! [held](Held) before its exec, until the programs are attached.
//!
//! It runs as the caller would have run it: the same environment, standard files, privileges and process
//! group. So start it before dropping privileges and before [`Shutdown::new`](crate::run::shutdown::Shutdown::new),
//! which takes signals over that the caller may have chosen to ignore.

mod beside;
mod lookup;
mod process;

use std::ffi::{OsStr, OsString};
use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tokio::sync::oneshot;

pub(crate) use self::beside::Beside;
use self::process::{GO, Hold, lock, stop_ignoring_children};
use crate::error::{Error, Kind, Result};
use crate::kernel::pid::Numbers;

/// A process that will become the user's command. Dropped, it ends without having run it.
#[derive(Debug)]
pub struct Held {
    pid: u32,
    traced_pid: u32,
    name: OsString,
    /// `None` once used.
    go: Option<PipeWriter>,
    /// What became of the exec, and after it of the thread's confinement.
    spawned: mpsc::Receiver<io::Result<Result<()>>>,
    running: Option<Running>,
    thread: Option<JoinHandle<()>>,
}

/// The user's command, running. Dropped, it runs on, and is still waited for.
#[derive(Debug)]
pub struct Running {
    pid: u32,
    /// Whether the process number is still the command's: not yet given back to the kernel.
    alive: Arc<Mutex<bool>>,
    status: oneshot::Receiver<io::Result<ExitStatus>>,
    ended: Option<ExitStatus>,
    /// Why the thread that waits for it could not give up what it needs no more.
    unconfined: Option<Error>,
}

impl Held {
    /// Makes the process that will run `argv`, and holds it.
    pub fn start(argv: &[OsString]) -> Result<Self> {
        Self::start_with(argv, || Ok(()))
    }

    /// The same; the thread that waits for the command calls `confine` once that runs.
    pub(crate) fn start_with(
        argv: &[OsString],
        confine: impl FnOnce() -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let [name, args @ ..] = argv else {
            return Err(Error::usage("no command to run"));
        };
        let file = lookup::find(name).map_err(|error| cannot_run(name, &error))?;
        let failed = |error| Error::io(format!("cannot start '{}'", name.display()), &error);
        let (mut pids, pid_writer) = io::pipe().map_err(failed)?;
        let (go_reader, go) = io::pipe().map_err(failed)?;
        let ignored = stop_ignoring_children().map_err(failed)?;

        let mut command = Command::new(&file);
        command.arg0(name).args(args);
        let numbers = Numbers::new()?;
        let hold = Hold {
            pids: pid_writer,
            numbers,
            go: go_reader,
            go_writer: go.as_raw_fd(),
            ignore_child: ignored,
        };
        hold.before_exec(&mut command);
        let (spawned_to, spawned) = mpsc::sync_channel(1);
        let (status_to, status) = oneshot::channel();
        let alive = Arc::new(Mutex::new(true));
        let thread_alive = Arc::clone(&alive);
        let thread = thread::Builder::new()
            .spawn(move || process::run(command, &spawned_to, status_to, &thread_alive, confine))
            .map_err(failed)?;

        let mut told = [[0; 4]; 2];
        if let Err(error) = pids.read_exact(told.as_flattened_mut()) {
            // The process was not made, or ended early; the thread has the better reason.
            return match spawned.recv() {
                Ok(Err(spawn)) => Err(cannot_run(name, &spawn)),
                Ok(Ok(_)) | Err(_) => Err(failed(error)),
            };
        }
        let [pid, traced_pid] = told.map(u32::from_ne_bytes);
        let running = Running {
            pid,
            alive,
            status,
            ended: None,
            unconfined: None,
        };
        Ok(Self {
            pid,
            traced_pid,
            name: name.clone(),
            go: Some(go),
            spawned,
            running: Some(running),
            thread: Some(thread),
        })
    }

    /// The process, which will be the command's.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The same process, as BPF programs know it: its number in the initial pid namespace.
    pub(crate) fn traced_pid(&self) -> u32 {
        self.traced_pid
    }

    /// Lets the command run; fails if it cannot be.
    pub fn release(mut self) -> Result<Running> {
        let gone = || {
            Error::new(
                Kind::Io,
                format!("the process for '{}' has ended", self.name.display()),
            )
        };
        let (Some(mut go), Some(mut running)) = (self.go.take(), self.running.take()) else {
            return Err(gone());
        };
        // An error means that the process was killed; then the thread says so.
        drop(go.write_all(&[GO]));
        drop(go);
        match self.spawned.recv() {
            Ok(Ok(confined)) => {
                running.unconfined = confined.err();
                // Running is waited for by its own means.
                drop(self.thread.take());
                Ok(running)
            }
            Ok(Err(error)) => Err(cannot_run(&self.name, &error)),
            Err(mpsc::RecvError) => Err(gone()),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing alone would do, unless another process that is being made has a copy of this end.
        if let Some(mut go) = self.go.take() {
            drop(go.write_all(b"x"));
        }
        // The process ends at once, and is reaped when this returns.
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Running {
    /// The command's process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Why the thread that waits for it kept privileges, or system calls, that it does not need; `None` where it did not.
    pub(crate) fn unconfined(&self) -> Option<&Error> {
        self.unconfined.as_ref()
    }

    /// Waits for its end. Cancel safe, and gives the same answer again.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let status = match (&mut self.status).await {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => return Err(Error::io("cannot wait for the command", &error)),
            Err(_) => return Err(Error::new(Kind::Io, "the command was not waited for")),
        };
        self.ended = Some(status);
        Ok(status)
    }

    /// Sends it a signal; does nothing once it has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        // The lock keeps its number from being given to another process meanwhile.
        let alive = lock(&self.alive);
        let sent = match (*alive, i32::try_from(self.pid)) {
            (true, Ok(pid)) => signal::kill(Pid::from_raw(pid), signal),
            _ => Ok(()),
        };
        drop(alive);
        sent.map_err(|errno| Error::io("cannot signal the command", &errno.into()))
    }
}

/// The exit status that a shell would give for the command's end.
pub fn exit_code(status: ExitStatus) -> u8 {
    let code = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 1,
    };
    u8::try_from(code).unwrap_or(1)
}

/// The error of an exec that failed, with a shell's exit status for it.
fn cannot_run(name: &OsStr, error: &io::Error) -> Error {
    let reason = match error.raw_os_error() {
        // Without the number that std adds.
        Some(number) => Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    };
    let kind = match error.kind() {
        io::ErrorKind::NotFound => Kind::CommandNotFound,
        _ => Kind::CommandNotExecutable,
    };
    Error::new(kind, format!("cannot run '{}': {reason}", name.display()))
}

#[cfg(test)]
mod tests;
