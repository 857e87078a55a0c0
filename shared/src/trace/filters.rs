// SPDX-License-Identifier: MIT OR Apache-2.0
//! How filters reach the kernel: what decides each, and the maps that they look things up in, which are sized before the
//! load and filled between load and attach.

use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType, Object, OpenMapMut};

use crate::data::raw::{filter_by, filter_kind, filter_places};
use crate::error::{Error, Kind, Result};
use crate::trace::cgroups::{Cgroups, Places, Wanted};
use crate::trace::options::{Filter, Options};
use crate::trace::session::{bpf_error, find_map};
use crate::trace::set::Set;

/// The kernel's `TASK_COMM_LEN`.
const COMM_BYTES: usize = 16;

/// `FILTER_PLACES` of the header: entries of a filter that is an array.
pub(crate) const PLACES: usize = 32;

/// The map that an object has if it filters what the kernel charges to a cgroup, not the current task.
pub(crate) const OWNERS: &str = "owner_ids";

/// What decides a filter of numbers or names, and the value where one does.
pub(crate) fn decided_by<T: PartialEq + Clone>(set: &Set<T>) -> (u8, Option<&T>) {
    let (by, one) = match (set.wanted(), set.excluded()) {
        ([], []) => (filter_by::FILTER_BY_NOTHING, None),
        ([], [one]) => (filter_by::FILTER_BY_ALL_BUT_ONE, Some(one)),
        ([], _) => (filter_by::FILTER_BY_ALL_BUT, None),
        ([one], []) => (filter_by::FILTER_BY_ONE, Some(one)),
        _ => (filter_by::FILTER_BY_ANY, None),
    };
    (by.0 as u8, one)
}

/// The values that stand in a map for this filter; none where the knobs decide it.
fn listed<T: PartialEq + Clone>(set: &Set<T>) -> Vec<&T> {
    match (set.wanted(), set.excluded()) {
        ([_], []) | ([], [_]) => Vec::new(),
        ([], excluded) => excluded.iter().collect(),
        // What is not wanted need not be excluded.
        (wanted, excluded) => wanted
            .iter()
            .filter(|value| !excluded.contains(value))
            .collect(),
    }
}

/// How many entries of its array a filter has.
pub(crate) fn places<T>(option: &str, set: &Set<T>) -> Result<filter_places> {
    let (wanted, excluded) = (set.wanted().len(), set.excluded().len());
    if wanted + excluded > PLACES {
        return Err(Error::usage(format!(
            "{option}: {} values, and the kernel's side looks at {PLACES} at most",
            wanted + excluded
        )));
    }
    Ok(filter_places {
        wanted: wanted as u8,
        excluded: excluded as u8,
    })
}

/// The keys of `filter_ids`.
fn ids(filter: &Filter) -> Vec<[u8; 8]> {
    let kinds = [
        (filter_kind::FILTER_PID, &filter.pid),
        (filter_kind::FILTER_TID, &filter.tid),
        (filter_kind::FILTER_PPID, &filter.ppid),
        (filter_kind::FILTER_UID, &filter.uid),
    ];
    let mut keys = Vec::new();
    for (kind, set) in kinds {
        for id in listed(set) {
            let mut key = [0; 8];
            key[..4].copy_from_slice(&kind.0.to_ne_bytes());
            key[4..].copy_from_slice(&id.to_ne_bytes());
            keys.push(key);
        }
    }
    keys
}

/// A command's name as the kernel has it, padded with NULs.
pub(crate) fn padded_comm(comm: &[u8]) -> Result<[u8; COMM_BYTES]> {
    let mut padded = [0; COMM_BYTES];
    if comm.len() >= COMM_BYTES {
        return Err(Error::usage(format!(
            "a command's name has at most {} bytes in the kernel",
            COMM_BYTES - 1
        )));
    }
    padded[..comm.len()].copy_from_slice(comm);
    Ok(padded)
}

/// The keys of `filter_comms`.
fn comms(filter: &Filter) -> Result<Vec<[u8; COMM_BYTES]>> {
    let comms = listed(&filter.comm);
    comms.into_iter().map(|comm| padded_comm(comm)).collect()
}

/// The wanted values, and the excluded ones behind them: the order of an array's places.
fn in_places<T>(set: &Set<T>) -> impl Iterator<Item = &T> {
    set.wanted().iter().chain(set.excluded())
}

/// What the maps of the filters are to hold.
#[derive(Debug)]
pub(crate) struct Maps {
    ids: Vec<[u8; 8]>,
    comms: Vec<[u8; COMM_BYTES]>,
    cgroups: Wanted,
    /// The maps that other programs pinned, by the name of the map that holds them.
    pinned: [(&'static str, Vec<MapHandle>); 2],
}

impl Maps {
    pub(crate) fn new(filter: &Filter) -> Result<Self> {
        let open = |set: &Set<PathBuf>| {
            let maps = in_places(set).map(|path| pinned_map(path));
            maps.collect::<Result<Vec<_>>>()
        };
        Ok(Self {
            ids: ids(filter),
            comms: comms(filter)?,
            cgroups: Wanted::of(filter)?,
            pinned: [
                ("cgroup_ids", open(&filter.cgroup_map)?),
                ("mntns_ids", open(&filter.mntns_map)?),
            ],
        })
    }

    /// Sizes one of the object's maps for what it is to hold; one that is to hold nothing is not made at all. Other maps
    /// are left alone. libbpf keeps the descriptor of a pinned map until the load, so this must live as long.
    pub(crate) fn shape(&self, map: &mut OpenMapMut<'_>) -> libbpf_rs::Result<()> {
        let name = map.name().to_owned();
        let count = match name.as_encoded_bytes() {
            b"filter_ids" => self.ids.len(),
            b"filter_comms" => self.comms.len(),
            b"cgroup_filter" => self.cgroups.count(),
            // One more for each that is made again, while the old one is there.
            name if name == OWNERS.as_bytes() => 2 * self.cgroups.count(),
            _ => {
                let holder = self.pinned.iter().find(|(holder, _)| name == *holder);
                let Some((_, pinned)) = holder else {
                    return Ok(());
                };
                // A holder takes maps of one kind only.
                if let Some(first) = pinned.first() {
                    map.set_inner_map_fd(first.as_fd())?;
                }
                pinned.len()
            }
        };
        match u32::try_from(count) {
            Ok(0) | Err(_) => map.set_autocreate(false),
            Ok(count) => map.set_max_entries(count),
        }
    }

    /// Fills what the filters look up; gives the cgroups, for the run to follow them.
    pub(crate) fn fill(&self, object: &Object, options: &Options) -> Result<Option<Cgroups>> {
        for key in &self.ids {
            update(object, "filter_ids", key, &[1])?;
        }
        for key in &self.comms {
            update(object, "filter_comms", key, &[1])?;
        }
        for (name, maps) in &self.pinned {
            for (place, map) in (0_u32..).zip(maps) {
                let fd = map.as_fd().as_raw_fd().to_ne_bytes();
                update(object, name, &place.to_ne_bytes(), &fd)?;
            }
        }
        if let Some(pid) = options.follow {
            // When it started, the programs find out.
            update(object, "followed", &pid.to_ne_bytes(), &0u64.to_ne_bytes())?;
        }
        if self.cgroups.count() == 0 {
            return Ok(None);
        }
        let kept = |map: &libbpf_rs::Map<'_>| {
            MapHandle::try_from(map).map_err(|error| bpf_error("cannot keep a map", &error))
        };
        let ids = find_map(object, OWNERS).ok();
        let places = Places {
            array: kept(&find_map(object, "cgroup_filter")?)?,
            ids: ids.as_ref().map(kept).transpose()?,
        };
        Cgroups::new(places, self.cgroups.clone()).map(Some)
    }

    /// Which cgroups are asked for.
    pub(crate) fn cgroups(&self) -> &Wanted {
        &self.cgroups
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

fn update(object: &Object, name: &str, key: &[u8], value: &[u8]) -> Result<()> {
    find_map(object, name)?
        .update(key, value, MapFlags::ANY)
        .map_err(|error| bpf_error(&format!("cannot fill the map {name}"), &error))
}

#[cfg(test)]
mod tests {
    use super::{decided_by, ids, listed, padded_comm, places};
    use crate::data::raw::filter_by;
    use crate::trace::options::Filter;
    use crate::trace::set::Set;

    #[test]
    fn one_value_is_a_knob_and_several_are_a_map() {
        let by = |set: &Set<u32>| {
            let (by, one) = decided_by(set);
            (u32::from(by), one.copied(), listed(set).len())
        };
        assert_eq!(
            by(&Set::default()),
            (filter_by::FILTER_BY_NOTHING.0, None, 0)
        );
        assert_eq!(by(&7.into()), (filter_by::FILTER_BY_ONE.0, Some(7), 0));
        assert_eq!(
            by(&Set::none([7])),
            (filter_by::FILTER_BY_ALL_BUT_ONE.0, Some(7), 0)
        );
        assert_eq!(by(&Set::any([7, 8])), (filter_by::FILTER_BY_ANY.0, None, 2));
        assert_eq!(
            by(&Set::none([7, 8, 9])),
            (filter_by::FILTER_BY_ALL_BUT.0, None, 3)
        );
        // Both kinds: what is wanted decides, and what is excluded of it is not wanted.
        let mut both = Set::any([7, 8]);
        both.exclude(8);
        both.exclude(9);
        assert_eq!(by(&both), (filter_by::FILTER_BY_ANY.0, None, 1));
        // Nothing is left: nothing passes.
        let mut none = Set::from(7);
        none.exclude(7);
        assert_eq!(by(&none), (filter_by::FILTER_BY_ANY.0, None, 0));
    }

    #[test]
    fn the_same_number_of_two_filters_is_two_keys() {
        let filter = Filter {
            pid: Set::any([7, 8]),
            uid: Set::none([7, 8]),
            ppid: 7.into(),
            ..Filter::default()
        };
        let mut keys = ids(&filter);
        assert_eq!(keys.len(), 4);
        keys.dedup();
        assert_eq!(keys.len(), 4);
    }

    #[test]
    fn arrays_have_so_many_places() {
        let mut set = Set::any(0..30);
        assert!(places("--cgroup", &set).is_ok_and(|places| places.wanted == 30));
        for more in 30..33 {
            set.exclude(more);
        }
        let error = places("--cgroup", &set).expect_err("33");
        assert_eq!(error.exit_status(), 2);
    }

    #[test]
    fn names_are_padded_and_not_cut() {
        assert_eq!(
            &padded_comm(b"fifteen-bytes-x").unwrap(),
            b"fifteen-bytes-x\0"
        );
        assert!(padded_comm(b"sixteen-bytes-xx").is_err());
    }
}
