// SPDX-License-Identifier: MIT OR Apache-2.0
//! One open, from the record's bytes to named fields.

use std::cell::Cell;

use tracewell_shared::callers::{Callers, Symbols};
use tracewell_shared::event::Event;
use tracewell_shared::event::column::FileEvent;
use tracewell_shared::event::names;
use tracewell_shared::event::path::{self, Base, Named};
use tracewell_shared::event::task::Task;
use tracewell_shared::output::fields::Fields;

use crate::flags;
use crate::skel::types::open_event;

/// `enum open_detail`.
const PATH_UNREADABLE: u8 = 1;
const PATH_CUT: u8 = 2;
const COMPAT: u8 = 8;

/// One call of the open family, finished.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Open<'a> {
    /// When: nanoseconds of the boot-time clock.
    pub time_ns: u64,
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// The real user id, as the initial user namespace sees it.
    pub uid: u32,
    /// The thread's name, without padding.
    pub comm: &'a [u8],
    /// The new file descriptor, or `-errno`.
    pub ret: i32,
    /// What a relative path starts from: a descriptor, or `AT_FDCWD` (-100).
    pub dirfd: i32,
    /// The flags as given: `O_*`.
    pub flags: u64,
    /// The mode as given; means something with `O_CREAT` or `O_TMPFILE` only.
    pub mode: u32,
    /// The path as given; `None` where it could not be read.
    pub path: Option<&'a [u8]>,
    /// The path had `PATH_MAX` bytes or more; the kernel refused it, and the rest is missing.
    pub path_truncated: bool,
    /// The caller uses the 32-bit system calls.
    pub compat: bool,
    base: Option<Base<'a>>,
    callers: Option<Callers<'a>>,
}

impl<'a> Open<'a> {
    pub(crate) fn decode(
        record: &'a [u8],
        full_path: bool,
        symbols: Option<&'a Symbols>,
    ) -> Option<Self> {
        let mut raw = open_event::default();
        plain::copy_from_bytes(&mut raw, record).ok()?;
        let tail = record.get(size_of::<open_event>()..)?;
        let (path, base) = Base::split(tail, raw.path_bytes, raw.base_bytes, raw.base_status)?;
        let task = Task::decode(record)?;
        let callers = match symbols {
            Some(symbols) if raw.caller_bytes > 0 => {
                let start = usize::from(raw.path_bytes) + usize::from(raw.base_bytes);
                let callers = tail.get(start.next_multiple_of(8)..)?;
                let callers = callers.get(..raw.caller_bytes.into())?;
                Some(Callers::decode(callers, task.pid, task.time_ns, symbols)?)
            }
            _ => None,
        };
        Some(Self {
            time_ns: task.time_ns,
            pid: task.pid,
            tid: task.tid,
            uid: task.uid,
            comm: task.comm,
            ret: raw.ret,
            dirfd: raw.dirfd,
            flags: raw.flags,
            mode: raw.mode,
            path: (raw.detail & PATH_UNREADABLE == 0).then_some(path),
            path_truncated: raw.detail & PATH_CUT != 0,
            compat: raw.detail & COMPAT != 0,
            base: full_path.then_some(base),
            callers,
        })
    }

    /// The file descriptor; `None` for a failed open.
    pub fn fd(&self) -> Option<i32> {
        (self.ret >= 0).then_some(self.ret)
    }

    /// The error's number; `None` for an open that succeeded.
    pub fn errno(&self) -> Option<i32> {
        (self.ret < 0).then_some(self.ret.saturating_neg())
    }

    /// The mode, where the call could make a file.
    pub fn creation_mode(&self) -> Option<u32> {
        flags::makes_file(self.flags).then_some(self.mode)
    }

    /// The user stack of the call. `None` unless asked for with [`callers`](crate::Opens::callers), or where there is
    /// none: an open by a thread of the kernel's own.
    pub fn callers(&self) -> Option<Callers<'a>> {
        self.callers
    }

    /// The path from the root of the caller's mount namespace, right for `dirfd`, the working directory, mounts and
    /// chroot. Symbolic links and `..` stand as given. `None` unless asked for with
    /// [`full_path`](crate::Opens::full_path), or where the path or its start could not be read.
    pub fn full_path(&self) -> Option<path::Full<'a>> {
        self.named().full()
    }

    fn named(&self) -> Named<'a> {
        Named {
            path: self.path,
            truncated: self.path_truncated,
            base: self.base,
        }
    }
}

impl FileEvent for Open<'_> {
    fn task(&self) -> Task<'_> {
        Task {
            time_ns: self.time_ns,
            pid: self.pid,
            tid: self.tid,
            uid: self.uid,
            comm: self.comm,
        }
    }

    fn errno(&self) -> Option<i32> {
        self.errno()
    }

    fn named(&self) -> Named<'_> {
        self.named()
    }
}

impl Event for Open<'_> {
    const KIND: &'static str = "open";
    const FIELDS: &'static [&'static str] = &[
        "time",
        "pid",
        "tid",
        "uid",
        "comm",
        "fd",
        "errno",
        "error",
        "dirfd",
        "path",
        "path_truncated",
        "full_path",
        "full_path_truncated",
        "flags",
        "mode",
        "compat",
        "callers",
        "callers_truncated",
    ];

    fn time_ns(&self) -> u64 {
        self.time_ns
    }

    fn failed(&self) -> bool {
        self.ret < 0
    }

    fn fields(&self, to: &mut dyn Fields) {
        self.task().fields(to);
        to.opt_i64("fd", self.fd().map(i64::from));
        to.opt_i64("errno", self.errno().map(i64::from));
        to.opt_text("error", self.errno().and_then(names::errno));
        to.i64("dirfd", self.dirfd.into());
        self.named().fields(to);
        to.names("flags", &mut flags::names(self.flags));
        to.opt_u64("mode", self.creation_mode().map(u64::from));
        to.bool("compat", self.compat);
        // Where frames are missing, whether there were more or these were none.
        let mut truncated = false;
        match self.callers {
            Some(callers) => {
                let left_out = Cell::new(0);
                to.frames("callers", Some(&|give| left_out.set(callers.frames(give))));
                truncated = callers.truncated() || left_out.get() > 0;
            }
            None => to.absent("callers"),
        }
        to.bool("callers_truncated", truncated);
    }
}
