// SPDX-License-Identifier: MIT OR Apache-2.0
//! The knobs that all objects share: from [`Options`] to `struct shared_knobs`.

use crate::error::{Error, Result};
use crate::kernel;
use crate::options::Options;
use crate::raw::shared_knobs;

/// The kernel's `TASK_COMM_LEN` less the NUL.
pub const COMM_MAX: usize = 15;

/// What to set before load. `wake_bytes` and `perf_buffer` follow from the buffer.
pub(crate) fn shared(
    options: &Options,
    cpus: u32,
    ring_bytes: usize,
    perf: bool,
) -> Result<shared_knobs> {
    let filter = &options.filter;
    let mut knobs = shared_knobs {
        wake_bytes: (ring_bytes / 2) as u64,
        cpus,
        exclude_pid: options.exclude.unwrap_or(0),
        pid: filter.pid.unwrap_or(0),
        tid: filter.tid.unwrap_or(0),
        ppid: filter.ppid.unwrap_or(0),
        uid: filter.uid.unwrap_or(0),
        by_pid: filter.pid.is_some().into(),
        by_tid: filter.tid.is_some().into(),
        by_ppid: filter.ppid.is_some().into(),
        by_uid: filter.uid.is_some().into(),
        by_comm: filter.comm.is_some().into(),
        by_cgroup: filter.cgroup.is_some().into(),
        by_cgroup_map: filter.cgroup_map.is_some().into(),
        by_mntns_map: filter.mntns_map.is_some().into(),
        follow: options.follow.is_some().into(),
        perf_buffer: perf.into(),
        kernel_btf: kernel::has_btf().into(),
        ..Default::default()
    };
    if let Some(comm) = &filter.comm {
        let room = knobs
            .comm
            .get_mut(..comm.len())
            .filter(|_| comm.len() <= COMM_MAX)
            .ok_or_else(|| {
                Error::usage(format!(
                    "a command's name has at most {COMM_MAX} bytes in the kernel"
                ))
            })?;
        room.copy_from_slice(comm);
    }
    Ok(knobs)
}
