// SPDX-License-Identifier: MIT OR Apache-2.0
//! One removal, from the record's bytes to named fields.

use tracewell_shared::data::record;
use tracewell_shared::event::path::{File, Found};
use tracewell_shared::event::task::Task;
use tracewell_shared::event::{Bytes, Event, Failure, Group, Word};

use crate::skel::types::unlink_event;
use crate::tracer::Unlinks;

/// `enum unlink_detail`.
const PATH_UNREADABLE: u8 = 1;
const PATH_CUT: u8 = 2;
const OBJECT: u8 = 4;
const OPENS_KNOWN: u8 = 8;
const STILL_OPEN: u8 = 16;

/// `enum probe_label`: the labels of the ladder, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Word)]
#[allow(missing_docs, reason = "docs/kernels.md explains each")]
pub enum Probe {
    Fentry,
    Kprobe,
    TpBtf,
    RawTp,
    RawSyscalls,
    Tracepoint,
}

/// How a name goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Word)]
#[non_exhaustive]
pub enum Op {
    /// unlink(2), or unlinkat(2): the name of anything but a directory.
    Unlink,
    /// rmdir(2), or unlinkat(2) with `AT_REMOVEDIR`.
    Rmdir,
    /// A rename that replaced what had the name.
    Rename,
}

/// The file or directory that a name was taken from, as it was when it was locked for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Group)]
#[non_exhaustive]
pub struct Object {
    /// The number of the inode that lost the name.
    #[field(null = "after a failure, and on rungs that see the system call only")]
    pub inode: Option<u64>,
    /// The size of the file, of which hard links share one.
    #[field(null = "as `inode`")]
    pub size_bytes: Option<Bytes>,
    /// How many names (hard links) it has left; 0 means that the file goes, at once or when it is closed.
    #[field(null = "as `inode`")]
    pub links: Option<u32>,
    /// Whether a process had it open (or mapped, or runs it), so that its space is not freed yet.
    #[field(
        null = "as `inode`, where the kernel does not count, and where it is not known since the file lies on another one \
                (overlayfs)"
    )]
    pub still_open: Option<bool>,
}

/// One unlink(2), unlinkat(2) or rmdir(2), finished; with `--rename` also a rename that replaced a file.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "unlink", of = Unlinks)]
#[non_exhaustive]
pub struct Unlink<'a> {
    /// Who did it, and when.
    #[field(group)]
    pub task: Task<'a>,
    /// How the name went: unlink (unlink(2), unlinkat(2)), rmdir (rmdir(2), unlinkat(2) with `AT_REMOVEDIR`), rename
    /// (something else was given the name; with `--rename`).
    #[field(left("OP", 6))]
    pub op: Op,
    /// Which file.
    #[field(group)]
    pub file: File<'a>,
    /// What the call returned: 0, or the negative number of the error.
    #[field(range(i32::MIN as i128, 0))]
    pub ret: i32,
    /// How it failed, if it did.
    #[field(group)]
    pub failure: Failure,
    /// What lost its name.
    #[field(group)]
    pub object: Object,
    /// The rung that saw it: a label of `--probe`.
    pub probe: Probe,
}

impl<'a> Unlink<'a> {
    pub(crate) fn decode(record: &'a [u8], unlinks: &Unlinks) -> Option<Self> {
        let (raw, mut tail) = record::split::<unlink_event>(record)?;
        let has = |detail: u8| raw.detail & detail != 0;
        let found = Found {
            dirfd: raw.dirfd,
            lengths: [raw.path_bytes, raw.base_bytes],
            status: raw.base_status,
            unreadable: has(PATH_UNREADABLE),
            cut: has(PATH_CUT),
        };
        let object = if has(OBJECT) {
            Object {
                inode: Some(raw.inode),
                size_bytes: Some(Bytes(raw.size_bytes)),
                links: Some(raw.links),
                still_open: has(OPENS_KNOWN).then_some(has(STILL_OPEN)),
            }
        } else {
            Object::default()
        };
        Some(Self {
            task: Task::decode(record)?,
            op: *Op::ALL.get(usize::from(raw.op))?,
            file: File::take(&mut tail, &found, unlinks.full_path)?,
            ret: raw.ret,
            failure: Failure::of(raw.ret),
            object,
            probe: *Probe::ALL.get(usize::from(raw.probe))?,
        })
    }
}
