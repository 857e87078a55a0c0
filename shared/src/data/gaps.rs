// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where events are missing: found from the running totals that each record's head carries.

use crate::data::loss::{Cause, Counts, Lost};
use crate::data::raw::event_head;
use crate::data::state::SLOTS;
use crate::data::transport::{Records, head_of};

/// The gaps of the batch at hand, and what earlier ones have told of.
#[derive(Debug)]
pub(crate) struct Gaps {
    /// The totals (modulo 2^32) that the last record of each slot carried.
    last: Box<[Totals; SLOTS]>,
    told: Counts,
    /// A gap and the index of the record that it comes before.
    found: Vec<(usize, Lost)>,
    /// Causes that are no gaps: what they count may not have been an event.
    bounds: &'static [Cause],
}

#[derive(Debug, Default, Clone, Copy)]
struct Totals {
    buffer_full: u32,
    inflight_full: u32,
}

impl Gaps {
    /// The gaps of a trace in which `bounds` count what may not have been an event.
    pub(crate) fn new(bounds: &'static [Cause]) -> Self {
        Self {
            last: Box::new([Totals::default(); SLOTS]),
            told: Counts::default(),
            found: Vec::new(),
            bounds,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.found.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, Lost)> + '_ {
        self.found.iter().copied()
    }

    /// Finds the gaps before the records of a batch.
    pub(crate) fn find(&mut self, records: &Records) {
        for index in 0..records.len() {
            if let Some(head) = records.get(index).and_then(head_of) {
                self.look(index, &head);
            }
        }
    }

    fn look(&mut self, index: usize, head: &event_head) {
        let Some(last) = self.last.get_mut(head.lost_slot as usize) else {
            return;
        };
        let gaps = [
            (
                Cause::BufferFull,
                step(&mut last.buffer_full, head.lost_buffer_full),
            ),
            (
                Cause::InflightFull,
                step(&mut last.inflight_full, head.lost_inflight_full),
            ),
        ];
        for (cause, count) in gaps {
            if count > 0 && !self.bounds.contains(&cause) {
                self.told.add(cause, count);
                self.found.push((
                    index,
                    Lost {
                        time_ns: Some(head.time_ns),
                        count,
                        cause,
                    },
                ));
            }
        }
    }

    /// Adds what the totals at the end know and no record told of, behind the last record.
    pub(crate) fn close(&mut self, totals: &Counts, records: usize) {
        for (cause, total) in totals.iter() {
            let count = total.saturating_sub(self.told.get(cause));
            if count > 0 {
                self.told.add(cause, count);
                self.found.push((
                    records,
                    Lost {
                        time_ns: None,
                        count,
                        cause,
                    },
                ));
            }
        }
    }
}

/// Moves `last` on to `now` and gives by how much. Two tasks of one CPU may send their records in another order
/// than they read the totals: a total that stands behind the last one is not a step.
fn step(last: &mut u32, now: u32) -> u64 {
    let ahead = now.wrapping_sub(*last);
    if ahead > u32::MAX / 2 {
        return 0;
    }
    *last = now;
    u64::from(ahead)
}

#[cfg(test)]
mod tests {
    use super::Gaps;
    use crate::data::loss::{Cause, Counts, Lost};
    use crate::data::raw::event_head;
    use crate::data::transport::Records;

    fn record(slot: u32, lost: u32, time_ns: u64) -> Vec<u8> {
        let head = event_head {
            time_ns,
            lost_slot: slot,
            lost_buffer_full: lost,
            ..Default::default()
        };
        // SAFETY: the head is Plain.
        unsafe { plain::as_bytes(&head) }.to_vec()
    }

    fn lost(time_ns: Option<u64>, count: u64) -> Lost {
        Lost {
            time_ns,
            count,
            cause: Cause::BufferFull,
        }
    }

    #[test]
    fn a_step_of_one_slots_total_is_a_gap_there() {
        let mut gaps = Gaps::new(&[]);
        let mut records = Records::default();
        for (slot, total, time) in [
            (0, 0, 1),
            (1, 0, 2),
            (0, 3, 3),
            (1, 0, 4),
            (0, 3, 5),
            (1, 2, 6),
        ] {
            records.push(&record(slot, total, time));
        }
        gaps.find(&records);
        let found: Vec<_> = gaps.iter().collect();
        assert_eq!(found, [(2, lost(Some(3), 3)), (5, lost(Some(6), 2))]);
    }

    #[test]
    fn what_may_be_no_event_is_no_gap() {
        let mut gaps = Gaps::new(&[Cause::InflightFull]);
        let mut head = event_head {
            lost_inflight_full: 3,
            ..Default::default()
        };
        let mut records = Records::default();
        // SAFETY: the head is Plain.
        records.push(unsafe { plain::as_bytes(&head) });
        head.lost_buffer_full = 1;
        // SAFETY: as above.
        records.push(unsafe { plain::as_bytes(&head) });
        gaps.find(&records);
        assert_eq!(gaps.iter().collect::<Vec<_>>(), [(1, lost(Some(0), 1))]);
        let mut totals = Counts::default();
        totals.add(Cause::BufferFull, 1);
        totals.add_at_most(Cause::InflightFull, 3);
        totals.add(Cause::Recursion, 9);
        gaps.clear();
        gaps.close(&totals, 2);
        assert!(gaps.is_empty());
    }

    #[test]
    fn totals_wrap_and_may_come_out_of_order() {
        let mut gaps = Gaps::new(&[]);
        let mut records = Records::default();
        for total in [u32::MAX / 2, u32::MAX - 1, 1, 0, 2] {
            records.push(&record(0, total, 0));
        }
        gaps.find(&records);
        let counts: Vec<_> = gaps
            .iter()
            .map(|(index, lost)| (index, lost.count))
            .collect();
        let half = u64::from(u32::MAX / 2);
        assert_eq!(counts, [(0, half), (1, half), (2, 3), (4, 1)]);
    }

    #[test]
    fn the_end_tells_the_rest() {
        let mut gaps = Gaps::new(&[]);
        let mut records = Records::default();
        records.push(&record(0, 3, 1));
        gaps.find(&records);
        gaps.clear();
        let mut totals = Counts::default();
        totals.add(Cause::BufferFull, 10);
        gaps.close(&totals, 1);
        assert_eq!(gaps.iter().collect::<Vec<_>>(), [(1, lost(None, 7))]);
        gaps.clear();
        gaps.close(&totals, 1);
        assert!(gaps.is_empty());
    }
}
