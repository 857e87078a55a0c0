// SPDX-License-Identifier: MIT OR Apache-2.0
//! The knobs that all objects share: from [`Options`] to `struct shared_knobs`.

use crate::data::raw::{exe_places, shared_knobs};
use crate::data::transport;
use crate::error::{Error, Kind, Result};
use crate::kernel::{self, Types};
use crate::trace::cgroups::{self, Wanted};
use crate::trace::filters::{decided_by, padded_comm, places};
use crate::trace::options::{Filter, Options};

/// The kernel's `TASK_COMM_LEN` less the NUL.
pub const COMM_MAX: usize = 15;

/// What to set before load, for a buffer of `buffer_bytes`.
pub(crate) fn shared(
    options: &Options,
    cgroups: &Wanted,
    buffer_bytes: usize,
    perf: bool,
) -> Result<shared_knobs> {
    let filter = &options.kernel_filter();
    let (by_pid, pid) = decided_by(&filter.pid);
    let (by_tid, tid) = decided_by(&filter.tid);
    let (by_ppid, ppid) = decided_by(&filter.ppid);
    let (by_uid, uid) = decided_by(&filter.uid);
    let (by_comm, comm) = decided_by(&filter.comm);
    let mut knobs = shared_knobs {
        wake_bytes: u32::try_from(buffer_bytes / 2).unwrap_or(u32::MAX),
        event_most_bytes: transport::event_most_bytes(buffer_bytes, perf),
        exclude_pid: options.exclude.unwrap_or(0),
        pid: pid.copied().unwrap_or(0),
        tid: tid.copied().unwrap_or(0),
        ppid: ppid.copied().unwrap_or(0),
        uid: uid.copied().unwrap_or(0),
        comm: comm.map_or(Ok([0; 16]), |comm| padded_comm(comm))?,
        by_pid,
        by_tid,
        by_ppid,
        by_uid,
        by_comm,
        cgroups: cgroups.places(),
        cgroup_maps: places("--cgroupmap", &filter.cgroup_map)?,
        mntns_maps: places("--mntnsmap", &filter.mntns_map)?,
        rings: 1,
        follow: options.follows().into(),
        filtered: (*filter != Filter::default() || options.follows()).into(),
        filtered_otherwise: (is_otherwise(filter) || options.follows()).into(),
        perf_buffer: perf.into(),
        behind: (options.ancestors > 0 || options.names || options.exe).into(),
        ancestors: options.ancestors.min(Options::ALL_ANCESTORS),
        cgroup_names: options.names.into(),
        exe: options.exe.into(),
        cgroup_ids: options.cgroup_ids.into(),
        typed_current: kernel::has_typed_current().into(),
        ..Default::default()
    };
    if !filter.mntns_map.is_empty() {
        let types = Asked::by("--mntnsmap", options);
        knobs.nsproxy_at = types.at("task_struct", &["nsproxy"])?;
        knobs.mnt_ns_at = types.at("nsproxy", &["mnt_ns"])?;
        knobs.mntns_inum_at = types.at("mnt_namespace", &["ns", "inum"])?;
    }
    if options.names {
        let types = Asked::by("the names of cgroups", options);
        knobs.cgroups_at = types.at("task_struct", &["cgroups"])?;
        knobs.default_cgroup_at = types.at("css_set", &["dfl_cgrp"])?;
        knobs.node_at = types.at("cgroup", &["kn"])?;
        knobs.node_name_at = types.at("kernfs_node", &["name"])?;
        // Since 6.15, and before ("kernfs: Use RCU to access kernfs_node::parent.").
        let parent = types.at("kernfs_node", &["__parent"]);
        knobs.node_parent_at = parent.or_else(|_| types.at("kernfs_node", &["parent"]))?;
    }
    if options.exe {
        knobs.exe_places = exe_places(&Asked::by("the executable", options))?;
    }
    Ok(knobs)
}

/// The bytes of a pointer.
const WORD: u32 = 8;

/// Where the path of a task's executable is.
fn exe_places(types: &Asked) -> Result<exe_places> {
    let [file_mnt, file_dentry] =
        types.all_at("file", [&["f_path", "mnt"], &["f_path", "dentry"]])?;
    let [dentry_parent, dentry_name] =
        types.all_at("dentry", [&["d_parent"], &["d_name", "name"]])?;
    let [vfsmount, mount_root, mount_parent, mountpoint, mount_ns] = types.all_at(
        "mount",
        [
            &["mnt"],
            &["mnt", "mnt_root"],
            &["mnt_parent"],
            &["mnt_mountpoint"],
            &["mnt_ns"],
        ],
    )?;
    let dentry_row = dentry_name.checked_sub(dentry_parent) == Some(2 * WORD);
    let mount_row = mountpoint.checked_sub(mount_parent) == Some(WORD)
        && mount_root.checked_sub(mount_parent) == Some(2 * WORD);
    Ok(exe_places {
        in_a_row: (dentry_row && mount_row).into(),
        mm: types.at("task_struct", &["mm"])?,
        exe_file: types.at("mm_struct", &["exe_file"])?,
        file_mnt,
        file_dentry,
        dentry_parent,
        dentry_name,
        vfsmount,
        mount_root,
        mount_parent,
        mountpoint,
        mount_ns,
        ns_inum: types.at("mnt_namespace", &["ns", "inum"])?,
    })
}

/// The kernel's types, for what only some runs ask for.
struct Asked {
    /// What asks, in words.
    by: &'static str,
    types: Option<Types>,
}

impl Asked {
    fn by(by: &'static str, options: &Options) -> Self {
        let types = Types::read(options.btf.as_deref());
        Self { by, types }
    }

    /// Where a member is in a structure, in bytes.
    fn at(&self, structure: &str, path: &[&str]) -> Result<u32> {
        self.all_at(structure, [path]).map(|[at]| at)
    }

    /// Where members are in a structure, which is looked for once, in bytes.
    fn all_at<const N: usize>(&self, structure: &str, paths: [&[&str]; N]) -> Result<[u32; N]> {
        let types = self.types.as_ref();
        let found = types.map_or([None; N], |types| types.offsets(structure, paths));
        let mut places = [0; N];
        for ((place, found), path) in places.iter_mut().zip(found).zip(paths) {
            *place = found.ok_or_else(|| {
                Error::new(
                    Kind::Unsupported,
                    format!(
                        "{}: the kernel's types have no {structure}.{}",
                        self.by,
                        path.join(".")
                    ),
                )
            })?;
        }
        Ok(places)
    }
}

/// Whether tasks are filtered by more than their own numbers.
fn is_otherwise(filter: &Filter) -> bool {
    let numbers = Filter {
        pid: filter.pid.clone(),
        tid: filter.tid.clone(),
        uid: filter.uid.clone(),
        ..Filter::default()
    };
    *filter != numbers
}

/// `OWNER_LEVELS` of the header.
const LEVELS: u8 = 32;

/// How many levels of the hierarchy have cgroups of this filter; all that the kernel's side looks at where a path does not
/// tell, as in a container. Only for objects that filter what is charged to a cgroup: the current task's is asked of the
/// kernel, at any depth.
pub(crate) fn owner_levels(cgroups: &Wanted) -> Result<u8> {
    let (filter, more) = cgroups.paths();
    // How deep others will lie that come later, nobody knows.
    let mut levels = if more { LEVELS } else { 0 };
    for path in filter.wanted().iter().chain(filter.excluded()) {
        let most = LEVELS - 1;
        let level = cgroups::level(path).map_or(most, |level| level.try_into().unwrap_or(u8::MAX));
        if level > most {
            return Err(Error::usage(format!(
                "--cgroup: {} lies more than {most} levels below the root, which is as deep as this tool can tell whose an event is",
                path.display()
            )));
        }
        levels = levels.max(level + 1);
    }
    Ok(levels)
}
