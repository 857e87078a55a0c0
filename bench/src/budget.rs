// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rows of the table, and what Tracewell may cost at most. All budgets are in this one list.

use std::fmt;

use crate::figure::Figure;
use crate::sample::Sample;
use crate::sample::ratio;
use crate::subject::Subject;

/// An upper limit for our figure. Medians are compared: one slow round is no verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// At most this share of the peer's; of what is asked, of the tool's own without it.
    OfPeer(f64),
    /// At most this, in the row's unit.
    AtMost(f64),
    /// At most the peer's, and at most this.
    PeerAndAtMost(f64),
    /// Zero, in every single round.
    Never,
}

impl Budget {
    /// Whether `ours` keeps it; `None` when that takes a peer and there is none.
    #[must_use]
    pub fn met(self, ours: &Sample, peer: Option<&Sample>) -> Option<bool> {
        let of_peer = |share: f64| Some(ratio(ours, peer?)? <= share);
        match self {
            Self::OfPeer(share) => of_peer(share),
            Self::AtMost(limit) => Some(ours.median <= limit),
            Self::PeerAndAtMost(limit) => Some(of_peer(1.0)? && ours.median <= limit),
            Self::Never => Some(ours.values.iter().all(|value| *value == 0.0)),
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfPeer(share) => write!(f, "≤ {share} × peer"),
            Self::AtMost(limit) => write!(f, "≤ {limit}"),
            Self::PeerAndAtMost(limit) => write!(f, "≤ peer, ≤ {limit}"),
            Self::Never => f.write_str("0 always"),
        }
    }
}

/// Whether the table has one of `figures` for `subject`, so that runs only for them are worth making.
#[must_use]
pub fn wants(subject: Subject, figures: &[Figure]) -> bool {
    ROWS.iter()
        .any(|row| row.subject == subject && figures.contains(&row.figure))
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The load it is taken under.
    pub subject: Subject,
    /// What it shows.
    pub figure: Figure,
    /// What a reader sees, with the unit.
    pub label: &'static str,
    /// What ours may be; `None` where it is only shown.
    pub budget: Option<Budget>,
}

const fn row(subject: Subject, figure: Figure, label: &'static str, budget: Option<Budget>) -> Row {
    Row {
        subject,
        figure,
        label,
        budget,
    }
}

use Budget::{AtMost, Never, OfPeer, PeerAndAtMost};
use Figure::{
    Added, Attach, BpfTime, DiskSize, KernelMemory, Lost, OwnRss, PeakRss, Rate, Silent, ToolCpu,
    ToolCpuMade,
};
use Subject::{
    Ancestors, Calls, CountBy, Execs, Exits, OpensFlat, OpensPaced, OtherSyscalls, PathLeftOut,
    Reads, Sleeps, WhereLeftOut, WhereShown,
};

/// All rows, in the table's order.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(OpensPaced, Rate, "50,000 opens/s: reached, opens/s", None),
    row(OpensPaced, Added, "50,000 opens/s: added CPU per open, ns", Some(OfPeer(0.1))),
    row(OpensPaced, BpfTime, "50,000 opens/s: BPF time per open, ns", None),
    row(OpensPaced, ToolCpu, "50,000 opens/s: tool CPU per event, µs", Some(OfPeer(0.08))),
    row(OpensPaced, Lost, "50,000 opens/s: lost, %", Some(AtMost(0.0))),
    row(OpensPaced, Silent, "50,000 opens/s: lost and not told, events", Some(Never)),
    row(OpensFlat, Rate, "opens flat out, 2 threads: reached, opens/s", None),
    row(OpensFlat, Added, "opens flat out, 2 threads: added CPU per open, ns", None),
    row(OpensFlat, BpfTime, "opens flat out, 2 threads: BPF time per open, ns", None),
    row(OpensFlat, ToolCpu, "opens flat out, 2 threads: tool CPU per event, µs", Some(OfPeer(0.06))),
    row(OpensFlat, Lost, "opens flat out, 2 threads: lost, %", Some(AtMost(0.0))),
    row(OpensFlat, Silent, "opens flat out, 2 threads: lost and not told, events", Some(Never)),
    row(OtherSyscalls, Added, "opensnoop: added CPU per getppid, ns", Some(AtMost(90.0))),
    row(OpensFlat, Attach, "opensnoop: start to attached, ms", Some(PeerAndAtMost(20.0))),
    row(OpensFlat, PeakRss, "opensnoop: max RSS, MB", None),
    row(OpensFlat, OwnRss, "opensnoop: RSS after the storm less mapped buffers, MB", Some(AtMost(4.0))),
    row(OpensFlat, KernelMemory, "opensnoop: BPF maps and perf buffers, MB", Some(AtMost(5.0))),
    row(OpensFlat, DiskSize, "opensnoop: program on disk, MB", Some(AtMost(10.0))),
    row(Execs, Rate, "execs: reached, execs/s", None),
    row(Execs, Added, "execs: added CPU per exec, ns", None),
    row(Execs, BpfTime, "execs: BPF time per exec, ns", Some(OfPeer(0.1))),
    row(Execs, ToolCpu, "execs: tool CPU per exec, µs", Some(OfPeer(0.15))),
    row(Execs, Lost, "execs: lost, %", Some(AtMost(0.0))),
    row(Execs, Silent, "execs: lost and not told, events", Some(Never)),
    row(Execs, Attach, "execsnoop: start to attached, ms", Some(PeerAndAtMost(20.0))),
    row(Execs, PeakRss, "execsnoop: max RSS, MB", None),
    row(Execs, OwnRss, "execsnoop: RSS after the storm less mapped buffers, MB", Some(AtMost(4.0))),
    row(Execs, KernelMemory, "execsnoop: BPF maps and perf buffers, MB", Some(AtMost(5.0))),
    row(Execs, DiskSize, "execsnoop: program on disk, MB", Some(AtMost(10.0))),
    row(Exits, BpfTime, "exits: BPF time per exit, ns", Some(OfPeer(1.0))),
    row(Exits, ToolCpu, "exits: tool CPU per exit, µs", Some(OfPeer(1.0))),
    row(Exits, Lost, "exits: lost, %", Some(AtMost(0.0))),
    row(Exits, Silent, "exits: lost and not told, events", Some(Never)),
    row(Exits, Attach, "exitsnoop: start to attached, ms", Some(PeerAndAtMost(20.0))),
    row(Exits, PeakRss, "exitsnoop: max RSS, MB", None),
    row(Exits, OwnRss, "exitsnoop: RSS after the storm less mapped buffers, MB", Some(AtMost(4.0))),
    row(Exits, KernelMemory, "exitsnoop: BPF maps and perf buffers, MB", Some(AtMost(5.0))),
    row(Exits, DiskSize, "exitsnoop: program on disk, MB", Some(AtMost(10.0))),
    row(Reads, BpfTime, "disk reads: BPF time per request, ns", Some(OfPeer(1.0))),
    row(Reads, Lost, "disk reads: lost, %", Some(AtMost(0.0))),
    row(Reads, Silent, "disk reads: lost and not told, requests", Some(Never)),
    row(Reads, Attach, "biolatency: start to attached, ms", Some(PeerAndAtMost(20.0))),
    row(Reads, PeakRss, "biolatency: max RSS, MB", None),
    row(Reads, OwnRss, "biolatency: RSS after the reads less mapped buffers, MB", Some(AtMost(4.0))),
    row(Reads, KernelMemory, "biolatency: BPF maps, MB", Some(AtMost(5.0))),
    row(Reads, DiskSize, "biolatency: program on disk, MB", Some(AtMost(10.0))),
    row(Sleeps, Added, "sleeps: added CPU per sleep, ns", None),
    row(Sleeps, BpfTime, "sleeps: BPF time per sleep, ns", Some(OfPeer(1.0))),
    row(Sleeps, Attach, "runqlat: start to attached, ms", Some(PeerAndAtMost(20.0))),
    row(Sleeps, PeakRss, "runqlat: max RSS, MB", None),
    row(Sleeps, OwnRss, "runqlat: RSS after the sleeps less mapped buffers, MB", Some(AtMost(4.0))),
    row(Sleeps, KernelMemory, "runqlat: BPF maps, MB", Some(AtMost(5.0))),
    row(Sleeps, DiskSize, "runqlat: program on disk, MB", Some(AtMost(10.0))),
    row(Calls, Rate, "calls: reached, calls/s", None),
    row(Calls, Added, "calls: added CPU per call, ns", Some(OfPeer(1.0))),
    row(Calls, BpfTime, "calls: BPF time per call, ns", Some(OfPeer(1.0))),
    row(Calls, Lost, "calls: lost, %", Some(AtMost(0.0))),
    row(Calls, Silent, "calls: lost and not told, calls", Some(Never)),
    row(Calls, Attach, "syscount: start to attached, ms", Some(PeerAndAtMost(20.0))),
    row(Calls, PeakRss, "syscount: max RSS, MB", None),
    row(Calls, OwnRss, "syscount: RSS after the calls less mapped buffers, MB", Some(AtMost(4.0))),
    row(Calls, KernelMemory, "syscount: BPF maps, MB", Some(AtMost(5.0))),
    row(Calls, DiskSize, "syscount: program on disk, MB", Some(AtMost(10.0))),
    row(WhereShown, BpfTime, "--where, shown: BPF time per open, ns", None),
    row(WhereShown, ToolCpuMade, "--where, shown: tool CPU per open, µs", None),
    row(WhereLeftOut, BpfTime, "--where, left out: BPF time per open, ns", None),
    row(WhereLeftOut, ToolCpuMade, "--where, left out: tool CPU per open, µs", None),
    row(CountBy, BpfTime, "--count-by: BPF time per open, ns", None),
    row(CountBy, ToolCpuMade, "--count-by: tool CPU per open, µs", None),
    row(Ancestors, BpfTime, "--ancestors: BPF time per open, ns", None),
    row(Ancestors, ToolCpuMade, "--ancestors: tool CPU per open, µs", None),
    row(PathLeftOut, BpfTime, "--path, left out: BPF time per open, ns", Some(OfPeer(1.0))),
    row(PathLeftOut, ToolCpuMade, "--path, left out: tool CPU per open, µs", Some(OfPeer(1.0))),
];

#[cfg(test)]
mod tests {
    use super::Budget;
    use super::ROWS;
    use crate::sample::Sample;

    fn sample(values: &[f64]) -> Sample {
        Sample::new(values.to_vec()).unwrap()
    }

    #[test]
    fn a_share_takes_a_peer() {
        let (ours, peer) = (sample(&[8.0]), sample(&[100.0]));
        assert_eq!(Budget::OfPeer(0.1).met(&ours, Some(&peer)), Some(true));
        assert_eq!(Budget::OfPeer(0.05).met(&ours, Some(&peer)), Some(false));
        assert_eq!(Budget::OfPeer(0.1).met(&ours, None), None);
        assert_eq!(Budget::AtMost(8.0).met(&ours, None), Some(true));
    }

    #[test]
    fn both_limits_hold() {
        let peer = sample(&[15.0]);
        let budget = Budget::PeerAndAtMost(20.0);
        assert_eq!(budget.met(&sample(&[14.0]), Some(&peer)), Some(true));
        assert_eq!(budget.met(&sample(&[16.0]), Some(&peer)), Some(false));
        assert_eq!(
            budget.met(&sample(&[21.0]), Some(&sample(&[30.0]))),
            Some(false)
        );
    }

    #[test]
    fn never_means_in_no_round() {
        let once = sample(&[0.0, 0.0, 3.0]);
        assert_eq!(Budget::Never.met(&once, None), Some(false));
        assert_eq!(Budget::Never.met(&sample(&[0.0, 0.0]), None), Some(true));
    }

    #[test]
    fn every_row_is_there_once() {
        for (index, row) in ROWS.iter().enumerate() {
            let same = |other: &super::Row| {
                other.label == row.label
                    || (other.subject == row.subject && other.figure == row.figure)
            };
            assert!(!ROWS[..index].iter().any(same), "{}", row.label);
        }
    }
}
