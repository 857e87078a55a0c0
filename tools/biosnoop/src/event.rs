// SPDX-License-Identifier: MIT OR Apache-2.0
//! One request, from the record's bytes to named fields.

use tracewell_shared::block::{Disk, Names, Outcome, RequestFlags, RequestOp};
use tracewell_shared::data::record;
use tracewell_shared::event::task::Task;
use tracewell_shared::event::{
    Bytes, Cell, Event, Failure, Nanos, Word, as_known_millis, as_millis,
};

use crate::skel::types::request_event;
use crate::tracer::Requests;

/// `enum request_detail`.
const WAITED: u32 = 1;
const SEQUENTIAL: u32 = 2;
const RANDOM: u32 = 4;

/// `BIOS_MOST` of `bpf/biosnoop.h`.
const BIOS_MOST: u32 = 256;

/// Where a request begins, beside where the disk's request before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Word)]
pub enum Pattern {
    /// Just there.
    Sequential,
    /// Elsewhere.
    Random,
}

impl Pattern {
    fn of(detail: u32) -> Option<Self> {
        match detail & (SEQUENTIAL | RANDOM) {
            SEQUENTIAL => Some(Self::Sequential),
            RANDOM => Some(Self::Random),
            _ => None,
        }
    }
}

/// One block request, which has ended. The time is that of its end, and whose it is was seen when it was submitted.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "request", of = Requests)]
#[non_exhaustive]
pub struct Request<'a> {
    /// Who submitted it, and when it ended.
    #[field(group)]
    pub task: Task<'a>,
    /// The disk's name as in /sys/block; no-disk of commands to a controller.
    #[field(left("DISK", 9))]
    pub disk: Disk,
    /// The disk's major number.
    #[field(
        null = "of a disk that is hidden, and of a command to a controller",
        right("MAJ", 3)
    )]
    pub major: Option<u32>,
    /// Its minor number.
    #[field(null = "as `major`", left("MIN", 3))]
    pub minor: Option<u32>,
    /// The operation, as the running kernel calls it, in lower case: read, write, flush, discard.
    #[field(left("OP", 8))]
    pub op: RequestOp<'a>,
    /// The request's flags, as the running kernel calls them: SYNC, META, RAHEAD, FUA. Bits without a name are left out.
    pub flags: RequestFlags<'a>,
    /// Where on the disk it begins: the number of the sector, of 512 bytes each.
    #[field(
        null = "of a flush and of a command to a controller",
        left("SECTOR", 10)
    )]
    pub sector: Option<u64>,
    /// How many bytes it was about, when it was issued first.
    #[field(left("BYTES", 7))]
    pub bytes: Bytes,
    /// How many other bios (what file systems ask of a disk) had been merged into it when it was issued first.
    #[field(null = "of more than 256")]
    pub merged: Option<u32>,
    /// How often it was issued again, after its driver had put it back.
    pub requeued: u32,
    /// Whether it begins where the request that was issued to the disk before it ended: sequential, or random.
    #[field(
        null = "unless it is asked for (`-P` or by its name), of the disk's first request, and of one without bytes or at no place",
        left("P", 1),
        show = as_letter
    )]
    pub pattern: Option<Pattern>,
    /// How long it waited in a queue: from its insertion to its last issue to the driver.
    #[field(
        null = "of a request that was handed to its driver at once",
        right("QUE(ms)", 7),
        show = as_millis
    )]
    pub queued_ns: Option<Nanos>,
    /// How long the disk took: from its last issue to the driver to its end.
    #[field(right("LAT(ms)", 7), show = as_known_millis)]
    pub duration_ns: Nanos,
    /// The block layer's own number of the failure (`BLK_STS_*` of the kernel's `blk_types.h`).
    #[field(null = "after a success, and on kernels before 5.16, which tell the error alone")]
    pub status: Option<u8>,
    /// How it failed, if it did.
    #[field(group)]
    pub failure: Failure,
}

fn as_letter(pattern: &Option<Pattern>, cell: &mut Cell<'_>) {
    cell.text(match pattern {
        Some(Pattern::Sequential) => "S",
        Some(Pattern::Random) => "R",
        None => "-",
    });
}

impl<'a> Request<'a> {
    pub(crate) fn decode(names: &'a Names, record: &'a [u8]) -> Option<Self> {
        let (raw, _) = record::split::<request_event>(record)?;
        let outcome = Outcome(raw.result);
        let flags = raw.flags;
        let shown = (raw.major, raw.minor) != (0, 0);
        Some(Self {
            task: Task::decode(record)?,
            disk: Disk::from_words(raw.disk.word),
            major: shown.then_some(raw.major),
            minor: shown.then_some(raw.minor),
            op: RequestOp { names, flags },
            flags: RequestFlags { names, flags },
            sector: (raw.sector != u64::MAX).then_some(raw.sector),
            bytes: Bytes(raw.bytes.into()),
            merged: (raw.bios <= BIOS_MOST).then(|| raw.bios.saturating_sub(1)),
            requeued: raw.again,
            pattern: Pattern::of(raw.detail),
            queued_ns: (raw.detail & WAITED != 0).then_some(Nanos(raw.queued_ns)),
            duration_ns: Nanos(raw.took_ns),
            status: outcome.status(),
            failure: Failure::of(outcome.returned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use tracewell_shared::event::Nanos;

    use super::{Pattern, Request};
    use crate::skel::types::request_event;
    use crate::{Disk, Names};

    fn record(change: impl FnOnce(&mut request_event)) -> Vec<u8> {
        let mut event = request_event {
            sector: 8,
            bytes: 4096,
            bios: 1,
            major: 7,
            ..Default::default()
        };
        event.disk.word = [0; 8];
        event.disk.word[0] = u32::from_ne_bytes(*b"sda\0");
        change(&mut event);
        // SAFETY: integers and arrays of integers, without padding.
        unsafe { plain::as_bytes(&event) }.to_vec()
    }

    #[test]
    fn what_is_not_known_is_absent() {
        let names = Names::default();
        let plain = record(|_| {});
        let plain = Request::decode(&names, &plain).unwrap();
        assert_eq!(plain.disk, Disk::named("sda").unwrap());
        assert_eq!((plain.major, plain.minor), (Some(7), Some(0)));
        assert_eq!((plain.sector, plain.merged), (Some(8), Some(0)));
        assert_eq!((plain.pattern, plain.queued_ns), (None, None));
        assert_eq!((plain.status, plain.failure.errno), (None, None));
        let odd = record(|event| {
            event.sector = u64::MAX;
            event.major = 0;
            event.bios = 257;
            event.queued_ns = 5;
            event.detail = 1 | 2;
            event.result = 10;
        });
        let odd = Request::decode(&names, &odd).unwrap();
        assert_eq!((odd.major, odd.minor, odd.sector), (None, None, None));
        assert_eq!((odd.merged, odd.queued_ns), (None, Some(Nanos(5))));
        assert_eq!(odd.pattern, Some(Pattern::Sequential));
        assert_eq!((odd.status, odd.failure.errno), (Some(10), Some(5)));
        // A flush is made of no bio.
        let flush = record(|event| event.bios = 0);
        assert_eq!(Request::decode(&names, &flush).unwrap().merged, Some(0));
        assert!(Request::decode(&names, &flush[1..]).is_none());
    }
}
