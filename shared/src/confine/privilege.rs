// SPDX-License-Identifier: MIT OR Apache-2.0
//! The capabilities that tracing takes, and giving them up.
//!
//! Linux keeps capabilities for each thread. A thread that is made later inherits what its maker has at that
//! time; one that exists already keeps its own.

use std::io;
use std::os::unix::fs::MetadataExt;

pub use caps::Capability;
use caps::errors::CapsError;
use caps::{CapSet, CapsHashSet};
use nix::errno::Errno;
use nix::libc::{self, c_int};
use nix::unistd::{getegid, geteuid, getgid, getuid};

use crate::error::{Error, Kind, Result};

/// What loading and attaching takes: (capability, its name).
const NEEDED: [(Capability, &str); 2] = [
    (Capability::CAP_BPF, "CAP_BPF"),
    (Capability::CAP_PERFMON, "CAP_PERFMON"),
];

/// What a tool may use, whatever it traces, where it is there: what loading and attaching takes, also on kernels that have
/// not divided `CAP_SYS_ADMIN`; to lock memory for maps before 5.11; to read tracefs and its caller's files; and to open an
/// output file again.
pub const TRACING: &[Capability] = &[
    Capability::CAP_BPF,
    Capability::CAP_PERFMON,
    Capability::CAP_SYS_ADMIN,
    Capability::CAP_SYS_RESOURCE,
    Capability::CAP_DAC_READ_SEARCH,
    Capability::CAP_DAC_OVERRIDE,
];

/// The inode number of the first user namespace: `PROC_USER_INIT_INO`, the same on every kernel.
const FIRST_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// The capabilities that the calling thread lacks for tracing, by name.
pub fn missing() -> Result<Vec<&'static str>> {
    let effective = read(CapSet::Effective)?;
    // It stood for both before Linux 5.8 made them, and still does.
    if effective.contains(&Capability::CAP_SYS_ADMIN) {
        return Ok(Vec::new());
    }
    // Asking after a capability that the kernel does not know fails.
    if caps::has_cap(None, CapSet::Bounding, Capability::CAP_BPF).is_err() {
        return Ok(vec!["CAP_SYS_ADMIN"]);
    }
    let lacks = NEEDED
        .iter()
        .filter(|(capability, _)| !effective.contains(capability));
    Ok(lacks.map(|(_, name)| *name).collect())
}

/// Why the kernel refuses bpf(2) to a process that has the capabilities for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It has them in a user namespace of its own only, as in a rootless container.
    UserNamespace,
    /// It was started under a seccomp filter, which refuses the call whatever it is for.
    Seccomp,
    /// A security module refuses it, or the kernel has been built without it.
    Other(Errno),
}

impl Refusal {
    /// What is the matter, in half a sentence.
    pub fn why(self) -> String {
        match self {
            Self::UserNamespace => {
                "this process is in a user namespace, where its capabilities count for nothing"
                    .to_owned()
            }
            Self::Seccomp => {
                "bpf(2) is refused by the seccomp filter that this process was started under"
                    .to_owned()
            }
            Self::Other(Errno::ENOSYS) => "the kernel has no bpf(2)".to_owned(),
            Self::Other(errno) => {
                format!("bpf(2) is refused by a security module: {}", errno.desc())
            }
        }
    }

    /// What to do.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::UserNamespace => "run it outside of rootless containers and unshare(1)",
            Self::Seccomp => {
                "let the container's or the service's filter pass bpf(2) and perf_event_open(2) (docker run \
                 --security-opt seccomp=PROFILE, systemd's SystemCallFilter=), or run it outside"
            }
            Self::Other(Errno::ENOSYS) => "boot a kernel built with CONFIG_BPF_SYSCALL=y",
            Self::Other(_) => "allow it in SELinux's, AppArmor's or the other module's policy",
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(Kind::Permission, refusal.why()).help(refusal.remedy())
    }
}

/// Why bpf(2) is refused to this process, whatever it is called for; `None` if it is not. To be asked where the
/// capabilities are there.
///
/// It is called for nothing that any kernel knows, which the kernel itself answers with EINVAL.
pub fn refusal() -> Option<Refusal> {
    // SAFETY: without a command that is known, nothing is read: there are no arguments.
    let result = unsafe { libc::syscall(libc::SYS_bpf, c_int::MAX, 0, 0) };
    refusal_of(
        Errno::result(result).err()?,
        in_user_namespace(),
        has_filter(),
    )
}

fn refusal_of(errno: Errno, user_namespace: bool, filter: bool) -> Option<Refusal> {
    match errno {
        // What a kernel with the call says that lets this process have it.
        Errno::EINVAL | Errno::E2BIG => None,
        Errno::EPERM if user_namespace && !filter => Some(Refusal::UserNamespace),
        _ if filter => Some(Refusal::Seccomp),
        errno => Some(Refusal::Other(errno)),
    }
}

/// Whether this process has a seccomp filter.
fn has_filter() -> bool {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let mode = status
        .lines()
        .find_map(|line| line.strip_prefix("Seccomp:"));
    mode.is_some_and(|mode| mode.trim() == "2")
}

/// Fails with what to do if the calling thread lacks a capability for tracing, or is refused bpf(2) for another
/// reason.
pub fn require() -> Result<()> {
    let missing = missing()?;
    if missing.is_empty() {
        return refusal().map_or(Ok(()), |refusal| Err(refusal.into()));
    }
    let set = match missing[..] {
        ["CAP_SYS_ADMIN"] => "cap_sys_admin=ep",
        _ => "cap_bpf,cap_perfmon=ep",
    };
    let program =
        std::env::current_exe().map_or("PROGRAM".to_owned(), |path| path.display().to_string());
    Err(Error::new(
        Kind::Permission,
        format!("tracing takes {}", missing.join(" and ")),
    )
    .help(format!(
        "run it with sudo, or grant it once, to every tool in this file: sudo setcap {set} {program}"
    )))
}

/// Fails, and says what is missing, where functions of programs cannot be hooked: the kernel asks for more there than for
/// all else (`perf_uprobe_event_init()` of `kernel/events/core.c`).
///
/// # Errors
///
/// Without `CAP_SYS_ADMIN`.
pub fn require_for_uprobes() -> Result<()> {
    let has = caps::has_cap(None, CapSet::Effective, Capability::CAP_SYS_ADMIN);
    if has.unwrap_or(false) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Permission,
        "tracing functions of programs takes CAP_SYS_ADMIN",
    )
    .help("run it with sudo; the kernel lets nobody else set uprobes"))
}

/// Whether this process is in a user namespace of its own, such as a rootless container's. The capabilities it
/// has there count for nothing here, so that the kernel may refuse what [`require`] found no fault with.
pub fn in_user_namespace() -> bool {
    std::fs::metadata("/proc/self/ns/user")
        .is_ok_and(|namespace| namespace.ino() != FIRST_USER_NAMESPACE)
}

/// Fails for a program that has another user's or group's id than its caller, by its file's setuid or setgid bit: it
/// would open files, and run commands, that its caller may not.
pub fn refuse_other_ids() -> Result<()> {
    if getuid() == geteuid() && getgid() == getegid() {
        return Ok(());
    }
    Err(Error::new(
        Kind::Permission,
        "this program must not be setuid or setgid: it opens files and runs commands for its caller",
    )
    .help("grant it what tracing takes instead: chmod ug-s it, and setcap cap_bpf,cap_perfmon=ep"))
}

/// Gives up, of the capabilities that the program's file was granted, those that are not in `uses`: a program of many
/// tools has the grants of all of them. What the caller has by itself, as root does, is not touched.
pub fn keep_granted(uses: &[&[Capability]]) -> Result<()> {
    // SAFETY: it reads what the kernel gave the process at its start: whether that has privileges that its caller had not.
    if unsafe { libc::getauxval(libc::AT_SECURE) } == 0 {
        return Ok(());
    }
    let uses: CapsHashSet = uses.iter().copied().flatten().copied().collect();
    // Effective before permitted, since the one may never hold what the other lacks.
    for set in [CapSet::Effective, CapSet::Permitted] {
        let kept = read(set)?.intersection(&uses).copied().collect();
        caps::set(None, set, &kept).map_err(|error| {
            Error::new(Kind::Io, format!("cannot give up capabilities: {error}"))
        })?;
    }
    Ok(())
}

/// Gives up all privileges of the calling thread for good; see [`keep_only`].
pub fn drop_all() -> Result<()> {
    keep_only(&[])
}

/// Gives up all privileges of the calling thread for good, save those of `keep`; but where `works` fails without any, the
/// one that bpf(2) takes is kept, too. Which kernels need it for a map that is open is not asked of their version, but
/// tried.
pub fn keep_only_unless(keep: &[Capability], works: impl FnOnce() -> bool) -> Result<()> {
    let effective = read(CapSet::Effective)?;
    let set = |to: &CapsHashSet| {
        caps::set(None, CapSet::Effective, to)
            .map_err(|error| Error::new(Kind::Io, format!("cannot set capabilities: {error}")))
    };
    set(&CapsHashSet::new())?;
    let works = works();
    set(&effective)?;
    let mut keep = keep.to_vec();
    if !works {
        let bpf = [Capability::CAP_BPF, Capability::CAP_SYS_ADMIN];
        keep.extend(
            bpf.into_iter()
                .find(|capability| effective.contains(capability)),
        );
    }
    keep_only(&keep)
}

/// Gives up all privileges of the calling thread for good, save those capabilities of `keep` that it has.
///
/// Its effective, permitted, inheritable and ambient sets shrink, its bounding set too where it may (with
/// `CAP_SETPCAP`), and no program that it runs can gain any (`no_new_privs`). Threads that exist already are not
/// touched: call this on the thread that goes on, before it makes others.
pub fn keep_only(keep: &[Capability]) -> Result<()> {
    let failed =
        |error: CapsError| Error::new(Kind::Io, format!("cannot give up capabilities: {error}"));
    let keep: CapsHashSet = keep.iter().copied().collect();
    let effective = read(CapSet::Effective)?;
    // First, while the capability that it takes is there.
    if effective.contains(&Capability::CAP_SETPCAP) {
        for capability in read(CapSet::Bounding)?.difference(&keep) {
            caps::drop(None, CapSet::Bounding, *capability).map_err(failed)?;
        }
    }
    nix::sys::prctl::set_no_new_privs()
        .map_err(|errno| Error::io("cannot set no_new_privs", &io::Error::from(errno)))?;
    caps::clear(None, CapSet::Ambient).map_err(failed)?;
    caps::clear(None, CapSet::Inheritable).map_err(failed)?;
    let permitted = read(CapSet::Permitted)?;
    // Effective before permitted, since the one may never hold what the other lacks.
    caps::set(
        None,
        CapSet::Effective,
        &effective.intersection(&keep).copied().collect(),
    )
    .map_err(failed)?;
    caps::set(
        None,
        CapSet::Permitted,
        &permitted.intersection(&keep).copied().collect(),
    )
    .map_err(failed)
}

/// One of the calling thread's sets.
fn read(set: CapSet) -> Result<CapsHashSet> {
    caps::read(None, set).map_err(|error| {
        Error::new(
            Kind::Io,
            format!("cannot read this thread's capabilities: {error}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::thread;

    use caps::{CapSet, Capability, CapsHashSet};

    use nix::errno::Errno;

    use super::{
        Refusal, drop_all, in_user_namespace, keep_only, keep_only_unless, missing, refusal_of,
        require,
    };
    use crate::error::Kind;

    /// Runs `test` on a thread that has exactly `effective`, or skips it where the caller has not as much.
    fn with(effective: &[Capability], test: fn()) {
        let set: CapsHashSet = effective.iter().copied().collect();
        if !caps::read(None, CapSet::Permitted)
            .unwrap()
            .is_superset(&set)
        {
            return;
        }
        let thread = thread::spawn(move || {
            caps::set(None, CapSet::Effective, &set).unwrap();
            test();
        });
        thread.join().unwrap();
    }

    /// A line of the calling thread's status.
    fn status(name: &str) -> String {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim_start_matches(':').trim().to_owned()
    }

    #[test]
    fn what_is_missing_is_named() {
        with(&[], || {
            assert_eq!(missing().unwrap(), ["CAP_BPF", "CAP_PERFMON"])
        });
        with(&[Capability::CAP_BPF], || {
            assert_eq!(missing().unwrap(), ["CAP_PERFMON"])
        });
        with(&[Capability::CAP_PERFMON], || {
            assert_eq!(missing().unwrap(), ["CAP_BPF"])
        });
    }

    #[test]
    fn either_way_suffices() {
        with(&[Capability::CAP_BPF, Capability::CAP_PERFMON], || {
            require().unwrap()
        });
        with(&[Capability::CAP_SYS_ADMIN], || require().unwrap());
    }

    #[test]
    fn the_error_says_what_to_do() {
        with(&[], || {
            let error = require().expect_err("no capability");
            assert_eq!(error.kind(), Kind::Permission);
            let text = error.to_string();
            assert!(
                text.starts_with("tracing takes CAP_BPF and CAP_PERFMON\n"),
                "{text}"
            );
            assert!(
                text.contains("sudo setcap cap_bpf,cap_perfmon=ep /"),
                "{text}"
            );
        });
    }

    #[test]
    fn nothing_is_left_and_no_other_thread_touched() {
        let before = status("CapEff");
        let thread = thread::spawn(|| {
            let may_drop_bounding =
                caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP).unwrap();
            drop_all().unwrap();
            for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                assert_eq!(u64::from_str_radix(&status(set), 16), Ok(0), "{set}");
            }
            assert_eq!(
                u64::from_str_radix(&status("CapBnd"), 16) == Ok(0),
                may_drop_bounding
            );
            assert_eq!(status("NoNewPrivs"), "1");
            drop_all().unwrap();
        });
        thread.join().unwrap();
        assert_eq!(status("CapEff"), before);
        assert_eq!(status("NoNewPrivs"), "0");
    }

    #[test]
    fn one_can_be_kept() {
        with(&[Capability::CAP_BPF], || {
            keep_only(&[Capability::CAP_BPF, Capability::CAP_CHOWN]).unwrap();
            assert_eq!(u64::from_str_radix(&status("CapEff"), 16), Ok(1 << 39));
        });
    }

    #[test]
    fn what_is_needed_is_kept_and_no_more() {
        with(&[Capability::CAP_BPF, Capability::CAP_CHOWN], || {
            keep_only_unless(&[], || false).unwrap();
            assert_eq!(u64::from_str_radix(&status("CapPrm"), 16), Ok(1 << 39));
        });
        with(&[Capability::CAP_BPF], || {
            let nothing = || u64::from_str_radix(&status("CapEff"), 16) == Ok(0);
            keep_only_unless(&[], nothing).unwrap();
            assert_eq!(u64::from_str_radix(&status("CapPrm"), 16), Ok(0));
        });
    }

    #[test]
    fn a_refusal_has_its_reason() {
        let eperm = Errno::EPERM;
        for (errno, namespace, filter, reason) in [
            (Errno::EINVAL, true, true, None),
            (eperm, true, false, Some(Refusal::UserNamespace)),
            (eperm, false, true, Some(Refusal::Seccomp)),
            (eperm, true, true, Some(Refusal::Seccomp)),
            (Errno::ENOSYS, false, true, Some(Refusal::Seccomp)),
            (
                Errno::ENOSYS,
                false,
                false,
                Some(Refusal::Other(Errno::ENOSYS)),
            ),
            (
                Errno::EACCES,
                false,
                false,
                Some(Refusal::Other(Errno::EACCES)),
            ),
        ] {
            assert_eq!(refusal_of(errno, namespace, filter), reason, "{errno}");
        }
    }

    #[test]
    fn namespaces_are_told_apart() {
        let map = fs::read_to_string("/proc/self/uid_map").unwrap();
        let whole = map.split_whitespace().eq(["0", "0", "4294967295"]);
        // A namespace of one's own may have a whole map too, but the first one has no other.
        assert!(whole || in_user_namespace());
    }
}
