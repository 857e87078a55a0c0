// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's statistics of BPF programs.

use std::mem;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;

use crate::error::Error;
use crate::error::Result;
use crate::process::field;

/// `BPF_ENABLE_STATS` of `enum bpf_cmd`.
const BPF_ENABLE_STATS: libc::c_long = 32;
/// `BPF_STATS_RUN_TIME` of `enum bpf_stats_type`.
const BPF_STATS_RUN_TIME: u32 = 0;

/// How often and how long a program ran while statistics were on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunStats {
    /// Time in the program, in ns, with the few tens of ns that taking the time itself costs.
    pub run_time_ns: u64,
    /// Runs.
    pub run_cnt: u64,
}

impl RunStats {
    /// Reads the statistics in the fdinfo of a program's descriptor; what is not there is zero.
    #[must_use]
    pub fn parse(fdinfo: &str) -> Self {
        Self {
            run_time_ns: field(fdinfo, "run_time_ns").unwrap_or(0),
            run_cnt: field(fdinfo, "run_cnt").unwrap_or(0),
        }
    }
}

/// Statistics of all programs are on while this lives. However this process ends, the kernel then
/// switches them off, which the sysctl of the same purpose would not.
#[derive(Debug)]
pub struct StatsEnabled {
    _fd: OwnedFd,
}

impl StatsEnabled {
    /// Switches the statistics on.
    ///
    /// # Errors
    ///
    /// When the kernel refuses: it asks for `CAP_SYS_ADMIN`, and is older than 5.8 if it knows nothing of it.
    pub fn new() -> Result<Self> {
        // The attribute's first member is the type; the rest of the union must be zero.
        let attr: [u32; 4] = [BPF_STATS_RUN_TIME, 0, 0, 0];
        // SAFETY: `attr` is valid to read for the size given.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_bpf,
                BPF_ENABLE_STATS,
                attr.as_ptr(),
                mem::size_of_val(&attr),
            )
        };
        let fd = i32::try_from(fd).unwrap_or(-1);
        if fd < 0 {
            return Err(Error::last_os("cannot switch BPF statistics on"));
        }
        // SAFETY: the kernel just gave this descriptor to us alone.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { _fd: fd })
    }
}

#[cfg(test)]
mod tests {
    use super::RunStats;

    #[test]
    fn statistics_are_read_from_fdinfo() {
        let info =
            "prog_type:\t5\nprog_id:\t118\nrun_time_ns:\t4100\nrun_cnt:\t3\nrecursion_misses:\t0\n";
        let expected = RunStats {
            run_time_ns: 4_100,
            run_cnt: 3,
        };
        assert_eq!(RunStats::parse(info), expected);
        assert_eq!(RunStats::parse("prog_id:\t118\n"), RunStats::default());
    }
}
