// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who did it: what the head of every event tells of its task.

use crate::data::decode::until_nul;
use crate::data::raw::event_head;
use crate::event::ancestors::{Ancestors, Found};
use crate::event::belonging::Belonging;
use crate::event::exe::Exe;
use crate::event::{Cell, Group, Moment, as_word};

/// The task that an event is about, and when it was.
#[derive(Debug, Clone, Copy, Group)]
pub struct Task<'a> {
    /// When it happened, by the kernel's clock.
    #[field(left("TIME", 15))]
    pub time: Moment,
    /// The process, in the initial pid namespace.
    #[field(left("PID", 7))]
    pub pid: u32,
    /// The thread, in the initial pid namespace.
    #[field(left("TID", 7))]
    pub tid: u32,
    /// The real user id, as the initial user namespace sees it.
    #[field(left("UID", 7))]
    pub uid: u32,
    /// The thread's name.
    #[field(left("COMM", 16), show = as_word)]
    pub comm: &'a [u8],
    /// The parent process: of an orphan, whoever took it in.
    #[field(
        null = "where it has none, and of a table that nothing asks for it",
        left("PPID", 7)
    )]
    pub ppid: Option<u32>,
    /// The name of the parent.
    #[field(
        null = "where it has none, and of a table that nothing asks for it",
        left("PCOMM", 16),
        show = as_name
    )]
    pub pcomm: Option<&'a [u8]>,
    /// The id of its cgroup (v2): the inode number of its directory.
    #[field(null = "of a table that nothing asks for it", left("CGROUP_ID", 9))]
    pub cgroup_id: Option<u64>,
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

/// A name as one word, and a sign where there is none.
pub(super) fn as_name(name: &Option<&[u8]>, cell: &mut Cell<'_>) {
    match name {
        Some(name) => cell.word(name),
        None => cell.text("-"),
    }
}

impl<'a> Task<'a> {
    /// Reads the head of a record; `None` where it is too short for one.
    pub fn decode(record: &'a [u8]) -> Option<Self> {
        let mut head = event_head::default();
        plain::copy_from_bytes(&mut head, record).ok()?;
        let above = Found::of(&head, record)?;
        let parent = above.parent();
        let (belonging, behind) = Belonging::of(&head, above.behind)?;
        Some(Self {
            time: Moment {
                boot_ns: head.time_ns,
            },
            pid: head.pid,
            tid: head.tid,
            uid: head.uid,
            comm: until_nul(record.get(crate::data::decode::COMM)?),
            ppid: parent.map(|(pid, _)| pid),
            pcomm: parent.map(|(_, comm)| comm),
            cgroup_id: (head.cgroup_id != 0).then_some(head.cgroup_id),
            ancestors: above.ancestors(),
            belonging,
            exe: Exe::of(&head, behind)?,
        })
    }
}
