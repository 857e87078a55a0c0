// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bytes of a batch of records, in one reused piece of memory.

use std::ops::Range;

use crate::data::raw::event_head;

/// So much memory is kept from one batch to the next: many times what a batch of the ring buffer takes.
const KEPT_BYTES: usize = 1 << 20;
const KEPT_RECORDS: usize = 16 << 10;

/// Copied records, in the order of the buffer.
#[derive(Debug, Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Records {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
        // One burst, through all CPUs' perf buffers at once, is no reason to hold so much for good.
        self.bytes.shrink_to(KEPT_BYTES);
        self.places.shrink_to(KEPT_RECORDS);
    }

    pub(crate) fn push(&mut self, record: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(record);
        self.places.push(start..self.bytes.len());
    }

    pub(crate) fn get(&self, index: usize) -> Option<&[u8]> {
        self.bytes.get(self.places.get(index)?.clone())
    }

    /// Puts the records of several CPUs' buffers in the order in which they were made.
    pub(crate) fn sort_by_time(&mut self) {
        let Self { bytes, places } = self;
        // Stable: records of one CPU stay in their order, whatever their clock says.
        places.sort_by_key(|place| bytes.get(place.clone()).and_then(time_ns));
    }
}

/// The head that every record starts with.
pub(crate) fn head_of(record: &[u8]) -> Option<event_head> {
    let mut head = event_head::default();
    plain::copy_from_bytes(&mut head, record).ok()?;
    Some(head)
}

fn time_ns(record: &[u8]) -> Option<u64> {
    head_of(record).map(|head| head.time_ns)
}

#[cfg(test)]
mod tests {
    use super::{KEPT_BYTES, KEPT_RECORDS, Records};

    #[test]
    fn a_burst_s_memory_is_given_back_and_a_batch_s_is_kept() {
        let mut records = Records::default();
        for _ in 0..1024 {
            records.push(&[0; 200]);
        }
        let usual = records.bytes.capacity();
        records.clear();
        assert_eq!(records.bytes.capacity(), usual);
        for _ in 0..4 * KEPT_RECORDS {
            records.push(&[0; 200]);
        }
        assert!(records.bytes.capacity() > KEPT_BYTES);
        records.clear();
        assert!(records.is_empty());
        assert!(records.bytes.capacity() <= KEPT_BYTES);
        assert!(records.places.capacity() <= KEPT_RECORDS);
    }
}
