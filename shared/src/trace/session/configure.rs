// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is set in an object before it is loaded, whatever the tool: the shared knobs, and how large maps are.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use libbpf_rs::{MapHandle, MapType, OpenMapMut, OpenObject};

use super::{Attempt, bpf_error, rings, unused};
use crate::data::state::SLOTS;
use crate::error::Result;
use crate::kernel::probe::Programs;
use crate::kernel::spaces::{self, Spaces};
use crate::kernel::{Kernel as _, Place};
use crate::trace::by_cpu;
use crate::trace::filters;
use crate::trace::knobs;

/// How many processes can be followed at once.
const FOLLOWED_MAX: u32 = 65536;

/// How many bytes events may take that lie in a map with what stands behind them, unless more operations under way are asked
/// for.
const STORED_BYTES: u32 = 32 << 20;

impl Attempt<'_> {
    /// Sets what is shared, for the programs that are loaded: knobs, and the sizes of maps.
    pub(super) fn configure_shared(
        &self,
        object: &mut OpenObject,
        loaded: &Programs,
        other_rings: &[MapHandle],
    ) -> Result<()> {
        let unused = unused::maps(self.facts.object.programs, loaded);
        let preempted = |section: &str| {
            let place = Place::of_section(section);
            place.is_some_and(|place| self.kernel.preempts(place).is_some())
        };
        let mut spaces = Spaces::of(object, preempted)?;
        // Others may be in the same program.
        let claimed = loaded.iter().any(|program| {
            let section = self.facts.object.section(program).unwrap_or_default();
            Place::of_section(section) == Some(Place::UserFunctions) && preempted(section)
        });
        if claimed {
            spaces.claimed();
        }
        let mut knobs = knobs::shared(
            self.options,
            self.filters.cgroups(),
            self.buffers.bytes,
            self.perf,
        )?;
        knobs.behind_most = u32::try_from(self.hooks.most_bytes()).unwrap_or(u32::MAX);
        let behind = u32::try_from(self.options.behind_bytes()).unwrap_or(u32::MAX);
        knobs.behind_room = behind;
        // Never 0, by which user_own_stack() of user.bpf.h knows that its call is never made.
        knobs.spaces = spaces.count.max(1);
        let scratch = self.cpus * u32::from(knobs.spaces);
        knobs.claimed = claimed.into();
        knobs.slots_are_own = (!spaces.apart && self.cpus as usize <= SLOTS).into();
        knobs.adopt = self.adopt.into();
        if !other_rings.is_empty() {
            knobs.rings = u8::try_from(self.buffers.rings.count).unwrap_or(1);
            knobs.ring_shift = u8::try_from(self.buffers.rings.shift).unwrap_or(0);
        }
        if object.maps().any(|map| map.name() == filters::OWNERS) {
            knobs.owner_levels = knobs::owner_levels(self.filters.cgroups())?;
        }
        // SAFETY: integers and arrays of integers, without padding that is not a field.
        let knobs = unsafe { plain::as_bytes(&knobs) };
        let set = |error: libbpf_rs::Error| bpf_error("cannot set up the BPF object", &error);
        for mut map in object.maps_mut() {
            let name = map.name().to_owned();
            if unused.iter().any(|unused| name == *unused) {
                map.set_autocreate(false).map_err(set)?;
                continue;
            }
            match name.as_bytes() {
                b".rodata.shared" => map.set_initial_value(knobs).map_err(set)?,
                b"events" => self.size_events(&mut map).map_err(set)?,
                name if name == rings::SHARDS.as_bytes() => match other_rings.first() {
                    None => map.set_autocreate(false).map_err(set)?,
                    Some(other) => {
                        map.set_inner_map_fd(other.as_fd()).map_err(set)?;
                        map.set_max_entries(self.buffers.rings.count).map_err(set)?;
                    }
                },
                b"scratch" | b"walks" => {
                    map.set_max_entries(scratch).map_err(set)?;
                    if name == "scratch" {
                        let room = self.hooks.room_bytes() + self.options.behind_bytes();
                        let room = u32::try_from(room).unwrap_or(u32::MAX);
                        map.set_value_size(room).map_err(set)?;
                    }
                }
                b"claims" if claimed => map.set_max_entries(scratch).map_err(set)?,
                name if name == spaces::SECTION.as_bytes() => {
                    map.set_initial_value(&spaces.numbers).map_err(set)?;
                }
                name if name == by_cpu::MAP.as_bytes() => {
                    map.set_max_entries(self.cpus).map_err(set)?
                }
                b"followed" if self.options.follows() => {
                    map.set_max_entries(FOLLOWED_MAX).map_err(set)?
                }
                b"blank" if self.facts.stored.is_some() => {
                    map.set_value_size(map.value_size() + behind).map_err(set)?;
                }
                name if self
                    .facts
                    .stored
                    .is_some_and(|stored| name == stored.as_bytes()) =>
                {
                    let bytes = map.value_size() + behind;
                    map.set_value_size(bytes).map_err(set)?;
                    if behind > 0 {
                        let most = map.max_entries().min(STORED_BYTES / bytes);
                        map.set_max_entries(most).map_err(set)?;
                    }
                }
                _ => self.filters.shape(&mut map).map_err(set)?,
            }
            let joins = self
                .facts
                .in_flight
                .iter()
                .find(|(joins, _)| name == *joins);
            if let Some(((_, share), most)) = joins.zip(self.options.inflight) {
                map.set_max_entries(most.div_ceil(*share)).map_err(set)?;
            }
        }
        Ok(())
    }

    fn size_events(&self, map: &mut OpenMapMut<'_>) -> libbpf_rs::Result<()> {
        if self.perf {
            map.set_type(MapType::PerfEventArray)?;
            map.set_key_size(size_of::<u32>() as u32)?;
            map.set_value_size(size_of::<u32>() as u32)?;
            map.set_max_entries(self.cpus)
        } else {
            map.set_max_entries(u32::try_from(self.buffers.bytes).unwrap_or(1 << 31))
        }
    }
}
