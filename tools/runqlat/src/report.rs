// SPDX-License-Identifier: MIT OR Apache-2.0
//! One histogram, as a program reads it.

use tracewell_shared::event::{Event, Word};
use tracewell_shared::hist::Spread;
use tracewell_shared::run::runner::Interval;
use tracewell_shared::trace::distribution::Quantity;

/// How long waits for a CPU took that ended in one interval, of one task, namespace or cgroup where these are told apart.
/// All values are nanoseconds. An interval or key in which nothing ended has no object.
#[derive(Debug, Clone, Event)]
#[event(kind = "histogram", of = Reports)]
pub struct Report<'a> {
    /// When it was.
    #[field(group)]
    pub interval: Interval,
    /// The process, in the initial pid namespace.
    #[field(null = "without `-P` and `-L`")]
    pub pid: Option<u32>,
    /// The thread, in the initial pid namespace.
    #[field(null = "without `-L`")]
    pub tid: Option<u32>,
    /// The name of the process's first thread, with `-L` of the thread.
    #[field(null = "without `-P` and `-L`")]
    pub comm: Option<&'a [u8]>,
    /// The inode number of the pid namespace, 0 of tasks that were about to be gone.
    #[field(null = "without `--pidnss`")]
    pub pidns: Option<u32>,
    /// The path below the mount of cgroup v2 of the cgroup that the tasks are in.
    #[field(null = "without `-C`, and for one that has gone")]
    pub cgroup: Option<Vec<u8>>,
    /// The id of that cgroup.
    #[field(null = "without `-C`")]
    pub cgroup_id: Option<u64>,
    /// These found no room in the histogram of what they are of (`--room`), whosever they are: pid, tid, comm, pidns and
    /// cgroup are null. What is told beside them may lack some of its own.
    pub other: bool,
    /// How long they took.
    #[field(group)]
    pub spread: Spread,
    /// Whose histogram it is.
    pub tool: Itself,
    /// What the values are: nanoseconds.
    pub unit: Quantity,
}

/// The family of [`Report`].
#[derive(Debug, Clone, Copy)]
pub struct Reports;

/// This tool, of those that have histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Word)]
pub enum Itself {
    /// It is.
    Runqlat,
}
