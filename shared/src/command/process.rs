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

use crate::privilege;
use crate::shutdown::is_ignored;

/// The byte that lets the command run. Any other, or the end of the pipe, ends it instead.
pub(super) const GO: u8 = b'g';

/// Has the process that `command` makes tell its number, and wait for [`GO`].
pub(super) fn hold_before_exec(
    command: &mut Command,
    pids: PipeWriter,
    go: PipeReader,
    go_writer: RawFd,
    ignore_child: bool,
) {
    let hold = move || {
        // SAFETY: this is the new process's copy of a descriptor that nothing in it uses. With a copy here,
        // the pipe would not end when the tool does.
        unsafe { libc::close(go_writer) };
        if ignore_child {
            // SAFETY: no handler is installed, and signal(2) is safe after fork.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        }
        (&pids).write_all(&std::process::id().to_ne_bytes())?;
        let mut byte = [0];
        match (&go).read_exact(&mut byte) {
            Ok(()) if byte == [GO] => Ok(()),
            // Makes the process end, and spawn return this.
            _ => Err(Errno::ECANCELED.into()),
        }
    };
    // SAFETY: between fork and exec it makes system calls only: neither pipe allocates or locks.
    unsafe { command.pre_exec(hold) };
}

/// What the command's own thread does: makes the process, which blocks while it is held, and reaps it.
pub(super) fn run(
    mut command: Command,
    spawned: &mpsc::SyncSender<io::Result<()>>,
    status: oneshot::Sender<io::Result<ExitStatus>>,
    alive: &Mutex<bool>,
) {
    let result = command.spawn();
    // Closes this side's ends of the pipes, so that reading one whose process was killed ends.
    drop(command);
    // Whoever does not listen any more has dropped what needed it.
    let child = match result {
        Ok(child) => {
            drop(spawned.send(Ok(())));
            child
        }
        Err(error) => {
            drop(spawned.send(Err(error)));
            return;
        }
    };
    // Privileges are each thread's own, and this one needs none from here on. It is no loss if it keeps them.
    drop(privilege::drop_all());
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
