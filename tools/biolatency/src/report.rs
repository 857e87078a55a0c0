// SPDX-License-Identifier: MIT OR Apache-2.0
//! One histogram, as a program reads it.

use tracewell_shared::block::Operation;
use tracewell_shared::event::{Cell, Event, Fields, Type, Value, Word};
use tracewell_shared::hist::Spread;
use tracewell_shared::run::runner::Interval;
use tracewell_shared::trace::distribution::Quantity;

/// How long operations took that ended in one interval, of one key where they are told apart. All values are nanoseconds.
/// An interval or key in which nothing ended has no object.
#[derive(Debug, Clone, Event)]
#[event(kind = "histogram", of = Reports)]
pub struct Report<'a> {
    /// When it was.
    #[field(group)]
    pub interval: Interval,
    /// The disk's name as in /sys/block; no-disk of commands to a controller; on rung `tracepoint` major:minor where the
    /// disk has gone.
    #[field(null = "without `-D`")]
    pub disk: Option<String>,
    /// The operation, as the running kernel calls it, in lower case: read, write, flush, discard.
    #[field(null = "without `-F`")]
    pub op: Option<Operation>,
    /// The request's flags, as the running kernel calls them: SYNC, META.
    #[field(null = "without `-F`")]
    pub flags: Option<Flags<'a>>,
    /// The path below the mount of cgroup v2 of the cgroup that the requests are for.
    #[field(null = "without `-C`, and for one that has gone")]
    pub cgroup: Option<Vec<u8>>,
    /// The id of that cgroup.
    #[field(null = "without `-C`")]
    pub cgroup_id: Option<u64>,
    /// These found no room in the histogram of what they are of (`--room`), whatever it is: disk, op, flags and cgroup are
    /// null. What is told beside them may lack some of its own.
    pub other: bool,
    /// How long they took.
    #[field(group)]
    pub spread: Spread,
    /// Whose histogram it is.
    pub tool: Itself,
    /// What the values are: nanoseconds.
    pub unit: Quantity,
}

/// This tool, of those that have histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Word)]
pub enum Itself {
    /// It is.
    Biolatency,
}

/// The family of [`Report`].
#[derive(Debug, Clone, Copy)]
pub struct Reports;

/// The flags of requests, by their names.
#[derive(Debug, Clone)]
pub struct Flags<'a>(pub Vec<&'a str>);

impl Value for Flags<'_> {
    const TYPE: Type = Type::Texts("^[A-Z0-9_]+$");

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.names(name, &mut self.0.iter().copied());
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.text(&self.0.join("|"));
    }
}
