// SPDX-License-Identifier: MIT OR Apache-2.0
//! One request, from the record's bytes to named fields.

use tracewell_shared::data::record;
use tracewell_shared::event::task::Task;
use tracewell_shared::event::{Bytes, Event, Failure, Nanos, Word, as_millis};

use crate::flags::Flags;
use crate::skel::types::sync_event;
use crate::tracer::Syncs;

/// `enum sync_detail`.
const COMPAT: u8 = 1;

/// By which call: `enum sync_call`, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Word)]
#[non_exhaustive]
pub enum Call {
    /// sync(2): all file systems.
    Sync,
    /// syncfs(2): the file system that a file is on.
    Syncfs,
    /// fsync(2): a file.
    Fsync,
    /// fdatasync(2): what is needed to read a file back.
    Fdatasync,
    /// msync(2): a part of memory that files are mapped to.
    Msync,
    /// `sync_file_range(2)`: a part of a file. On powerpc it is called `sync_file_range2`.
    SyncFileRange,
}

impl Call {
    fn of(number: u8) -> Option<Self> {
        // 0 is none.
        let index = usize::from(number).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    /// Whether it names what is to be written back by a descriptor.
    pub fn takes_fd(self) -> bool {
        !matches!(self, Self::Sync | Self::Msync)
    }

    /// Whether it is about a part of what it names, and has flags.
    pub fn takes_part(self) -> bool {
        matches!(self, Self::Msync | Self::SyncFileRange)
    }
}

/// One sync(2), syncfs(2), fsync(2), fdatasync(2), msync(2) or `sync_file_range(2)`, finished.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "sync", of = Syncs)]
#[non_exhaustive]
pub struct Synced<'a> {
    /// Who did it, and when.
    #[field(group)]
    pub task: Task<'a>,
    /// The call's name. On powerpc and to 32-bit ARM programs the last one is `sync_file_range2`.
    #[field(left("CALL", 15))]
    pub call: Call,
    /// The descriptor, as given.
    #[field(null = "of sync and msync, which take none", right("FD", 3))]
    pub fd: Option<i32>,
    /// What the call returned: 0, or the negative number of the error.
    #[field(range(i32::MIN as i128, 0))]
    pub ret: i32,
    /// How it failed, if it did.
    #[field(group)]
    pub failure: Failure,
    /// The flags as given: `MS_*` of msync, `SYNC_FILE_RANGE_*` of `sync_file_range`. Bits without a name are left out.
    #[field(null = "of the other calls")]
    pub flags: Option<Flags>,
    /// Where in the file the part begins.
    #[field(null = "of all but sync_file_range")]
    pub offset: Option<i64>,
    /// Where in memory the part begins.
    #[field(null = "of all but msync")]
    pub address: Option<u64>,
    /// How long the part is, as given. Of `sync_file_range` 0 is all up to the file's end; a negative length, which the
    /// kernel refuses, is 2^64 more.
    #[field(null = "of all but msync and sync_file_range")]
    pub bytes: Option<Bytes>,
    /// The caller used the 32-bit system calls (never told on rung `tracepoint`, which does not see them).
    pub compat: bool,
    /// How long the call took, from its entry to its return.
    #[field(null = "unless it is asked for (`-L`, `--min-duration` or by its name), of a call that began before the trace, and of more than `--inflight` at once", right("LAT(ms)", 9), show = as_millis)]
    pub duration_ns: Option<Nanos>,
}

impl<'a> Synced<'a> {
    pub(crate) fn decode(record: &'a [u8]) -> Option<Self> {
        let (raw, _) = record::split::<sync_event>(record)?;
        let call = Call::of(raw.call)?;
        let part = call.takes_part();
        Some(Self {
            task: Task::decode(record)?,
            call,
            fd: call.takes_fd().then_some(raw.fd),
            ret: raw.ret,
            failure: Failure::of(raw.ret),
            flags: Flags::of(call, raw.flags),
            offset: (call == Call::SyncFileRange).then_some(raw.start.cast_signed()),
            address: (call == Call::Msync).then_some(raw.start),
            bytes: part.then_some(Bytes(raw.bytes)),
            compat: raw.detail & COMPAT != 0,
            duration_ns: u64::try_from(raw.took_ns).ok().map(Nanos),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Call;

    #[test]
    fn calls_are_numbered_as_the_programs_number_them() {
        assert_eq!(Call::of(0), None);
        assert_eq!(Call::of(1), Some(Call::Sync));
        assert_eq!(Call::of(6), Some(Call::SyncFileRange));
        // The other name of the last one is never in an event.
        assert_eq!(Call::of(7), None);
    }
}
