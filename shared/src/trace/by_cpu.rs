// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts that each CPU has for itself: `bpf/include/by_cpu.bpf.h` has the other half.

use libbpf_rs::{MapCore, MapFlags, MapHandle, Object};

use crate::error::Result;
use crate::trace::session::{bpf_error, find_map, keep_map};

/// What the map is called: it has an entry for each CPU.
pub(crate) const MAP: &str = "by_cpu";

/// The counts of all CPUs, which are nothing but numbers of 64 bits.
#[derive(Debug)]
pub(crate) struct ByCpu {
    map: MapHandle,
    /// What they were when they were last read.
    before: Vec<u64>,
}

impl ByCpu {
    /// The object's, if it has such a map.
    pub(crate) fn of(object: &Object) -> Result<Option<Self>> {
        if find_map(object, MAP).is_err() {
            return Ok(None);
        }
        Ok(Some(Self {
            map: keep_map(object, MAP)?,
            before: Vec::new(),
        }))
    }

    /// What came since the last call, all CPUs together.
    pub(crate) fn take(&mut self) -> Result<Vec<u64>> {
        let now = self.sum()?;
        self.before.resize(now.len(), 0);
        let grown = now.iter().zip(&self.before);
        let grown = grown.map(|(now, before)| now.wrapping_sub(*before));
        let grown = grown.collect();
        self.before = now;
        Ok(grown)
    }

    /// Whether the kernel lets this thread read the counts, as it is.
    pub(crate) fn is_readable(&self) -> bool {
        self.of_cpu(0).is_ok()
    }

    fn sum(&self) -> Result<Vec<u64>> {
        let mut sum = vec![0_u64; self.map.value_size() as usize / size_of::<u64>()];
        for cpu in 0..self.map.max_entries() {
            let Some(value) = self.of_cpu(cpu)? else {
                continue;
            };
            let (words, _) = value.as_chunks::<{ size_of::<u64>() }>();
            for (sum, word) in sum.iter_mut().zip(words) {
                *sum = sum.wrapping_add(u64::from_ne_bytes(*word));
            }
        }
        Ok(sum)
    }

    fn of_cpu(&self, cpu: u32) -> Result<Option<Vec<u8>>> {
        self.map
            .lookup(&cpu.to_ne_bytes(), MapFlags::ANY)
            .map_err(|error| bpf_error("cannot read the counts", &error))
    }
}
