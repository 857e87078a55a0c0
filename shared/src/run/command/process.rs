// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command's process, and the thread that makes and reaps it.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{self, Signal};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::sync::oneshot;

use crate::confine::privilege;
use crate::error::Result;
use crate::kernel::pid::Numbers;
use crate::run::shutdown::is_ignored;

/// The byte that lets the command run. Any other, or the end of the pipe, ends it instead.
pub(super) const GO: u8 = b'g';

/// What the process that is made is held by.
pub(super) struct Hold {
    /// Where it tells its numbers: its own idea of it, and what BPF programs know it by.
    pub(super) pids: PipeWriter,
    pub(super) numbers: Numbers,
    /// Where it waits for [`GO`].
    pub(super) go: PipeReader,
    /// The other end of that, which it has too.
    pub(super) go_writer: RawFd,
    pub(super) ignore_child: bool,
}

impl Hold {
    /// Has the process that `command` makes tell its numbers, and wait.
    pub(super) fn before_exec(self, command: &mut Command) {
        let hold = move || {
            // SAFETY: this is the new process's copy of a descriptor that nothing in it uses. With a copy here,
            // the pipe would not end when the tool does.
            unsafe { libc::close(self.go_writer) };
            if self.ignore_child {
                // SAFETY: no handler is installed, and signal(2) is safe after fork.
                unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
            }
            let numbers = [std::process::id(), self.numbers.own()?];
            (&self.pids).write_all(numbers.map(u32::to_ne_bytes).as_flattened())?;
            let mut byte = [0];
            match (&self.go).read_exact(&mut byte) {
                Ok(()) if byte == [GO] => Ok(()),
                // Makes the process end, and spawn return this.
                _ => Err(Errno::ECANCELED.into()),
            }
        };
        // SAFETY: between fork and exec it makes system calls only: nothing in it allocates or locks.
        unsafe { command.pre_exec(hold) };
    }
}

/// What the command's own thread does: makes the process, which blocks while it is held, and reaps it. It tells how the
/// exec went, and whether it could give up what it needs no more.
pub(super) fn run(
    mut command: Command,
    spawned: &mpsc::SyncSender<io::Result<Result<()>>>,
    status: oneshot::Sender<io::Result<ExitStatus>>,
    alive: &Mutex<bool>,
    confine: impl FnOnce() -> Result<()>,
) {
    let result = command.spawn();
    // Closes this side's ends of the pipes, so that reading one whose process was killed ends.
    drop(command);
    // Whoever does not listen any more has dropped what needed it.
    let child = match result {
        Ok(child) => child,
        Err(error) => {
            drop(spawned.send(Err(error)));
            return;
        }
    };
    // Privileges are each thread's own, and this one needs none from here on. The trace goes on if it keeps them.
    let dropped = privilege::drop_all();
    drop(spawned.send(Ok(dropped.and(confine()))));
    drop(status.send(reap(child, alive)));
}

/// Waits for the end of `child`, and marks it before its number is free.
fn reap(mut child: Child, alive: &Mutex<bool>) -> io::Result<ExitStatus> {
    let pid = Pid::from_raw(child.id().cast_signed());
    while let Err(errno) = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
        if errno != Errno::EINTR {
            return Err(errno.into());
        }
    }
    let mut alive = lock(alive);
    *alive = false;
    child.wait()
}

/// Waiting for a process fails where the caller has SIGCHLD ignored. Says whether it was so.
pub(super) fn stop_ignoring_children() -> io::Result<bool> {
    let ignored = is_ignored(Signal::SIGCHLD)?;
    if ignored {
        // SAFETY: the default is no handler.
        unsafe { signal::signal(Signal::SIGCHLD, signal::SigHandler::SigDfl) }?;
    }
    Ok(ignored)
}

/// Whether a process number is still the command's.
pub(super) fn lock(alive: &Mutex<bool>) -> MutexGuard<'_, bool> {
    // A flag is never left half-written.
    alive.lock().unwrap_or_else(PoisonError::into_inner)
}
