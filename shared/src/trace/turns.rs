// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values by key, in two maps that take turns: `bpf/include/turns.bpf.h` has the other half, and says why.

use std::mem::swap;
use std::os::fd::{AsFd, AsRawFd};

use libbpf_rs::{MapCore, MapFlags, MapHandle, Object};

use crate::error::Result;
use crate::trace::object::Opened;
use crate::trace::session::{bpf_error, keep_map};

/// The map that says whose turn it is, and the two that have it by turns.
const MAPS: [&str; 3] = ["keyed_now", "keyed_even", "keyed_odd"];

/// How many values are fetched by one call of the kernel.
const BATCH: u32 = 256;

/// Makes room for so many keys in one turn, in an object that has these maps; without a number they are not made.
///
/// # Errors
///
/// For an object without such maps, and when libbpf refuses.
pub fn set_room(object: &mut Opened<'_>, room: Option<u32>) -> Result<()> {
    let Some(room) = room else {
        return MAPS.into_iter().try_for_each(|map| object.leave_out(map));
    };
    let [_, even, odd] = MAPS;
    object.set_max_entries(even, room)?;
    object.set_max_entries(odd, room)
}

/// The maps of a trace that runs.
#[derive(Debug)]
pub(crate) struct Turns {
    now: MapHandle,
    counting: MapHandle,
    empty: MapHandle,
}

impl Turns {
    pub(crate) fn of(object: &Object) -> Result<Self> {
        let [now, even, odd] = MAPS.map(|name| keep_map(object, name));
        Ok(Self {
            now: now?,
            counting: even?,
            empty: odd?,
        })
    }

    /// Whether the kernel lets this thread read the counts, as it is.
    pub(crate) fn is_readable(&self) -> bool {
        let key = vec![0; self.empty.key_size() as usize];
        self.empty.lookup(&key, MapFlags::ANY).is_ok()
    }

    /// Lets the other map count; gives all keys and values of this one, which is empty then.
    ///
    /// This blocks the thread until no program uses the map that is read: some 20 ms, and more on a busy machine.
    pub(crate) fn take(&mut self) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let failed = |error: libbpf_rs::Error| bpf_error("cannot read the counts", &error);
        let other = self.empty.as_fd().as_raw_fd().to_ne_bytes();
        self.now
            .update(&0_u32.to_ne_bytes(), &other, MapFlags::ANY)
            .map_err(failed)?;
        swap(&mut self.counting, &mut self.empty);
        let map = &self.empty;
        let batch = BATCH.min(map.max_entries());
        let mut all = Vec::new();
        // The iterator ends at a batch that is not full, which need not be the last one.
        loop {
            let batches = map.lookup_and_delete_batch(batch, MapFlags::ANY, MapFlags::ANY);
            let before = all.len();
            all.extend(batches.map_err(failed)?);
            if all.len() == before {
                break;
            }
        }
        // It ends at an error, too: what is left then is taken one by one.
        for key in map.keys().collect::<Vec<_>>() {
            let value = map.lookup(&key, MapFlags::ANY).map_err(failed)?;
            map.delete(&key).map_err(failed)?;
            all.extend(value.map(|value| (key, value)));
        }
        Ok(all)
    }
}
