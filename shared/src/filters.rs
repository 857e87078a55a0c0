// SPDX-License-Identifier: MIT OR Apache-2.0
//! The maps that filters look things up in: filled between load and attach.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType, Object, OpenMapMut};

use crate::error::{Error, Kind, Result};
use crate::options::{Filter, Options};
use crate::session::{bpf_error, find_map};

/// The maps of `--cgroupmap` and `--mntnsmap`, which other programs pinned.
#[derive(Debug)]
pub(crate) struct Pinned {
    cgroups: Option<MapHandle>,
    mount_namespaces: Option<MapHandle>,
}

impl Pinned {
    pub(crate) fn open(filter: &Filter) -> Result<Self> {
        let open = |path: &Option<PathBuf>| path.as_deref().map(pinned_map).transpose();
        Ok(Self {
            cgroups: open(&filter.cgroup_map)?,
            mount_namespaces: open(&filter.mntns_map)?,
        })
    }

    /// The pinned maps, by the name of the map that holds each.
    fn holders(&self) -> [(&'static str, Option<&MapHandle>); 2] {
        [
            ("cgroup_ids", self.cgroups.as_ref()),
            ("mntns_ids", self.mount_namespaces.as_ref()),
        ]
    }

    /// Makes a holder take the pinned map: it takes maps of one kind only. Without one it is not made at all. libbpf
    /// keeps the descriptor's number until the load, so this must live as long.
    pub(crate) fn shape(&self, holder: &mut OpenMapMut<'_>) -> libbpf_rs::Result<()> {
        for (name, map) in self.holders() {
            if holder.name() == name {
                match map {
                    Some(map) => holder.set_inner_map_fd(map.as_fd())?,
                    None => holder.set_autocreate(false)?,
                }
            }
        }
        Ok(())
    }
}

/// A hash map with 8-byte keys that someone pinned.
fn pinned_map(path: &Path) -> Result<MapHandle> {
    let error = |reason: String| {
        Error::new(
            Kind::Io,
            format!("cannot use the pinned map {}: {reason}", path.display()),
        )
        .help("it must be a BPF hash map with 8-byte keys, pinned in a bpf file system")
    };
    let map = MapHandle::from_pinned_path(path).map_err(|cause| error(cause.to_string()))?;
    if map.map_type() != MapType::Hash || map.key_size() != size_of::<u64>() as u32 {
        return Err(error("it is of another kind".into()));
    }
    Ok(map)
}

/// Fills what the filters look up.
pub(crate) fn fill(object: &Object, options: &Options, pinned: &Pinned) -> Result<()> {
    if let Some(path) = &options.filter.cgroup {
        let directory = File::open(path).map_err(|error| Error::io(path.display(), &error))?;
        let fd = directory.as_raw_fd().to_ne_bytes();
        update(object, "cgroup_filter", &0u32.to_ne_bytes(), &fd)?;
    }
    for (name, map) in pinned.holders() {
        if let Some(map) = map {
            let fd = map.as_fd().as_raw_fd().to_ne_bytes();
            update(object, name, &0u32.to_ne_bytes(), &fd)?;
        }
    }
    if let Some(pid) = options.follow {
        // When it started, the programs find out.
        update(object, "followed", &pid.to_ne_bytes(), &0u64.to_ne_bytes())?;
    }
    Ok(())
}

fn update(object: &Object, name: &str, key: &[u8], value: &[u8]) -> Result<()> {
    find_map(object, name)?
        .update(key, value, MapFlags::ANY)
        .map_err(|error| bpf_error(&format!("cannot fill the map {name}"), &error))
}
