// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls just as they are: what libc makes of open(2) is not for it to choose here.

use std::ffi::{CStr, CString, OsStr};
use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use nix::errno::Errno;
use nix::libc::{self, c_char, c_int, c_long};
use nix::unistd::Uid;
use serde_json::Value;

pub(crate) const AT_FDCWD: i32 = libc::AT_FDCWD;

/// What openat2(2) is given.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    pub(crate) flags: u64,
    pub(crate) mode: u64,
    pub(crate) resolve: u64,
}

pub(crate) fn c(text: impl AsRef<OsStr>) -> CString {
    CString::new(text.as_ref().as_bytes()).unwrap()
}

fn file(result: c_long) -> Result<OwnedFd, Errno> {
    let fd = Errno::result(result)?;
    // SAFETY: the kernel has just made it, for this caller.
    Ok(unsafe { OwnedFd::from_raw_fd(fd.try_into().unwrap()) })
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn open(path: &CStr, flags: c_int, mode: u32) -> Result<OwnedFd, Errno> {
    // SAFETY: the path is a string.
    file(unsafe { libc::syscall(libc::SYS_open, path.as_ptr(), flags, mode) })
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn creat(path: &CStr, mode: u32) -> Result<OwnedFd, Errno> {
    // SAFETY: the path is a string.
    file(unsafe { libc::syscall(libc::SYS_creat, path.as_ptr(), mode) })
}

pub(crate) fn openat(dirfd: i32, path: &CStr, flags: c_int, mode: u32) -> Result<OwnedFd, Errno> {
    openat_address(dirfd, path.as_ptr(), flags, mode)
}

/// openat(2) of whatever is at this address.
pub(crate) fn openat_address(
    dirfd: i32,
    path: *const c_char,
    flags: c_int,
    mode: u32,
) -> Result<OwnedFd, Errno> {
    // SAFETY: the kernel reads the path, and says EFAULT where there is none.
    file(unsafe { libc::syscall(libc::SYS_openat, dirfd, path, flags, mode) })
}

pub(crate) fn openat2(dirfd: i32, path: &CStr, how: How) -> Result<OwnedFd, Errno> {
    // SAFETY: the path is a string, and the size is that of what is pointed at.
    file(unsafe {
        libc::syscall(
            libc::SYS_openat2,
            dirfd,
            path.as_ptr(),
            &raw const how,
            size_of::<How>(),
        )
    })
}

/// Opens for reading, by openat(2) from the working directory.
pub(crate) fn read(path: impl AsRef<OsStr>) -> Result<OwnedFd, Errno> {
    openat(AT_FDCWD, &c(path), libc::O_RDONLY, 0)
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn unlink(path: &CStr) -> Result<(), Errno> {
    // SAFETY: the path is a string.
    Errno::result(unsafe { libc::syscall(libc::SYS_unlink, path.as_ptr()) }).map(drop)
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn rmdir(path: &CStr) -> Result<(), Errno> {
    // SAFETY: the path is a string.
    Errno::result(unsafe { libc::syscall(libc::SYS_rmdir, path.as_ptr()) }).map(drop)
}

pub(crate) fn unlinkat(dirfd: i32, path: &CStr, flags: c_int) -> Result<(), Errno> {
    unlinkat_address(dirfd, path.as_ptr(), flags)
}

/// unlinkat(2) of whatever is at this address.
pub(crate) fn unlinkat_address(dirfd: i32, path: *const c_char, flags: c_int) -> Result<(), Errno> {
    // SAFETY: the kernel reads the path, and says EFAULT where there is none.
    Errno::result(unsafe { libc::syscall(libc::SYS_unlinkat, dirfd, path, flags) }).map(drop)
}

/// sync(2)
pub(crate) fn sync() {
    // SAFETY: it takes nothing, and does not fail.
    unsafe { libc::syscall(libc::SYS_sync) };
}

/// syncfs(2)
pub(crate) fn syncfs(fd: i32) -> Result<(), Errno> {
    // SAFETY: takes a number.
    Errno::result(unsafe { libc::syscall(libc::SYS_syncfs, fd) }).map(drop)
}

/// fsync(2)
pub(crate) fn fsync(fd: i32) -> Result<(), Errno> {
    // SAFETY: takes a number.
    Errno::result(unsafe { libc::syscall(libc::SYS_fsync, fd) }).map(drop)
}

/// fdatasync(2)
pub(crate) fn fdatasync(fd: i32) -> Result<(), Errno> {
    // SAFETY: takes a number.
    Errno::result(unsafe { libc::syscall(libc::SYS_fdatasync, fd) }).map(drop)
}

/// msync(2)
pub(crate) fn msync(address: usize, bytes: usize, flags: i32) -> Result<(), Errno> {
    // SAFETY: what is mapped there stays what it is.
    Errno::result(unsafe { libc::syscall(libc::SYS_msync, address, bytes, flags) }).map(drop)
}

/// `sync_file_range(2)`, whose number and order of arguments differ between architectures: that is the C library's to know.
pub(crate) fn sync_file_range(fd: i32, offset: i64, bytes: i64, flags: u32) -> Result<(), Errno> {
    // SAFETY: takes numbers.
    Errno::result(unsafe { libc::sync_file_range(fd, offset, bytes, flags) }).map(drop)
}

/// renameat2(2) from the working directory.
pub(crate) fn rename(from: &CStr, to: &CStr, flags: u32) -> Result<(), Errno> {
    let (from, to) = (from.as_ptr(), to.as_ptr());
    // SAFETY: both paths are strings.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags)
    })
    .map(drop)
}

/// execve(2) with this process's environment; returns if it fails.
pub(crate) fn execve(path: &CStr, args: &[CString]) -> Errno {
    let mut pointers: Vec<_> = args.iter().map(|arg| arg.as_ptr()).collect();
    pointers.push(ptr::null());
    execve_address(path.as_ptr(), pointers.as_ptr())
}

/// execve(2) with whatever is at these addresses, and an empty environment.
pub(crate) fn execve_address(path: *const c_char, args: *const *const c_char) -> Errno {
    // SAFETY: the kernel reads what is pointed at, and says EFAULT where there is none.
    unsafe { libc::syscall(libc::SYS_execve, path, args, ptr::null::<c_char>()) };
    Errno::last()
}

/// execveat(2) with an empty environment; returns if it fails.
pub(crate) fn execveat(dirfd: i32, path: &CStr, args: &[CString], flags: c_int) -> Errno {
    let mut pointers: Vec<_> = args.iter().map(|arg| arg.as_ptr()).collect();
    pointers.push(ptr::null());
    let none = ptr::null::<c_char>();
    // SAFETY: all are strings, and the list ends in NULL.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            dirfd,
            path.as_ptr(),
            pointers.as_ptr(),
            none,
            flags,
        )
    };
    Errno::last()
}

/// Names the calling thread.
pub(crate) fn set_comm(name: &[u8]) {
    let name = CString::new(name).unwrap();
    // SAFETY: the name is a string.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// The calling thread's name.
pub(crate) fn own_comm() -> String {
    let name = fs::read_to_string("/proc/thread-self/comm").unwrap();
    name.trim_end_matches('\n').to_owned()
}

/// Gives up root for this user, in the whole process.
pub(crate) fn become_user(uid: u32) {
    nix::unistd::setgid(uid.into()).unwrap();
    nix::unistd::setuid(Uid::from_raw(uid)).unwrap();
}

/// Moves the process to a mount namespace of its own, where nothing that it mounts is seen elsewhere.
pub(crate) fn own_mounts() {
    // SAFETY: no pointer is passed.
    Errno::result(unsafe { libc::unshare(libc::CLONE_NEWNS) }).unwrap();
    mount(None, Path::new("/"), None, libc::MS_REC | libc::MS_PRIVATE);
}

/// Has the loopback device of a network namespace be up, which it is not when the namespace is made.
pub(crate) fn loopback_up() {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    // SAFETY: integers, names and addresses, which all may be zero.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed() as c_char;
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: the kernel reads the request.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    Errno::result(result).unwrap();
}

/// mount(2)
pub(crate) fn mount(source: Option<&Path>, target: &Path, kind: Option<&str>, flags: u64) {
    mount_with(source, target, kind, flags, None);
}

/// mount(2) of a file system that is given options.
pub(crate) fn mount_with(
    source: Option<&Path>,
    target: &Path,
    kind: Option<&str>,
    flags: u64,
    options: Option<&str>,
) {
    let source = source.map(c);
    let kind = kind.map(c);
    let options = options.map(c);
    let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    // SAFETY: all are strings or absent.
    let result = unsafe {
        libc::mount(
            pointer(&source),
            c(target).as_ptr(),
            pointer(&kind),
            flags,
            pointer(&options).cast(),
        )
    };
    Errno::result(result).unwrap();
}

/// The last one of these events whose field is this text.
pub(crate) fn find<'a>(events: &'a [Value], field: &str, text: &str) -> &'a Value {
    let mut found = events.iter().rev().filter(|event| event[field] == text);
    found
        .next()
        .unwrap_or_else(|| panic!("no {field} {text:?} in {events:#?}"))
}
