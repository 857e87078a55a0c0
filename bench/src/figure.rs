// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is measured, and how each figure comes out of the runs.

use serde_derive::Serialize;

use crate::measure::Traced;
use crate::report::Report;
use crate::sample::Sample;

/// One thing that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// Operations a second that the storm reached while traced.
    Rate,
    /// CPU time of the storm per operation, traced less bare, in ns.
    Added,
    /// Run time of the tool's BPF programs per operation, in ns.
    BpfTime,
    /// CPU time of the tool per event that it showed, less what it costs to run without load, in µs.
    ToolCpu,
    /// The same per operation that the storm made, shown or not, in µs.
    ToolCpuMade,
    /// Events that were not shown, told or not, in percent of those made.
    Lost,
    /// Events that were neither shown nor told.
    Silent,
    /// From the start of the tool until it is attached, in ms.
    Attach,
    /// Largest resident set, in MB.
    PeakRss,
    /// Resident set after the storm, less the kernel's buffers mapped in, in MB. Not the largest one:
    /// that may have been reached at the start, before the buffers were mapped.
    OwnRss,
    /// Memory of BPF maps and perf buffers, in MB.
    KernelMemory,
    /// Size of the program on disk, in MB.
    DiskSize,
}

/// The runs of one tool.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// Without load.
    pub idle: Vec<Traced>,
    /// Under load.
    pub loaded: Vec<Traced>,
    /// Under load with BPF statistics on.
    pub stats: Vec<Traced>,
    /// Size of its program, in bytes.
    pub disk_bytes: u64,
}

const MB: f64 = 1e6;

impl Figure {
    /// This figure's value in each run. `bare` are the storms without a tool, one a round.
    #[must_use]
    pub fn values(self, runs: &Runs, bare: &[Report]) -> Vec<f64> {
        let per_run = |value: &dyn Fn(&Traced, &Report) -> Option<f64>| {
            let with_storm = |run| Traced::storm(run).and_then(|storm| value(run, storm));
            runs.loaded.iter().filter_map(with_storm).collect()
        };
        match self {
            Self::Rate => per_run(&|_, storm| Some(storm.ops_per_s)),
            Self::Added => added(&runs.loaded, bare),
            Self::BpfTime => runs.stats.iter().filter_map(run_time_per_op).collect(),
            Self::ToolCpu | Self::ToolCpuMade => {
                let idle_ns = median_of(runs.idle.iter().map(|run| run.cpu_ns));
                per_run(&|run, storm| {
                    let events = match self {
                        Self::ToolCpu => run.account.seen,
                        _ => storm.made,
                    };
                    (events > 0).then(|| (run.cpu_ns - idle_ns) / events as f64 / 1e3)
                })
            }
            Self::Lost => per_run(&|run, storm| {
                let missing = storm.made as f64 - run.account.seen as f64;
                Some(100.0 * missing / storm.made as f64)
            }),
            Self::Silent => per_run(&|run, storm| Some(run.account.silent(storm.made) as f64)),
            Self::Attach => runs.idle.iter().map(|run| run.attach_s * 1e3).collect(),
            Self::PeakRss => per_run(&|run, _| Some(run.memory.peak_rss as f64 / MB)),
            Self::OwnRss => per_run(&|run, _| {
                let own = run.memory.rss.saturating_sub(run.memory.buffers_rss);
                Some(own as f64 / MB)
            }),
            Self::KernelMemory => {
                per_run(&|run, _| Some((run.map_bytes + run.memory.perf_buffers) as f64 / MB))
            }
            Self::DiskSize => vec![runs.disk_bytes as f64 / MB],
        }
    }

    /// What the same figure is without a tool, where that means something.
    #[must_use]
    pub fn bare_values(self, bare: &[Report]) -> Vec<f64> {
        match self {
            Self::Rate => bare.iter().map(|storm| storm.ops_per_s).collect(),
            Self::Added => bare.iter().map(Report::cpu_ns_per_op).collect(),
            _ => Vec::new(),
        }
    }
}

/// Each traced run less the bare one of its round: what the machine does meanwhile is then in both.
fn added(traced: &[Traced], bare: &[Report]) -> Vec<f64> {
    let storms = traced.iter().filter_map(Traced::storm);
    let pairs = storms.zip(bare);
    pairs
        .map(|(traced, bare)| traced.cpu_ns_per_op() - bare.cpu_ns_per_op())
        .collect()
}

fn run_time_per_op(run: &Traced) -> Option<f64> {
    Some(run.run_time_ns? as f64 / run.storm()?.made as f64)
}

fn median_of(values: impl Iterator<Item = f64>) -> f64 {
    Sample::new(values.collect()).map_or(0.0, |sample| sample.median)
}

#[cfg(test)]
mod tests {
    use super::Figure;
    use super::Runs;
    use crate::account::Account;
    use crate::measure::Traced;
    use crate::process::Memory;
    use crate::report::Report;

    fn report(made: u64, cpu_s: f64) -> Report {
        Report {
            op: "open".to_owned(),
            pid: 1,
            made,
            unexpected: 0,
            wall_s: 1.0,
            user_s: 0.0,
            sys_s: cpu_s,
            cpu_s,
            ops_per_s: made as f64,
            per_thread: Vec::new(),
        }
    }

    fn traced(storm: Option<Report>, cpu_ns: f64) -> Traced {
        Traced {
            attach_s: 0.02,
            storm,
            cpu_ns,
            run_time_ns: Some(8_000_000),
            account: Account {
                seen: 900,
                told: 60,
            },
            map_bytes: 1_000_000,
            memory: Memory {
                peak_rss: 13_000_000,
                rss: 12_000_000,
                buffers_rss: 8_000_000,
                perf_buffers: 500_000,
            },
        }
    }

    #[test]
    fn figures_follow_their_definitions() {
        let loaded = traced(Some(report(1_000, 0.010)), 11_000_000.0);
        let runs = Runs {
            idle: vec![traced(None, 2_000_000.0)],
            loaded: vec![loaded.clone()],
            stats: vec![loaded],
            disk_bytes: 300_000,
        };
        let bare = [report(1_000, 0.003)];
        for (figure, expected) in [
            (Figure::Rate, 1_000.0),
            (Figure::Added, 7_000.0),
            (Figure::BpfTime, 8_000.0),
            (Figure::ToolCpu, 10.0),
            (Figure::ToolCpuMade, 9.0),
            (Figure::Lost, 10.0),
            (Figure::Silent, 40.0),
            (Figure::Attach, 20.0),
            (Figure::PeakRss, 13.0),
            (Figure::OwnRss, 4.0),
            (Figure::KernelMemory, 1.5),
            (Figure::DiskSize, 0.3),
        ] {
            let values = figure.values(&runs, &bare);
            assert_eq!(values.len(), 1, "{figure:?}");
            assert!(
                (values[0] - expected).abs() < 1e-6,
                "{figure:?}: {values:?}"
            );
        }
        assert_eq!(Figure::Added.bare_values(&bare), [3_000.0]);
        assert!(Figure::Lost.bare_values(&bare).is_empty());
    }

    #[test]
    fn nothing_seen_gives_no_cost_per_event() {
        let mut run = traced(Some(report(10, 1.0)), 1.0);
        run.account.seen = 0;
        let runs = Runs {
            loaded: vec![run],
            ..Runs::default()
        };
        assert!(Figure::ToolCpu.values(&runs, &[]).is_empty());
    }
}
