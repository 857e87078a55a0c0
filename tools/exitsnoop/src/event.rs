// SPDX-License-Identifier: MIT OR Apache-2.0
//! One end, from the record's bytes to named fields.

use std::mem::offset_of;

use tracewell_shared::data::{decode, record};
use tracewell_shared::event::ancestors::Ancestors;
use tracewell_shared::event::belonging::Belonging;
use tracewell_shared::event::ending::{Cpu, Ending};
use tracewell_shared::event::exe::Exe;
use tracewell_shared::event::task::Task;
use tracewell_shared::event::{Bytes, Cell, Event, Moment, Nanos, as_word};

use crate::skel::types::exit_event;
use crate::tracer::Exits;

/// `enum exit_detail`.
const OF_THREAD: u32 = 1;
const EXEC_KNOWN: u32 = 2;
const CPU_KNOWN: u32 = 4;

/// The end of a process; with `-T`, of a thread.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "exit", of = Exits)]
#[non_exhaustive]
pub struct Exit<'a> {
    /// When it ended, by the kernel's clock.
    #[field(left("TIME", 15))]
    pub time: Moment,
    /// The process, in the initial pid namespace.
    #[field(left("PID", 7))]
    pub pid: u32,
    /// The thread that ended; of a process its first one, whose id is `pid`.
    #[field(left("TID", 7))]
    pub tid: u32,
    /// The parent process, at that time: of an orphan, whoever took it in.
    #[field(left("PPID", 7))]
    pub ppid: u32,
    /// The real user id, as the initial user namespace sees it.
    #[field(left("UID", 7))]
    pub uid: u32,
    /// The name of the thread; of a process, that of its first one.
    #[field(left("PCOMM", 16), show = as_word)]
    pub comm: &'a [u8],
    /// The name of the thread that is the parent.
    #[field(show = as_word)]
    pub pcomm: &'a [u8],
    /// The word of `--label`.
    #[field(null = "without", left("LABEL", 5), show = as_label)]
    pub label: Option<&'a [u8]>,
    /// It is the end of a thread (`-T`, `--tid`), not of a process.
    pub thread: bool,
    /// How it ended.
    #[field(group)]
    pub ending: Ending,
    /// How long it was there, from the fork or clone that made it, time in suspend included.
    #[field(left("AGE(s)", 10))]
    pub age_ns: Nanos,
    /// How long ago it made its last exec.
    #[field(
        null = "where it made none since the trace began, of a table without `-r` or this column, and where more processes \
                than `--inflight` says were there",
        left("EXEC(s)", 10)
    )]
    pub exec_age_ns: Option<Nanos>,
    /// What it used of the CPU.
    #[field(group)]
    pub cpu: Cpu,
    /// The most memory that was resident at once, of the process without its children.
    #[field(
        null = "of a thread, and of what has no memory of its own (threads of the kernel)",
        left("RSS(kB)", 8),
        show = as_kilobytes
    )]
    pub peak_rss_bytes: Option<Bytes>,
    /// The id of its cgroup (v2): the inode number of its directory.
    pub cgroup_id: u64,
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

fn as_label(label: &Option<&[u8]>, cell: &mut Cell<'_>) {
    cell.word(label.unwrap_or_default());
}

fn as_kilobytes(bytes: &Option<Bytes>, cell: &mut Cell<'_>) {
    match bytes {
        Some(Bytes(bytes)) => cell.u64(bytes / 1024),
        None => cell.text("-"),
    }
}

impl<'a> Exit<'a> {
    pub(crate) fn decode(record: &'a [u8], label: Option<&'a str>) -> Option<Self> {
        let (raw, _) = record::split::<exit_event>(record)?;
        let task = Task::decode(record)?;
        let known = |detail| raw.detail & detail != 0;
        let pcomm = record.get(offset_of!(exit_event, pcomm)..size_of::<exit_event>())?;
        let page = tracewell_shared::page_bytes() as u64;
        Some(Self {
            time: task.time,
            pid: task.pid,
            tid: task.tid,
            ppid: raw.ppid,
            uid: task.uid,
            comm: task.comm,
            pcomm: decode::until_nul(pcomm),
            label: label.map(str::as_bytes),
            thread: known(OF_THREAD),
            ending: Ending::of(raw.status),
            age_ns: Nanos(raw.age_ns),
            exec_age_ns: known(EXEC_KNOWN).then_some(Nanos(raw.exec_age_ns)),
            cpu: if known(CPU_KNOWN) {
                Cpu::of(raw.cpu_ns, raw.user_ns, raw.system_ns)
            } else {
                Cpu::UNKNOWN
            },
            peak_rss_bytes: (raw.peak_pages != 0)
                .then_some(Bytes(raw.peak_pages.saturating_mul(page))),
            cgroup_id: raw.cgroup_id,
            ancestors: task.ancestors,
            belonging: task.belonging,
            exe: task.exe,
        })
    }
}
