// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whose something is that happens by itself, where that is not always known: a connection's, for one.

use crate::event::ancestors::Ancestors;
use crate::event::belonging::Belonging;
use crate::event::exe::Exe;
use crate::event::task::{Task, as_name};
use crate::event::{Group, Moment};

/// When it was, and the task whose it is.
#[derive(Debug, Clone, Copy, Group)]
pub struct Owner<'a> {
    /// When it happened, by the kernel's clock.
    #[field(left("TIME", 15))]
    pub time: Moment,
    /// The process whose it is, in the initial pid namespace.
    #[field(null = "where it is not known whose it is", left("PID", 7))]
    pub pid: Option<u32>,
    /// The thread, in the initial pid namespace.
    #[field(null = "as `pid`", left("TID", 7))]
    pub tid: Option<u32>,
    /// The real user id, as the initial user namespace sees it.
    #[field(null = "as `pid`", left("UID", 7))]
    pub uid: Option<u32>,
    /// The thread's name.
    #[field(null = "as `pid`", left("COMM", 16), show = as_name)]
    pub comm: Option<&'a [u8]>,
    /// The parent process: of an orphan, whoever took it in.
    #[field(
        null = "as `pid`, where it has none, and of a table that nothing asks for it",
        left("PPID", 7)
    )]
    pub ppid: Option<u32>,
    /// The name of the parent.
    #[field(
        null = "as `pid`, where it has none, and of a table that nothing asks for it",
        left("PCOMM", 16),
        show = as_name
    )]
    pub pcomm: Option<&'a [u8]>,
    /// The id of its cgroup (v2): the inode number of its directory.
    #[field(
        null = "as `pid`, and of a table that nothing asks for it",
        left("CGROUP_ID", 9)
    )]
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

impl<'a> Owner<'a> {
    /// The task of an event whose owner is known, or of one whose is not.
    pub fn of(task: Task<'a>, known: bool) -> Self {
        if !known {
            return Self {
                time: task.time,
                pid: None,
                tid: None,
                uid: None,
                comm: None,
                ppid: None,
                pcomm: None,
                cgroup_id: None,
                ancestors: Ancestors::default(),
                belonging: Belonging::default(),
                exe: Exe::default(),
            };
        }
        Self {
            time: task.time,
            pid: Some(task.pid),
            tid: Some(task.tid),
            uid: Some(task.uid),
            comm: Some(task.comm),
            ppid: task.ppid,
            pcomm: task.pcomm,
            cgroup_id: task.cgroup_id,
            ancestors: task.ancestors,
            belonging: task.belonging,
            exe: task.exe,
        }
    }
}
