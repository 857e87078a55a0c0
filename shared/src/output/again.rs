// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening the output again, once it was renamed, for a tool that may open nothing any more.
//!
//! When it traces, a tool has no privileges and a seccomp filter that refuses to open a file to be written. So a
//! process of its own does it, made before: it holds the directory open, waits for a byte, opens the one name there by
//! the rules of [`create`](super::create), and hands the file over. It can be asked for nothing else. It has every
//! signal blocked, has nothing open but that directory and its end of a pair of sockets, and ends with its tool.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, Shutdown, SockFlag, SockType,
    recvmsg, sendmsg, shutdown, socketpair,
};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};

use super::create::{Refused, Spot};
use crate::confine::privilege::{self, Capability};

/// What the process keeps of its caller's privileges: to write where its caller could.
const KEPT: [Capability; 2] = [
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_DAC_READ_SEARCH,
];

/// What is said instead of an error's number where the file is not what it may be.
const A_LINK: i32 = -1;
const OTHERS: i32 = -2;

/// Has the output opened again. Dropping it ends the process.
pub(super) struct Opener {
    socket: Option<OwnedFd>,
    process: Pid,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

/// Why the file is not opened again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// What the kernel says.
    Errno(Errno),
    /// A symbolic link has the name.
    Link,
    /// What has the name is no file, or not only the caller's where others may make one.
    Others,
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl Opener {
    /// Makes the process. The caller must have one thread only.
    pub(super) fn new(spot: &Spot) -> nix::Result<Self> {
        let (ours, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        // SAFETY: with one thread, no lock is held that the new process would wait for.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => Ok(Self {
                socket: Some(ours),
                process: child,
            }),
            ForkResult::Child => {
                serve(spot, &theirs);
                // SAFETY: ends the process, without what the tool has registered for its own end.
                unsafe { libc::_exit(0) }
            }
        }
    }

    /// The file that has the name by now; one that was not there is made.
    pub(super) fn open(&self) -> Result<OwnedFd, Failure> {
        let socket = self.socket.as_ref().ok_or(Errno::EBADF)?;
        nix::sys::socket::send(socket.as_raw_fd(), b"o", MsgFlags::MSG_NOSIGNAL)?;
        let mut code = [0; 4];
        let mut parts = [IoSliceMut::new(&mut code)];
        let mut space = nix::cmsg_space!(RawFd);
        let message = loop {
            let flags = MsgFlags::MSG_CMSG_CLOEXEC;
            match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags) {
                Err(Errno::EINTR) => {}
                message => break message?,
            }
        };
        let mut file = None;
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(fds) = control {
                for fd in fds {
                    // SAFETY: it was just received, and is nobody else's.
                    file = Some(unsafe { OwnedFd::from_raw_fd(fd) });
                }
            }
        }
        if message.bytes < code.len() {
            return Err(Failure::Errno(Errno::EPIPE));
        }
        match (file, i32::from_ne_bytes(code)) {
            (Some(file), 0) => Ok(file),
            (_, A_LINK) => Err(Failure::Link),
            (_, OTHERS) => Err(Failure::Others),
            (_, errno) => Err(Failure::Errno(Errno::from_raw(errno))),
        }
    }
}

impl Drop for Opener {
    fn drop(&mut self) {
        // It ends with the connection. To close the socket would not end that: a command that was made since, and does not
        // run yet, holds it too. That its number is known no more, where the caller ignores SIGCHLD, is no harm.
        if let Some(socket) = self.socket.take() {
            let _ = shutdown(socket.as_raw_fd(), Shutdown::Both);
        }
        let _ = waitpid(self.process, None);
    }
}

/// The life of the process: until the tool has gone.
fn serve(spot: &Spot, socket: &OwnedFd) {
    // What ends the tool must not end this first; nor is it to be asked by a signal that was meant for the tool.
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None);
    close_all_but([spot.directory.as_fd(), socket.as_fd()]);
    // A name in lists of processes.
    // SAFETY: a text that ends with a zero.
    unsafe { libc::prctl(libc::PR_SET_NAME, c"tracewell-file".as_ptr()) };
    if privilege::keep_only(&KEPT).is_err() {
        return;
    }
    let mut byte = [0];
    while let Ok(1) = nix::sys::socket::recv(socket.as_raw_fd(), &mut byte, MsgFlags::empty()) {
        let (file, code) = match spot.open_again() {
            Ok(file) => (Some(file), 0),
            Err(Refused::Errno(errno)) => (None, errno as i32),
            Err(Refused::Link(_)) => (None, A_LINK),
            Err(Refused::Others(_)) => (None, OTHERS),
        };
        let code = code.to_ne_bytes();
        let fds = file.as_ref().map(|file| [file.as_raw_fd()]);
        let rights = fds.as_ref().map(|fds| ControlMessage::ScmRights(fds));
        let sent = sendmsg::<()>(
            socket.as_raw_fd(),
            &[IoSlice::new(&code)],
            rights.as_slice(),
            MsgFlags::MSG_NOSIGNAL,
            None,
        );
        if sent.is_err() {
            return;
        }
    }
}

/// Closes all descriptors but these two: what others wait for the end of must not be held open here.
fn close_all_but(kept: [BorrowedFd<'_>; 2]) {
    let mut kept = kept.map(|fd| fd.as_raw_fd().cast_unsigned());
    kept.sort_unstable();
    let [low, high] = kept;
    let close = |first: u32, last: u32| {
        if first <= last {
            // SAFETY: nothing in this process uses what is closed; it only ends by _exit.
            unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
        }
    };
    if low > 0 {
        close(0, low - 1);
    }
    close(low + 1, high - 1);
    close(high + 1, u32::MAX);
}

/// Whether both are the same file.
pub(super) fn same_file(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> io::Result<bool> {
    let id = |fd| nix::sys::stat::fstat(fd).map(|status| (status.st_dev, status.st_ino));
    Ok(id(one)? == id(other)?)
}
