// SPDX-License-Identifier: MIT OR Apache-2.0
//! The knobs that all objects share: from [`Options`] to `struct shared_knobs`.

use crate::error::{Error, Kind, Result};
use crate::kernel::{self, Types};
use crate::options::Options;
use crate::raw::shared_knobs;
use crate::transport;

/// The kernel's `TASK_COMM_LEN` less the NUL.
pub const COMM_MAX: usize = 15;

/// What to set before load, for a buffer of `buffer_bytes`.
pub(crate) fn shared(options: &Options, buffer_bytes: usize, perf: bool) -> Result<shared_knobs> {
    let filter = &options.filter;
    let mut knobs = shared_knobs {
        wake_bytes: u32::try_from(buffer_bytes / 2).unwrap_or(u32::MAX),
        event_most_bytes: transport::event_most_bytes(buffer_bytes, perf),
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
        typed_current: kernel::has_typed_current().into(),
        ..Default::default()
    };
    if filter.mntns_map.is_some() {
        let types = Types::read(options.btf.as_deref());
        let at = |structure, path: &[&str]| {
            let found = types
                .as_ref()
                .and_then(|types| types.offset(structure, path));
            found.ok_or_else(|| {
                Error::new(
                    Kind::Unsupported,
                    format!(
                        "--mntnsmap: the kernel's types have no {structure}.{}",
                        path.join(".")
                    ),
                )
            })
        };
        knobs.nsproxy_at = at("task_struct", &["nsproxy"])?;
        knobs.mnt_ns_at = at("nsproxy", &["mnt_ns"])?;
        knobs.mntns_inum_at = at("mnt_namespace", &["ns", "inum"])?;
    }
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
