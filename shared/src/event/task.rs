// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who did it: what the head of every event tells of its task.

use crate::data::decode::until_nul;
use crate::data::raw::event_head;
use crate::output::fields::Fields;

/// The task that an event is about, and when it was.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
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
}

impl<'a> Task<'a> {
    /// Reads the head of a record; `None` where it is too short for one.
    pub fn decode(record: &'a [u8]) -> Option<Self> {
        let mut head = event_head::default();
        plain::copy_from_bytes(&mut head, record).ok()?;
        Some(Self {
            time_ns: head.time_ns,
            pid: head.pid,
            tid: head.tid,
            uid: head.uid,
            comm: until_nul(record.get(crate::data::decode::COMM)?),
        })
    }

    /// Gives them in their order.
    pub fn fields(&self, to: &mut dyn Fields) {
        to.time("time", self.time_ns);
        to.u64("pid", self.pid.into());
        to.u64("tid", self.tid.into());
        to.u64("uid", self.uid.into());
        to.bytes("comm", self.comm);
    }
}
