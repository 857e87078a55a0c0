// SPDX-License-Identifier: MIT OR Apache-2.0
//! One exec, from the record's bytes to named fields.

use tracewell_shared::data::decode;
use tracewell_shared::event::Event;
use tracewell_shared::event::names;
use tracewell_shared::output::fields::Fields;

use crate::skel::types::exec_event;
use crate::tracer::UNREAD_BYTES;

/// `enum exec_detail`.
const FILENAME_UNREADABLE: u32 = 1;
const FILENAME_CUT: u32 = 2;
const ARGS_UNREADABLE: u32 = 4;
const ARGS_CUT: u32 = 8;

const SCRIPT: u32 = 128;
const SOME_UNREADABLE: u32 = 256;

/// A way that an exec came about: a bit of `enum exec_detail`, and its name.
const VIA: [(u32, &str); 4] = [
    (32, "execve"),
    (64, "execveat"),
    (16, "thread"),
    (SCRIPT, "script"),
];

/// One exec, finished.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Exec<'a> {
    /// When: nanoseconds of the boot-time clock.
    pub time_ns: u64,
    /// The process.
    pub pid: u32,
    /// The thread that called. A successful exec leaves the process with one thread, whose id is the process's.
    pub tid: u32,
    /// The parent process.
    pub ppid: u32,
    /// The real user id, as the initial user namespace sees it.
    pub uid: u32,
    /// The process's name: after a success the new one.
    pub comm: &'a [u8],
    /// The parent's name.
    pub pcomm: &'a [u8],
    /// 0, or `-errno`.
    pub ret: i32,
    /// The file, as the caller named it (`/dev/fd/N` or below it, where execveat(2) was given a descriptor); `None` where it
    /// could not be read: not in memory, or of an exec that failed after the caller's memory had been given up.
    pub filename: Option<&'a [u8]>,
    /// The name had `PATH_MAX` bytes or more, and the rest is missing.
    pub filename_truncated: bool,
    /// Some of the arguments are missing at the end.
    pub args_truncated: bool,
    /// The id of the process's cgroup (v2).
    pub cgroup_id: u64,
    /// The CPU it ran on.
    pub cpu: u32,
    args: Option<&'a [u8]>,
    /// A bit for each argument, set where it could not be read; shorter than the list where none is left to set.
    unread: &'a [u8],
    max_args: usize,
    detail: u32,
}

/// How an exec came about.
#[derive(Debug, Clone, Copy)]
pub struct Via(u32);

impl Via {
    /// The names: `execve` or `execveat` where the kernel can tell, `thread` for a caller that was not the
    /// thread group's leader, `script` for a file whose interpreter runs.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        VIA.into_iter()
            .filter(move |(bit, _)| self.0 & bit != 0)
            .map(|(_, name)| name)
    }

    /// Whether the file named an interpreter, which runs.
    pub fn is_script(self) -> bool {
        self.0 & SCRIPT != 0
    }
}

impl<'a> Exec<'a> {
    pub(crate) fn decode(record: &'a [u8], max_args: usize) -> Option<Self> {
        let mut raw = exec_event::default();
        plain::copy_from_bytes(&mut raw, record).ok()?;
        let (fixed, tail) = record.split_at_checked(size_of::<exec_event>())?;
        let (filename, rest) = tail.split_at_checked(raw.filename_bytes as usize)?;
        let (args, rest) = rest.split_at_checked(raw.args_bytes as usize)?;
        let unread = match raw.detail & SOME_UNREADABLE {
            0 => &[],
            _ => rest.get(..UNREAD_BYTES)?,
        };
        let count = args.iter().filter(|byte| **byte == 0).count();
        let readable = raw.detail & ARGS_UNREADABLE == 0;
        Some(Self {
            time_ns: raw.head.time_ns,
            pid: raw.head.pid,
            tid: raw.head.tid,
            ppid: raw.ppid,
            uid: raw.head.uid,
            comm: decode::until_nul(fixed.get(decode::COMM)?),
            pcomm: decode::until_nul(fixed.get(std::mem::offset_of!(exec_event, pcomm)..)?),
            ret: raw.ret,
            filename: (raw.detail & FILENAME_UNREADABLE == 0).then_some(filename),
            filename_truncated: raw.detail & FILENAME_CUT != 0,
            // Of a failed exec, what comes before the end of what could be read of its list is still of use.
            args: (readable || !args.is_empty()).then_some(args),
            args_truncated: raw.detail & ARGS_CUT != 0
                || (!readable && !args.is_empty())
                || count > max_args,
            cgroup_id: raw.cgroup_id,
            cpu: raw.cpu,
            unread,
            max_args,
            detail: raw.detail,
        })
    }

    /// The error's number; `None` for an exec that succeeded.
    pub fn errno(&self) -> Option<i32> {
        (self.ret < 0).then_some(self.ret.saturating_neg())
    }

    /// How it came about.
    pub fn via(&self) -> Via {
        Via(self.detail)
    }

    /// The arguments, the program's name for itself first, each `None` where it could not be read; `None` where there
    /// is nothing of them, as of [`filename`](Self::filename). Only of a failed exec one of several is missing.
    pub fn args(&self) -> Option<impl Iterator<Item = Option<&'a [u8]>> + Clone + use<'a>> {
        let bytes = self.args?;
        // Every argument ends with a NUL, save one that was cut.
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
        let none = self.args == Some(b"");
        let most = if none { 0 } else { self.max_args };
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

impl Event for Exec<'_> {
    const KIND: &'static str = "exec";
    const FIELDS: &'static [&'static str] = &[
        "time",
        "pid",
        "tid",
        "ppid",
        "uid",
        "comm",
        "pcomm",
        "ret",
        "errno",
        "error",
        "filename",
        "filename_truncated",
        "args",
        "args_truncated",
        "via",
        "cgroup_id",
        "cpu",
    ];

    fn time_ns(&self) -> u64 {
        self.time_ns
    }

    fn failed(&self) -> bool {
        self.ret < 0
    }

    fn fields(&self, to: &mut dyn Fields) {
        to.time("time", self.time_ns);
        to.u64("pid", self.pid.into());
        to.u64("tid", self.tid.into());
        to.u64("ppid", self.ppid.into());
        to.u64("uid", self.uid.into());
        to.bytes("comm", self.comm);
        to.bytes("pcomm", self.pcomm);
        to.i64("ret", self.ret.into());
        to.opt_i64("errno", self.errno().map(i64::from));
        to.opt_text("error", self.errno().and_then(names::errno));
        to.opt_bytes("filename", self.filename);
        to.bool("filename_truncated", self.filename_truncated);
        match self.args() {
            Some(args) => to.list("args", Some(&|give| args.clone().for_each(&mut *give))),
            None => to.list("args", None),
        }
        to.bool("args_truncated", self.args_truncated);
        to.names("via", &mut self.via().names());
        to.u64("cgroup_id", self.cgroup_id);
        to.u64("cpu", self.cpu.into());
    }
}
