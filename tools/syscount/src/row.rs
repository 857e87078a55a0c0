// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was counted, from the kernel's numbers to rows.

use crate::call::Call;
use crate::skel::types::{call_counts, calls_of_cpu, process_calls};

/// How many numbers of 64 bits `struct call_counts` has.
const WORDS: usize = size_of::<call_counts>() / size_of::<u64>();
/// `CALLS_MOST` of the source.
pub(crate) const CALLS_MOST: usize = 560;

const _: () = assert!(WORDS == 3);
const _: () = assert!(size_of::<calls_of_cpu>() == (2 * CALLS_MOST + 2) * size_of::<call_counts>());
const _: () = assert!(size_of::<process_calls>() == 40);

/// Whom or what a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A call.
    Call(Call),
    /// Calls with numbers that no call has.
    Strange,
    /// A process, and its name when its first call of the interval was counted, padded with NULs.
    Process(u32, [u8; 16]),
    /// Processes for which there was no room.
    Others,
}

/// What came of one subject since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Whom or what it is about.
    pub subject: Subject,
    /// How many calls ended.
    pub calls: u64,
    /// How many of them by an error.
    pub failed: u64,
    /// How long they took together, if that is measured: nanoseconds.
    pub took_ns: u64,
}

impl Row {
    /// The row, if anything was counted.
    fn of(subject: Subject, counts: [u64; WORDS]) -> Option<Self> {
        let [calls, failed, took_ns] = counts;
        (calls > 0).then_some(Self {
            subject,
            calls,
            failed,
            took_ns,
        })
    }
}

/// The rows of what all CPUs counted; `None` where these are not as many numbers.
pub(crate) fn by_call(words: &[u64]) -> Option<Vec<Row>> {
    let (counts, rest) = words.as_chunks::<WORDS>();
    if !rest.is_empty() || counts.len() != 2 * CALLS_MOST + 2 {
        return None;
    }
    let subject = |place: usize| match place.checked_sub(2 * CALLS_MOST) {
        Some(0) => Subject::Strange,
        Some(_) => Subject::Others,
        None => Subject::Call(Call {
            number: (place % CALLS_MOST) as u32,
            compat: place >= CALLS_MOST,
        }),
    };
    let rows = counts.iter().enumerate();
    Some(
        rows.filter_map(|(place, counts)| Row::of(subject(place), *counts))
            .collect(),
    )
}

/// The row of a process; `None` for bytes that are none.
pub(crate) fn of_process(key: &[u8], value: &[u8]) -> Option<Row> {
    let pid = u32::from_ne_bytes(key.try_into().ok()?);
    let (words, comm) = value.split_at_checked(size_of::<call_counts>())?;
    let comm = comm.try_into().ok()?;
    let (words, _) = words.as_chunks::<{ size_of::<u64>() }>();
    let [calls, failed, took_ns] = *words else {
        return None;
    };
    let number = u64::from_ne_bytes;
    Some(Row {
        subject: Subject::Process(pid, comm),
        calls: number(calls),
        failed: number(failed),
        took_ns: number(took_ns),
    })
}

#[cfg(test)]
mod tests {
    use super::{CALLS_MOST, Row, Subject, by_call, of_process};
    use crate::call::Call;

    #[test]
    fn each_place_has_its_subject() {
        let mut words = vec![0; 3 * (2 * CALLS_MOST + 2)];
        for place in [7, CALLS_MOST + 7, 2 * CALLS_MOST, 2 * CALLS_MOST + 1] {
            words[3 * place..][..3].copy_from_slice(&[4, 2, place as u64]);
        }
        let rows = by_call(&words).unwrap();
        let call = |compat| Subject::Call(Call { number: 7, compat });
        let subjects: Vec<_> = rows.iter().map(|row| row.subject).collect();
        assert_eq!(
            subjects,
            [call(false), call(true), Subject::Strange, Subject::Others]
        );
        assert!(rows.iter().all(|row| (row.calls, row.failed) == (4, 2)));
        assert_eq!(rows[1].took_ns, CALLS_MOST as u64 + 7);
        assert!(by_call(&words[3..]).is_none() && by_call(&words[1..]).is_none());
    }

    #[test]
    fn a_process_has_its_name() {
        let value: Vec<u8> = [3_u64, 1, 9]
            .iter()
            .flat_map(|word| word.to_ne_bytes())
            .chain(*b"sh\0\0\0\0\0\0\0\0\0\0\0\0\0\0")
            .collect();
        let row = of_process(&7_u32.to_ne_bytes(), &value).unwrap();
        let subject = Subject::Process(7, *b"sh\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        let expected = Row {
            subject,
            calls: 3,
            failed: 1,
            took_ns: 9,
        };
        assert_eq!(row, expected);
        assert!(of_process(&[1], &value).is_none());
        assert!(of_process(&7_u32.to_ne_bytes(), &value[1..]).is_none());
    }
}
