// SPDX-License-Identifier: MIT OR Apache-2.0
//! One exec, from the record's bytes to named fields.

use std::mem::offset_of;

use tracewell_shared::data::decode;
use tracewell_shared::data::record;
use tracewell_shared::event::ancestors::Ancestors;
use tracewell_shared::event::belonging::Belonging;
use tracewell_shared::event::exe::Exe;
use tracewell_shared::event::path::Path;
use tracewell_shared::event::task::Task;
use tracewell_shared::event::{
    Cell, Event, Failure, Fields, Moment, Truncated, Type, Value, as_returned, as_word,
};

use crate::skel::types::exec_event;
use crate::tracer::{Execs, UNREAD_BYTES};

/// `enum exec_detail`.
const FILENAME_UNREADABLE: u32 = 1;
const FILENAME_CUT: u32 = 2;
const ARGS_UNREADABLE: u32 = 4;
const ARGS_CUT: u32 = 8;

const SCRIPT: u32 = 128;
const SOME_UNREADABLE: u32 = 256;

/// The ways that an exec came about: each a bit of `enum exec_detail`.
const VIA: [u32; 4] = [32, 64, 16, SCRIPT];

/// Their names.
const VIA_NAMES: [&str; 4] = ["execve", "execveat", "thread", "script"];

/// One execve(2) or execveat(2), finished. Failed ones are there with `-x` only.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "exec", of = Execs)]
#[non_exhaustive]
pub struct Exec<'a> {
    /// When it happened, by the kernel's clock.
    #[field(left("TIME", 15))]
    pub time: Moment,
    /// The process, in the initial pid namespace.
    #[field(left("PID", 7))]
    pub pid: u32,
    /// The thread that called. After a success the process has one thread, whose id is `pid`.
    pub tid: u32,
    /// The parent process.
    #[field(left("PPID", 7))]
    pub ppid: u32,
    /// The real user id, as the initial user namespace sees it.
    #[field(left("UID", 7))]
    pub uid: u32,
    /// The process's name: after a success the new one.
    #[field(left("COMM", 16), show = as_word)]
    pub comm: &'a [u8],
    /// The name of the thread that is the parent.
    #[field(left("PCOMM", 16), show = as_word)]
    pub pcomm: &'a [u8],
    /// 0, or the error's number, negative.
    #[field(range(-4095, 0), left("RET", 7), show = as_returned)]
    pub ret: i32,
    /// How it failed, if it did.
    #[field(group)]
    pub failure: Failure,
    /// The file: of a success, the kernel's name for it (`/dev/fd/N/...` for execveat(2) below a descriptor); of a failure,
    /// the name as given.
    #[field(
        null = "where it could not be read, and where the exec failed after the caller's memory had been given up",
        truncated = "The name had PATH_MAX bytes or more, and the rest is missing."
    )]
    pub filename: Path<'a>,
    /// The arguments, the program's name for itself first; of a script that runs, those of its interpreter. An element is
    /// null where that argument of a failed exec could not be read: nothing had touched its memory yet.
    #[field(
        null = "where there is no list: its own memory could not be read, or the exec failed after the caller's memory had \
                been given up",
        truncated = "Arguments, or the end of the last one, are missing: more than `--max-args` or `--max-args-bytes` allow, \
                     or the rest of their list could not be read."
    )]
    pub args: Args<'a>,
    /// How it came about. execve, execveat: the call of a failure; of a success only execveat is told, and only where the
    /// file was found by a descriptor. thread: the caller was not the thread group's leader. script: an interpreter runs
    /// that the file names. Empty where none of these is known.
    pub via: Via,
    /// The id of the process's cgroup (v2): the inode number of its directory.
    pub cgroup_id: u64,
    /// The CPU it ran on.
    #[field(left("CPU", 3))]
    pub cpu: u32,
    /// Those above it.
    #[field(group)]
    pub ancestors: Ancestors<'a>,
    /// What it belongs to.
    #[field(group)]
    pub belonging: Belonging<'a>,
    /// What it runs.
    #[field(group)]
    pub exe: Exe<'a>,
}

/// How an exec came about.
#[derive(Debug, Clone, Copy)]
pub struct Via(u32);

impl Via {
    /// The names: `execve` or `execveat` where the kernel can tell, `thread` for a caller that was not the
    /// thread group's leader, `script` for a file whose interpreter runs.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = VIA.into_iter().zip(VIA_NAMES);
        all.filter(move |(bit, _)| self.0 & bit != 0)
            .map(|(_, name)| name)
    }

    /// Whether the file named an interpreter, which runs.
    pub fn is_script(self) -> bool {
        self.0 & SCRIPT != 0
    }
}

impl Value for Via {
    const TYPE: Type = Type::Words {
        first: &[],
        others: &VIA_NAMES,
    };

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.names(name, &mut self.names());
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.words(self.names());
    }
}

/// The arguments of an exec.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a> {
    bytes: Option<&'a [u8]>,
    /// A bit for each argument, set where it could not be read; shorter than the list where none is left to set.
    unread: &'a [u8],
    most: usize,
    truncated: bool,
}

impl<'a> Args<'a> {
    /// Nothing is known of them.
    pub(crate) const NONE: Self = Self {
        bytes: None,
        unread: &[],
        most: usize::MAX,
        truncated: false,
    };

    /// The arguments, the program's name for itself first, each `None` where it could not be read; `None` where there
    /// is nothing of them, as of [`filename`](Exec::filename). Only of a failed exec one of several is missing.
    pub fn get(&self) -> Option<impl Iterator<Item = Option<&'a [u8]>> + Clone + use<'a>> {
        let bytes = self.bytes?;
        // Every argument ends with a NUL, save one that was cut.
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
        let none = self.bytes == Some(b"");
        let most = if none { 0 } else { self.most };
        let unread = self.unread;
        let is_unread = move |index: usize| {
            let bits = unread.get(index / 8);
            bits.is_some_and(|bits| bits & (1 << (index % 8)) != 0)
        };
        let args = bytes.split(|byte| *byte == 0).enumerate();
        let args = args.map(move |(index, arg)| (!is_unread(index)).then_some(arg));
        Some(args.take(most))
    }
}

impl Value for Args<'_> {
    const TYPE: Type = Type::Maybe(&Type::List);

    #[inline]
    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        match self.get() {
            Some(args) => to.list(name, Some(&|give| args.clone().for_each(&mut *give))),
            None => to.list(name, None),
        }
    }

    fn show(&self, cell: &mut Cell<'_>) {
        match self.get() {
            Some(args) => cell.arguments(args),
            None => cell.cut(),
        }
        if self.truncated {
            cell.cut();
        }
    }
}

impl Truncated for Args<'_> {
    #[inline]
    fn is_truncated(&self) -> bool {
        self.truncated
    }
}

impl<'a> Exec<'a> {
    pub(crate) fn decode(record: &'a [u8], max_args: usize) -> Option<Self> {
        let (raw, mut tail) = record::split::<exec_event>(record)?;
        let task = Task::decode(record)?;
        let has = |detail: u32| raw.detail & detail != 0;
        let filename = tail.take(raw.filename_bytes as usize)?;
        let args = tail.take(raw.args_bytes as usize)?;
        let unread = if has(SOME_UNREADABLE) {
            tail.take(UNREAD_BYTES)?
        } else {
            &[]
        };
        let count = args.iter().filter(|byte| **byte == 0).count();
        // Of a failed exec, what comes before the end of what could be read of its list is still of use.
        let partly = has(ARGS_UNREADABLE) && !args.is_empty();
        Some(Self {
            time: task.time,
            pid: task.pid,
            tid: task.tid,
            ppid: raw.ppid,
            uid: task.uid,
            comm: task.comm,
            pcomm: decode::until_nul(
                record.get(offset_of!(exec_event, pcomm)..size_of::<exec_event>())?,
            ),
            ret: raw.ret,
            failure: Failure::of(raw.ret),
            filename: Path {
                bytes: (!has(FILENAME_UNREADABLE)).then_some(filename),
                truncated: has(FILENAME_CUT),
            },
            args: Args {
                bytes: (partly || !has(ARGS_UNREADABLE)).then_some(args),
                unread,
                most: max_args,
                truncated: has(ARGS_CUT) || partly || count > max_args,
            },
            via: Via(raw.detail),
            cgroup_id: raw.cgroup_id,
            ancestors: task.ancestors,
            belonging: task.belonging,
            exe: task.exe,
            cpu: raw.cpu,
        })
    }
}
