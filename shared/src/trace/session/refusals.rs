// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel says of runs that it refused, and whether it says it at all.
//!
//! A program that is under way on a CPU is not run there again: a task that was preempted in it keeps it from all others.
//! The kernel counts that for each program (`recursion_misses`). Programs on tracepoints through tracefs and on kprobes
//! are not run either while anybody's call of bpf(2) works on a map on that CPU (`bpf_prog_active`), and that goes
//! uncounted up to 6.6 ("bpf: Count missed stats in `trace_call_bpf`").

use std::fs::File;
use std::io::{self, Read, Seek};
use std::mem::{MaybeUninit, offset_of};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use libbpf_rs::{Link, ProgramType, libbpf_sys};

use crate::data::loss::Cause;

/// A program's count of refused runs, kept open: at the end there may be no descriptor left to open it with.
#[derive(Debug)]
pub(super) struct Refusals {
    cause: Cause,
    fdinfo: File,
}

impl Refusals {
    /// Of a program whose refused runs are lost by `cause`. Its fdinfo needs no privilege, unlike bpf(2) on older kernels.
    pub(super) fn of(program: &OwnedFd, cause: Cause) -> io::Result<Self> {
        let fdinfo = File::open(format!("/proc/self/fdinfo/{}", program.as_raw_fd()))?;
        Ok(Self { cause, fdinfo })
    }

    /// Why an event is lost with a run, and how many runs were refused. The count is there since 5.12 ("bpf: Count the
    /// number of times recursion was prevented"), as the refusals are.
    pub(super) fn count(&self) -> (Cause, u64) {
        let mut info = String::new();
        let mut file = &self.fdinfo;
        // The kernel makes the text anew when it is read from its start.
        let read = file.rewind().and_then(|()| file.read_to_string(&mut info));
        let count = read.ok().and_then(|_| field(&info, "recursion_misses"));
        (self.cause, count.unwrap_or(0))
    }
}

fn field(info: &str, name: &str) -> Option<u64> {
    info.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(':')?;
        value.trim().parse().ok()
    })
}

/// Whether programs of this type are skipped while bpf(2) works on a map.
pub(super) fn is_classic(kind: ProgramType) -> bool {
    matches!(kind, ProgramType::Tracepoint | ProgramType::Kprobe)
}

type LinkInfo = libbpf_sys::bpf_link_info;
type KprobeInfo =
    libbpf_sys::bpf_link_info__bindgen_ty_1__bindgen_ty_11__bindgen_ty_1__bindgen_ty_2;

/// The bytes of a link's information up to and with `perf_event.kprobe.missed`.
const WITH_MISSED: usize = offset_of!(LinkInfo, __bindgen_anon_1)
    + offset_of!(
        libbpf_sys::bpf_link_info__bindgen_ty_1__bindgen_ty_11,
        __bindgen_anon_1
    )
    + offset_of!(KprobeInfo, missed)
    + size_of::<u64>();

/// How often the kernel did not come to run the program behind a link to a kprobe, for it was in another's handler; 0 for
/// other links. `None` where the kernel does not say: it then does not count what [`is_classic`] tells of, either, since
/// both came at once (6.7, and what was ported back with it).
pub(super) fn missed(link: &Link) -> Option<u64> {
    let mut info = MaybeUninit::<LinkInfo>::zeroed();
    let mut bytes = size_of::<LinkInfo>() as u32;
    let fd = link.as_fd().as_raw_fd();
    // SAFETY: the kernel writes at most so many bytes there, and says how many it knows.
    let err = unsafe { libbpf_sys::bpf_link_get_info_by_fd(fd, info.as_mut_ptr(), &raw mut bytes) };
    if err != 0 || (bytes as usize) < WITH_MISSED {
        return None;
    }
    // SAFETY: integers and unions of integers, which all bytes are values of; they are zero where nothing was written.
    let info = unsafe { info.assume_init() };
    let is_probe = info.type_ == libbpf_sys::BPF_LINK_TYPE_PERF_EVENT;
    // SAFETY: as above; what the union holds is asked before it is used.
    let event = unsafe { info.__bindgen_anon_1.perf_event };
    let probes = [
        libbpf_sys::BPF_PERF_EVENT_KPROBE,
        libbpf_sys::BPF_PERF_EVENT_KRETPROBE,
    ];
    if info.type_ == libbpf_sys::BPF_LINK_TYPE_KPROBE_MULTI {
        // SAFETY: as above.
        return Some(unsafe { info.__bindgen_anon_1.kprobe_multi.missed });
    }
    // SAFETY: as above.
    let missed = unsafe { event.__bindgen_anon_1.kprobe.missed };
    // SAFETY: as above.
    let session = unsafe { info.__bindgen_anon_1.kprobe_multi };
    Some(if is_probe && probes.contains(&event.type_) {
        missed
    } else if info.type_ == libbpf_sys::BPF_LINK_TYPE_KPROBE_MULTI {
        session.missed
    } else {
        0
    })
}

#[cfg(test)]
mod tests {
    use super::{Refusals, field};
    use crate::data::loss::Cause;
    use std::io::{Seek, SeekFrom};
    use std::os::fd::OwnedFd;

    #[test]
    fn a_count_stands_on_a_line_of_its_own() {
        let info = "prog_type:\t5\nrun_cnt:\t3\nrecursion_misses:\t41\nverified_insns:\t7\n";
        assert_eq!(field(info, "recursion_misses"), Some(41));
        assert_eq!(field(info, "misses"), None);
        assert_eq!(field("prog_type:\t5\n", "recursion_misses"), None);
    }

    #[test]
    fn what_is_kept_open_is_read_anew() {
        let mut file = tempfile::tempfile().unwrap();
        let fd: OwnedFd = file.try_clone().unwrap().into();
        let kept = Refusals::of(&fd, Cause::Recursion).unwrap();
        // Not a program: it has no such count, but a place that moves.
        for place in [3, 5] {
            file.seek(SeekFrom::Start(place)).unwrap();
            assert_eq!(kept.count(), (Cause::Recursion, 0));
            let mut text = String::new();
            let mut info = &kept.fdinfo;
            info.rewind().unwrap();
            std::io::Read::read_to_string(&mut info, &mut text).unwrap();
            assert_eq!(field(&text, "pos"), Some(place));
        }
    }
}
