// SPDX-License-Identifier: MIT OR Apache-2.0
//! What asks a tool to end: a signal, or the reader of its output going away.
//!
//! `SIGPIPE` stays ignored, as Rust has it, so that writing to a pipe without a reader is an error that can be
//! handled. But a tool with nothing to write would not notice: `opensnoop --uid games | head -1` should not
//! run until the next event. So the output is watched, too.

mod insist;

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::thread;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{self, Signal, SignalKind};

use crate::error::{Error, Kind, Result};

/// Why a tool is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// `SIGINT`: Ctrl-C.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
    /// `SIGHUP`: the terminal has gone.
    Hangup,
    /// The reader of the output has gone.
    ReaderGone,
}

/// Listens for what asks a tool to end.
#[derive(Debug)]
pub struct Shutdown {
    interrupt: Signal,
    terminate: Signal,
    /// `None` if the caller has it ignored.
    hangup: Option<Signal>,
    /// An epoll instance with the output in it; `None` if that has no reader that could go.
    output: Option<AsyncFd<OwnedFd>>,
}

impl Shutdown {
    /// Listens from now on, also for the reader of `watched` if that is a pipe, socket or terminal.
    ///
    /// Signals are taken over for the whole process, and for good. A `SIGHUP` that the caller has ignored stays
    /// ignored, which is what nohup(1) is for; an ignored `SIGINT` does not, since a script's `tool & kill -INT $!`
    /// has it ignored without anybody's wish.
    ///
    /// A signal that comes again a second or more later ends the process at once: a reader that has stalled cannot
    /// hold it for ever.
    ///
    /// Fails outside of a tokio runtime with I/O enabled.
    pub fn new(watched: Option<BorrowedFd<'_>>) -> Result<Self> {
        tokio::runtime::Handle::try_current()
            .map_err(|error| Error::new(Kind::Io, format!("cannot listen for signals: {error}")))?;
        let failed = |error: io::Error| Error::io("cannot listen for signals", &error);
        let hangup = if is_ignored(signal::Signal::SIGHUP).map_err(failed)? {
            None
        } else {
            Some(unix::signal(SignalKind::hangup()).map_err(failed)?)
        };
        for signal in [signal::Signal::SIGINT, signal::Signal::SIGTERM] {
            insist::watch(signal as i32).map_err(failed)?;
        }
        if hangup.is_some() {
            insist::watch(signal::Signal::SIGHUP as i32).map_err(failed)?;
        }
        let output = match watched {
            Some(fd) => watch(fd).map_err(|error| Error::io("cannot watch the output", &error))?,
            None => None,
        };
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: unix::signal(SignalKind::terminate()).map_err(failed)?,
            hangup,
            output,
        })
    }

    /// Waits for a reason to end. Cancel safe. Each reason is given once, so that a tool may go on to wait for
    /// the next: a second Ctrl-C, say.
    pub async fn recv(&mut self) -> Reason {
        let reason = tokio::select! {
            biased;
            () = received(Some(&mut self.interrupt)) => Reason::Interrupt,
            () = received(Some(&mut self.terminate)) => Reason::Terminate,
            () = received(self.hangup.as_mut()) => Reason::Hangup,
            () = reader_gone(self.output.as_ref()) => Reason::ReaderGone,
        };
        if reason == Reason::ReaderGone {
            self.output = None;
        }
        reason
    }
}

/// Listens for `SIGUSR1`, which asks a tool to open its output again.
#[derive(Debug)]
pub(crate) struct Rotation(Signal);

impl Rotation {
    /// Listens from now on, for good.
    ///
    /// Fails outside of a tokio runtime with I/O enabled.
    pub(crate) fn new() -> Result<Self> {
        let signal = unix::signal(SignalKind::user_defined1());
        Ok(Self(signal.map_err(|error| {
            Error::io("cannot listen for signals", &error)
        })?))
    }

    /// Waits for the signal. Cancel safe.
    pub(crate) async fn asked(&mut self) {
        received(Some(&mut self.0)).await;
    }
}

/// Calls `begin` with the number of each of the signals that ask for an end, from now on and for good: `SIGINT`,
/// `SIGTERM`, and `SIGHUP` unless the caller has it ignored. It runs on a thread of its own. The same signal a second
/// or more later ends the process at once. For what runs outside of a runtime.
///
/// # Errors
///
/// When the kernel refuses.
pub fn listen(begin: fn(libc::c_int)) -> Result<()> {
    let failed = |error: io::Error| Error::io("cannot listen for signals", &error);
    let mut signals = vec![signal::Signal::SIGINT, signal::Signal::SIGTERM];
    if !is_ignored(signal::Signal::SIGHUP).map_err(failed)? {
        signals.push(signal::Signal::SIGHUP);
    }
    for signal in signals {
        let number = signal as libc::c_int;
        let (mut heard, hears) = UnixStream::pair().map_err(failed)?;
        signal_hook::low_level::pipe::register(number, hears).map_err(failed)?;
        insist::watch(number).map_err(failed)?;
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                while let Ok(1..) = heard.read(&mut [0]) {
                    begin(number);
                }
            })
            .map_err(failed)?;
    }
    Ok(())
}

/// Whether the process ignores `signal`, as it does when its caller had it ignored.
pub(crate) fn is_ignored(signal: signal::Signal) -> io::Result<bool> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: with no new action this only writes the present one.
    if unsafe { libc::sigaction(signal as i32, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: written above.
    Ok(unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN)
}

/// An epoll instance that becomes readable when the reader of `fd` has gone; `None` for a file that has none.
///
/// With the output in tokio's own epoll instance, every write that finds room and every key that is typed
/// would wake the tool. In one of its own, which asks for no events, only an error or hang-up shows: those are
/// always reported. Nor need the output, which other processes may share, be made non-blocking.
fn watch(fd: BorrowedFd<'_>) -> io::Result<Option<AsyncFd<OwnedFd>>> {
    // SAFETY: plain system call.
    let epoll = Errno::result(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    // SAFETY: just made, and nobody else's.
    let epoll = unsafe { OwnedFd::from_raw_fd(epoll) };
    let mut no_events = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: both descriptors are open, and the event lives through the call. The kernel takes the file out
    // again when it is closed.
    let added = unsafe {
        libc::epoll_ctl(
            epoll.as_raw_fd(),
            libc::EPOLL_CTL_ADD,
            fd.as_raw_fd(),
            &raw mut no_events,
        )
    };
    match Errno::result(added) {
        Ok(_) => {
            // SAFETY: an `OwnedFd` is open, and stays the same, for as long as it lives.
            let watching = unsafe { AsyncFd::register_with_interest(epoll, Interest::READABLE) };
            Ok(Some(watching?))
        }
        // Regular files, directories, /dev/null.
        Err(Errno::EPERM) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Waits for a signal; for ever if there is none to wait for.
async fn received(signal: Option<&mut Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// Waits for the reader's end; for ever if there is none.
async fn reader_gone(output: Option<&AsyncFd<OwnedFd>>) {
    if let Some(output) = output
        && let Ok(mut ready) = output.readable().await
    {
        ready.retain_ready();
        return;
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests;
