// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many rings carry events. A ring has one lock, which all that write into it take in turn: where there are many CPUs,
//! only neighbours share one. `bpf/include/emit.bpf.h` has the other half.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType, Object, libbpf_sys};

use super::{bpf_error, find_map, map_fd};
use crate::error::{Error, Result};

/// The map in which programs find their CPU's ring.
pub(super) const SHARDS: &str = "shards";

/// From so many CPUs on they do not share one ring.
const MANY: u32 = 32;

/// How many share one then.
const NEIGHBOURS: u32 = 16;

/// As many as their number has room for in the knobs.
const MOST: u32 = 128;

/// The rings of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rings {
    /// How many: a power of two.
    pub(crate) count: u32,
    /// How many low bits of a CPU's number do not tell which ring is its own.
    pub(crate) shift: u32,
}

impl Rings {
    /// Those for so many CPUs that run, as many as were asked for or as is right.
    pub(crate) fn of(asked: Option<u32>, online: u32) -> Self {
        let right = if online < MANY {
            1
        } else {
            online / NEIGHBOURS
        };
        let most = asked.unwrap_or(right).clamp(1, online.clamp(1, MOST));
        let count = 1 << most.ilog2();
        // Rounded down, so that each has CPUs; those that are left over go round.
        let shift = (online / count).max(1).ilog2();
        Self { count, shift }
    }

    /// Makes all but the first, which is the object's own, each of so many bytes.
    pub(super) fn make_others(self, bytes: usize) -> Result<Vec<MapHandle>> {
        let options = libbpf_sys::bpf_map_create_opts {
            sz: size_of::<libbpf_sys::bpf_map_create_opts>() as libbpf_sys::size_t,
            ..Default::default()
        };
        let bytes = u32::try_from(bytes).unwrap_or(1 << 31);
        let made = |_| MapHandle::create(MapType::RingBuf, Some("events"), 0, 0, bytes, &options);
        let made: libbpf_rs::Result<_> = (1..self.count).map(made).collect();
        made.map_err(|error| bpf_error("cannot make the rings", &error))
    }
}

/// Lets the programs of a loaded object find the rings; gives all of them.
pub(super) fn join(object: &Object, others: &[MapHandle]) -> Result<Vec<OwnedFd>> {
    let mut rings = vec![map_fd(object, "events")?];
    for other in others {
        let kept = other.as_fd().try_clone_to_owned();
        rings.push(kept.map_err(|error| Error::io("cannot keep a ring", &error))?);
    }
    if others.is_empty() {
        return Ok(rings);
    }
    let shards = find_map(object, SHARDS)?;
    for (place, ring) in (0_u32..).zip(&rings) {
        let fd = ring.as_raw_fd().to_ne_bytes();
        shards
            .update(&place.to_ne_bytes(), &fd, MapFlags::ANY)
            .map_err(|error| bpf_error("cannot set up the rings", &error))?;
    }
    Ok(rings)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Rings;

    #[test]
    fn few_cpus_share_one_ring_and_many_share_by_neighbourhood() {
        for (asked, online, count, shift) in [
            (None, 1, 1, 0),
            (None, 31, 1, 4),
            (None, 32, 2, 4),
            (None, 48, 2, 4),
            (None, 96, 4, 4),
            (None, 64, 4, 4),
            (None, 512, 32, 4),
            (None, 8192, 128, 6),
            (Some(2), 2, 2, 0),
            (Some(4), 8, 4, 1),
            (Some(64), 2, 2, 0),
            (Some(0), 64, 1, 6),
        ] {
            let rings = Rings::of(asked, online);
            assert_eq!(
                (rings.count, rings.shift),
                (count, shift),
                "{asked:?} {online}"
            );
        }
        for online in 1..=1024 {
            let rings = Rings::of(None, online);
            // As the programs do it.
            let own = |cpu: u32| (cpu >> rings.shift) & (rings.count - 1);
            let used: BTreeSet<_> = (0..online).map(own).collect();
            assert_eq!(used.len(), rings.count as usize, "{online}");
        }
    }
}
