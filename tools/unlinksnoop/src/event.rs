// SPDX-License-Identifier: MIT OR Apache-2.0
//! One removal, from the record's bytes to named fields.

use tracewell_shared::event::Event;
use tracewell_shared::event::column::FileEvent;
use tracewell_shared::event::names;
use tracewell_shared::event::path::{self, Base, Named};
use tracewell_shared::event::task::Task;
use tracewell_shared::output::fields::Fields;

use crate::skel::types::unlink_event;

/// `enum unlink_detail`.
const PATH_UNREADABLE: u8 = 1;
const PATH_CUT: u8 = 2;
const OBJECT: u8 = 4;
const OPENS_KNOWN: u8 = 8;
const STILL_OPEN: u8 = 16;

/// `enum probe_label`: the labels of the ladder, in its order.
const PROBES: [&str; 6] = [
    "fentry",
    "kprobe",
    "tp_btf",
    "raw_tp",
    "raw_syscalls",
    "tracepoint",
];

/// How a name goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Op {
    /// unlink(2), or unlinkat(2): the name of anything but a directory.
    Unlink,
    /// rmdir(2), or unlinkat(2) with `AT_REMOVEDIR`.
    Rmdir,
    /// A rename that replaced what had the name.
    Rename,
}

impl Op {
    fn of(op: u8) -> Option<Self> {
        [Self::Unlink, Self::Rmdir, Self::Rename]
            .get(usize::from(op))
            .copied()
    }

    /// The name that tables and JSON carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unlink => "unlink",
            Self::Rmdir => "rmdir",
            Self::Rename => "rename",
        }
    }
}

/// The file or directory that a name was taken from, as it was when it was locked for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Object {
    /// Its inode's number.
    pub inode: u64,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// How many names it has left (hard links).
    pub links: u32,
    /// Whether a process had it open, so that its space is not freed yet whatever `links` says; `None` where the
    /// kernel does not count, and where it is not known since the file lies on another one: on overlayfs, where the
    /// removal only hid the file below, or replaced it.
    pub still_open: Option<bool>,
}

/// One name removed, or not.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Unlink<'a> {
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
    /// How.
    pub op: Op,
    /// What a relative path starts from: a descriptor, or `AT_FDCWD` (-100).
    pub dirfd: i32,
    /// The path as given; `None` where it could not be read.
    pub path: Option<&'a [u8]>,
    /// The path had `PATH_MAX` bytes or more; the kernel refused it, and the rest is missing.
    pub path_truncated: bool,
    /// 0, or `-errno`.
    pub ret: i32,
    /// What lost its name; `None` after a failure, and on rungs that see the system call only.
    pub object: Option<Object>,
    /// The label of the rung that saw it.
    pub probe: &'static str,
    base: Option<Base<'a>>,
}

impl<'a> Unlink<'a> {
    pub(crate) fn decode(record: &'a [u8], full_path: bool) -> Option<Self> {
        let mut raw = unlink_event::default();
        plain::copy_from_bytes(&mut raw, record).ok()?;
        let tail = record.get(size_of::<unlink_event>()..)?;
        let (path, base) = Base::split(tail, raw.path_bytes, raw.base_bytes, raw.base_status)?;
        let has = |detail: u8| raw.detail & detail != 0;
        let task = Task::decode(record)?;
        Some(Self {
            time_ns: task.time_ns,
            pid: task.pid,
            tid: task.tid,
            uid: task.uid,
            comm: task.comm,
            op: Op::of(raw.op)?,
            dirfd: raw.dirfd,
            path: (!has(PATH_UNREADABLE)).then_some(path),
            path_truncated: has(PATH_CUT),
            ret: raw.ret,
            object: has(OBJECT).then(|| Object {
                inode: raw.inode,
                size_bytes: raw.size_bytes,
                links: raw.links,
                still_open: has(OPENS_KNOWN).then_some(has(STILL_OPEN)),
            }),
            probe: PROBES.get(usize::from(raw.probe))?,
            base: full_path.then_some(base),
        })
    }

    /// The error's number; `None` for a removal that succeeded.
    pub fn errno(&self) -> Option<i32> {
        (self.ret < 0).then_some(self.ret.saturating_neg())
    }

    /// The path from the root of the caller's mount namespace, right for `dirfd`, the working directory, mounts and
    /// chroot. Symbolic links and `..` stand as given. `None` unless asked for with
    /// [`full_path`](crate::Unlinks::full_path), or where the path or its start could not be read.
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

impl FileEvent for Unlink<'_> {
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

impl Event for Unlink<'_> {
    const KIND: &'static str = "unlink";
    const FIELDS: &'static [&'static str] = &[
        "time",
        "pid",
        "tid",
        "uid",
        "comm",
        "op",
        "dirfd",
        "path",
        "path_truncated",
        "full_path",
        "full_path_truncated",
        "ret",
        "errno",
        "error",
        "inode",
        "size_bytes",
        "links",
        "still_open",
        "probe",
    ];

    fn time_ns(&self) -> u64 {
        self.time_ns
    }

    fn failed(&self) -> bool {
        self.ret < 0
    }

    fn fields(&self, to: &mut dyn Fields) {
        self.task().fields(to);
        to.text("op", self.op.name());
        to.i64("dirfd", self.dirfd.into());
        self.named().fields(to);
        to.i64("ret", self.ret.into());
        to.opt_i64("errno", self.errno().map(i64::from));
        to.opt_text("error", self.errno().and_then(names::errno));
        to.opt_u64("inode", self.object.map(|object| object.inode));
        to.opt_u64("size_bytes", self.object.map(|object| object.size_bytes));
        to.opt_u64("links", self.object.map(|object| object.links.into()));
        match self.object.and_then(|object| object.still_open) {
            Some(open) => to.bool("still_open", open),
            None => to.absent("still_open"),
        }
        to.text("probe", self.probe);
    }
}
