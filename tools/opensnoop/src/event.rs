// SPDX-License-Identifier: MIT OR Apache-2.0
//! One open, from the record's bytes to named fields.

use tracewell_shared::callers::{Callers, Stack};
use tracewell_shared::data::record;
use tracewell_shared::event::path::{File, Found};
use tracewell_shared::event::task::Task;
use tracewell_shared::event::{Event, Failure, Mode};

use crate::flags::Flags;
use crate::skel::types::open_event;
use crate::tracer::Opens;

/// `enum open_detail`.
const PATH_UNREADABLE: u8 = 1;
const PATH_CUT: u8 = 2;
const COMPAT: u8 = 8;

/// One open(2), openat(2), openat2(2) or creat(2), finished.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "open", of = Opens)]
#[non_exhaustive]
pub struct Open<'a> {
    /// Who did it, and when.
    #[field(group)]
    pub task: Task<'a>,
    /// The new file descriptor.
    #[field(null = "after a failure", range(0, i32::MAX as i128), none = "-1", right("FD", 3))]
    pub fd: Option<i32>,
    /// How it failed, if it did.
    #[field(group)]
    pub failure: Failure,
    /// Which file.
    #[field(group)]
    pub file: File<'a>,
    /// The flags as given, the access mode first (`O_ACCMODE`: both of its bits). Bits without a name are left out.
    #[field(left("FLAGS", 20))]
    pub flags: Flags,
    /// The mode as given, for `O_CREAT` and `O_TMPFILE` (before the umask); decimal in JSON, where 384 is 0600.
    #[field(null = "where the call could make no file", left("MODE", 5))]
    pub mode: Option<Mode>,
    /// The caller used the 32-bit system calls (never told on rung `tracepoint`, which does not see them).
    pub compat: bool,
    /// Who in the program called.
    #[field(group)]
    pub stack: Stack<'a>,
}

impl<'a> Open<'a> {
    pub(crate) fn decode(record: &'a [u8], opens: &'a Opens) -> Option<Self> {
        let (raw, mut tail) = record::split::<open_event>(record)?;
        let has = |detail: u8| raw.detail & detail != 0;
        let task = Task::decode(record)?;
        let found = Found {
            dirfd: raw.dirfd,
            lengths: [raw.path_bytes, raw.base_bytes],
            status: raw.base_status,
            unreadable: has(PATH_UNREADABLE),
            cut: has(PATH_CUT),
        };
        let file = File::take(&mut tail, &found, opens.full_path)?;
        let callers = match &opens.callers {
            Some(symbols) if raw.caller_bytes > 0 => {
                let bytes = tail.take_aligned(raw.caller_bytes)?;
                Some(Callers::decode(
                    bytes,
                    task.pid,
                    task.time.boot_ns,
                    symbols,
                )?)
            }
            _ => None,
        };
        let flags = Flags(raw.flags);
        Some(Self {
            task,
            fd: (raw.ret >= 0).then_some(raw.ret),
            failure: Failure::of(raw.ret),
            file,
            flags,
            mode: flags.make_file().then_some(Mode(raw.mode)),
            compat: has(COMPAT),
            stack: Stack { callers },
        })
    }
}
