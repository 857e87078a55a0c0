// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was counted, from the kernel's numbers to rows.

use tracewell_shared::block::Disk;

use crate::skel::types::{io_counts, io_key, io_value};

/// How many numbers of 64 bits `struct io_counts` has.
const WORDS: usize = size_of::<io_counts>() / size_of::<u64>();

const _: () = assert!(WORDS == 3);

/// Whose requests a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The process that submitted them.
    pub pid: u32,
    /// Its name when the first of them was submitted, padded with NULs.
    pub comm: [u8; 16],
    /// Their disk.
    pub disk: Disk,
    /// Their operation, by the kernel's number: see [`Names`](crate::Names).
    pub op: u64,
}

/// What came of one subject since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Whom it is about; `None` of all that found no room.
    pub subject: Option<Subject>,
    /// How many requests ended.
    pub requests: u64,
    /// How many bytes they were about.
    pub bytes: u64,
    /// How long they took together: nanoseconds from issue to completion.
    pub took_ns: u64,
}

impl Row {
    /// The row, if anything was counted.
    fn of(subject: Option<Subject>, counts: [u64; WORDS]) -> Option<Self> {
        let [requests, bytes, took_ns] = counts;
        (requests > 0).then_some(Self {
            subject,
            requests,
            bytes,
            took_ns,
        })
    }
}

/// The rows of what was counted: of all CPUs what found no room, and by key. `None` where these are not of this layout.
pub(crate) fn all(without_room: &[u64], by_key: &[(Vec<u8>, Vec<u8>)]) -> Option<Vec<Row>> {
    let mut rows = Vec::with_capacity(by_key.len() + 1);
    rows.extend(Row::of(None, without_room.try_into().ok()?));
    for (key, value) in by_key {
        // One is made just before its first request is counted.
        rows.extend(one(key, value)?);
    }
    Some(rows)
}

fn one(key: &[u8], value: &[u8]) -> Option<Option<Row>> {
    let mut subject = io_key::default();
    let mut counted = io_value::default();
    plain::copy_from_bytes(&mut subject, key).ok()?;
    plain::copy_from_bytes(&mut counted, value).ok()?;
    if key.len() != size_of::<io_key>() || value.len() != size_of::<io_value>() {
        return None;
    }
    let counts = counted.counts;
    let subject = Subject {
        pid: subject.pid,
        comm: counted.comm,
        disk: Disk::from_words(subject.disk.word),
        op: subject.op.into(),
    };
    Some(Row::of(
        Some(subject),
        [counts.requests, counts.bytes, counts.took_ns],
    ))
}

#[cfg(test)]
mod tests {
    use super::{Row, Subject, all};
    use crate::Disk;

    fn key(pid: u32, op: u32) -> Vec<u8> {
        let mut key = b"nvme0n1".to_vec();
        key.resize(32, 0);
        key.extend(pid.to_ne_bytes());
        key.extend(op.to_ne_bytes());
        key
    }

    fn value(counts: [u64; 3]) -> Vec<u8> {
        let counts = counts.iter().flat_map(|word| word.to_ne_bytes());
        counts.chain(*b"fio\0\0\0\0\0\0\0\0\0\0\0\0\0").collect()
    }

    #[test]
    fn each_key_is_a_row_and_what_found_no_room_is_one() {
        let by_key = [
            (key(7, 1), value([3, 12288, 900])),
            (key(7, 0), value([0; 3])),
        ];
        let rows = all(&[2, 8192, 50], &by_key).unwrap();
        let subject = Subject {
            pid: 7,
            comm: *b"fio\0\0\0\0\0\0\0\0\0\0\0\0\0",
            disk: Disk::named("nvme0n1").unwrap(),
            op: 1,
        };
        let row = |subject, requests, bytes, took_ns| Row {
            subject,
            requests,
            bytes,
            took_ns,
        };
        assert_eq!(
            rows,
            [row(None, 2, 8192, 50), row(Some(subject), 3, 12288, 900)]
        );
    }

    #[test]
    fn bytes_of_another_layout_are_none() {
        assert!(all(&[0; 2], &[]).is_none());
        for by_key in [
            (key(7, 1)[1..].to_vec(), value([1; 3])),
            (key(7, 1), vec![0; 41]),
        ] {
            assert!(all(&[0; 3], &[by_key]).is_none());
        }
    }
}
