// SPDX-License-Identifier: MIT OR Apache-2.0
//! One histogram, as a program reads it.

use tracewell_shared::event::{Event, EventFamily};
use tracewell_shared::output::fields::Fields;
use tracewell_shared::trace::distribution::Interval;

use crate::tracer::Key;

/// The histogram of one interval and key, with the key in words.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// The interval, and what happened in it.
    pub interval: Interval<'a, Key>,
    /// The disk's name; `no-disk` of commands to a controller; `None` where disks are not told apart.
    pub disk: Option<String>,
    /// The operation; `None` where operations are not told apart.
    pub op: Option<String>,
    /// The flags, with `op`.
    pub flags: Vec<&'a str>,
    /// The path of the cgroup that the requests are for; `None` where it has gone, or cgroups are not told apart.
    pub cgroup: Option<Vec<u8>>,
    /// The cgroup's id.
    pub cgroup_id: Option<u64>,
}

/// The family of [`Report`].
#[derive(Debug, Clone, Copy)]
pub struct Reports;

impl EventFamily for Reports {
    type Event<'a> = Report<'a>;
}

impl Event for Report<'_> {
    const KIND: &'static str = "histogram";
    const FIELDS: &'static [&'static str] = &[
        "time",
        "interval_ms",
        "disk",
        "op",
        "flags",
        "cgroup",
        "cgroup_id",
        "other",
        "count",
        "sum",
        "min",
        "max",
        "p50",
        "p90",
        "p99",
        "p999",
        "p9999",
        "buckets",
    ];

    fn time_ns(&self) -> u64 {
        self.interval.end_ns
    }

    fn fields(&self, to: &mut dyn Fields) {
        let interval_ms = self.interval.length.as_millis();
        to.time("time", self.interval.end_ns);
        to.u64(
            "interval_ms",
            u64::try_from(interval_ms).unwrap_or(u64::MAX),
        );
        to.opt_text("disk", self.disk.as_deref());
        to.opt_text("op", self.op.as_deref());
        match self.op {
            Some(_) => to.names("flags", &mut self.flags.iter().copied()),
            None => to.absent("flags"),
        }
        to.opt_bytes("cgroup", self.cgroup.as_deref());
        to.opt_u64("cgroup_id", self.cgroup_id);
        to.bool("other", self.interval.part.other);
        self.interval.part.histogram.fields(to);
    }
}
