// SPDX-License-Identifier: MIT OR Apache-2.0
//! The system calls that a tool may still make once it is attached: to read, to write what is open, to wait, and to
//! end. A tool that meets something hostile in what it traces cannot be made to do more.
//!
//! The list is that of what the tools do, of what their runtime and allocator do on the kernels and C libraries that
//! there are, and of nothing else. Above all no file can be opened to be written or made, no program or thread
//! started, no connection made, and no memory made executable.
//!
//! It holds for a thread and those that it makes. Only command lines ask for it: a library does not decide what the
//! process of its user may do.

use std::collections::BTreeMap;
use std::io;
use std::process;

use nix::errno::Errno;
use nix::libc::{self, c_long};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use crate::error::{Error, Kind, Result};

/// What becomes of a tool that makes a system call which it should not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Seccomp {
    /// It is killed (SIGSYS), before the call does anything
    #[default]
    Kill,
    /// The call is made, and the kernel's log has its number: to find out what is missing on the list
    Log,
    /// Every call is made
    Off,
}

/// The calls that are made with any arguments: most of them touch nothing but this process, or what it has open.
const CALLS: &[c_long] = &[
    // Files that are open.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_fcntl,
    libc::SYS_ftruncate,
    libc::SYS_getdents64,
    // What is there.
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    // Waiting.
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_ppoll,
    libc::SYS_futex,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    libc::SYS_wait4,
    libc::SYS_waitid,
    // The time, where the kernel's own page does not tell it.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Signals.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // What the C library asks of itself: random seeds, the size of the machine, who it is.
    libc::SYS_getrandom,
    libc::SYS_sysinfo,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_getcwd,
    libc::SYS_uname,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_set_robust_list,
    // The end.
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Older forms of the same, which musl prefers where they exist, as old versions of glibc do.
#[cfg(target_arch = "x86_64")]
const OLDER_CALLS: &[c_long] = &[
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_epoll_wait,
    libc::SYS_poll,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_CALLS: &[c_long] = &[];

/// Bits of open(2)'s flags with which a file would be made or written.
const WRITES: i32 = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND;

/// To read, to delete from and to walk a map of BPF that is open, and to ask what is known of a link that is. Deleting is
/// what libbpf does to a perf buffer's entries in its end.
const BPF_COMMANDS: [u64; 4] = [1, 3, 4, 15];

/// To write to a map of BPF that is open, and to read and empty one by many entries at once.
const BPF_UPDATES: [u64; 2] = [2, 25];

/// `PERF_EVENT_IOC_DISABLE`, and what tells a terminal: `TCGETS`, `TCGETS2`, `TIOCGWINSZ`.
const IOCTLS: [u64; 4] = [0x2401, 0x5401, 0x802c_542a, 0x5413];

/// `PR_SET_VMA`: some C libraries name their memory.
const PR_SET_VMA: u64 = 0x5356_4d41;

/// Ask of a kernel from before 5.16 that the filter does not turn on costly mitigations of the processor's faults.
/// They are for programs that run others' code.
const SPEC_ALLOW: libc::c_ulong = 1 << 2;

/// What a run needs beside that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Also {
    /// The process that it may send signals to, beside its own.
    pub command: Option<u32>,
    /// Whether it writes to BPF maps that it has open: a cgroup that is made again takes the place of the old one, and maps
    /// of histograms take turns.
    pub updates_maps: bool,
}

/// Lets the calling thread make these calls only, from now on; it must have `no_new_privs` set. Says whether the kernel can do that at all.
///
/// # Errors
///
/// When the kernel refuses.
pub fn enter(seccomp: Seccomp, also: Also) -> Result<bool> {
    let refuse = match seccomp {
        Seccomp::Kill => SeccompAction::KillProcess,
        Seccomp::Log => SeccompAction::Log,
        Seccomp::Off => return Ok(true),
    };
    // Not an architecture that the list is for.
    let Ok(architecture) = TargetArch::try_from(std::env::consts::ARCH) else {
        return Ok(false);
    };
    let program = program(refuse, architecture, also)
        .map_err(|error| Error::new(Kind::Io, format!("cannot set up seccomp: {error}")))?;
    install(&program)
}

fn program(
    refuse: SeccompAction,
    architecture: TargetArch,
    also: Also,
) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(rules(also)?, refuse, SeccompAction::Allow, architecture)?.try_into()
}

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

fn rules(also: Also) -> Result<Rules, BackendError> {
    let mut rules: Rules = CALLS
        .iter()
        .chain(OLDER_CALLS)
        .map(|call| (*call, Vec::new()))
        .collect();
    let own = u64::from(process::id());
    let known: Vec<_> = [own]
        .into_iter()
        .chain(also.command.map(u64::from))
        .collect();
    rules.insert(libc::SYS_kill, one_of(0, &known)?);
    rules.insert(libc::SYS_tgkill, one_of(0, &[own])?);
    // By which musl raises a signal; it takes a thread, of any process. Of other users' they need CAP_KILL.
    rules.insert(libc::SYS_tkill, Vec::new());
    let updates = also.updates_maps.then_some(BPF_UPDATES);
    let commands: Vec<_> = BPF_COMMANDS
        .into_iter()
        .chain(updates.into_iter().flatten())
        .collect();
    rules.insert(libc::SYS_bpf, one_of(0, &commands)?);
    rules.insert(libc::SYS_ioctl, one_of(1, &IOCTLS)?);
    rules.insert(libc::SYS_prctl, one_of(0, &[PR_SET_VMA])?);
    rules.insert(libc::SYS_openat, vec![without(2, WRITES)?]);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, vec![without(1, WRITES)?]);
    rules.insert(libc::SYS_mmap, vec![without(2, libc::PROT_EXEC)?]);
    rules.insert(libc::SYS_mprotect, vec![without(2, libc::PROT_EXEC)?]);
    // A limit is asked for, not set.
    rules.insert(libc::SYS_prlimit64, vec![null(2)?]);
    // The runtime hears of signals through a pair of sockets. An address is what a connection would take.
    rules.insert(libc::SYS_recvfrom, Vec::new());
    // The output, opened again, comes through one too, from the only process that has the other end.
    rules.insert(libc::SYS_recvmsg, Vec::new());
    rules.insert(libc::SYS_shutdown, Vec::new());
    rules.insert(libc::SYS_sendto, vec![null(4)?]);
    Ok(rules)
}

fn rule(
    argument: u8,
    length: SeccompCmpArgLen,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(
        argument, length, operator, value,
    )?])
}

/// The argument, of 32 bits, is one of these.
fn one_of(argument: u8, values: &[u64]) -> Result<Vec<SeccompRule>, BackendError> {
    let rule = |value: &u64| rule(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, *value);
    values.iter().map(rule).collect()
}

/// The argument has none of these bits.
fn without(argument: u8, bits: i32) -> Result<SeccompRule, BackendError> {
    let masked = SeccompCmpOp::MaskedEq(u64::from(bits.cast_unsigned()));
    rule(argument, SeccompCmpArgLen::Dword, masked, 0)
}

/// The argument is no address.
fn null(argument: u8) -> Result<SeccompRule, BackendError> {
    rule(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}

/// Installs the program for this thread; says whether the kernel knows how to.
fn install(program: &BpfProgram) -> Result<bool> {
    let failed = |error: io::Error| Error::io("cannot set up seccomp", &error);
    let length = u16::try_from(program.len())
        .map_err(|_| failed(io::Error::from(io::ErrorKind::ArgumentListTooLong)))?;
    let program = libc::sock_fprog {
        len: length,
        filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    // SAFETY: the kernel reads a program of that length; both crates have the layout of its `struct sock_filter`.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::c_ulong::from(libc::SECCOMP_SET_MODE_FILTER),
            SPEC_ALLOW,
            &raw const program,
        )
    };
    match Errno::result(result) {
        Ok(_) => Ok(true),
        // Without CONFIG_SECCOMP_FILTER, or where something in between does not know it.
        Err(Errno::ENOSYS | Errno::EINVAL) => Ok(false),
        Err(errno) => Err(failed(errno.into())),
    }
}

#[cfg(test)]
mod tests;
