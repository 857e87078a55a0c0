// SPDX-License-Identifier: MIT OR Apache-2.0
//! The order of the runs: in each round ours, the peer, and nothing, so that all three meet the same
//! machine. A machine shared with others changes by the minute, by factors; a ratio of neighbours does not.

use crate::budget::ROWS;
use crate::budget::wants;
use crate::disk::Disk;
use crate::error::Context;
use crate::error::Result;
use crate::figure::Figure;
use crate::figure::Runs;
use crate::measure::Bench;
use crate::measure::Load;
use crate::report::Report;
use crate::sample::Sample;
use crate::subject::Sizes;
use crate::subject::Subject;
use crate::table::Measured;
use crate::tool::Tool;

/// A tool of ours and its peer, if there is one.
#[derive(Debug)]
pub struct Pair {
    /// Ours.
    pub ours: Tool,
    /// The peer's; of what is asked, ours without it.
    pub peer: Option<Tool>,
}

impl Pair {
    /// The same tools, told to trace this disk, if there is one.
    fn on(&self, disk: Option<&Disk>) -> Self {
        let told = |tool: &Tool| Tool {
            disk: disk.map(Disk::name),
            ..tool.clone()
        };
        Self {
            ours: told(&self.ours),
            peer: self.peer.as_ref().map(told),
        }
    }
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Rounds without BPF statistics: all figures but the BPF time.
    pub rounds: u32,
    /// Rounds with them.
    pub stats_rounds: u32,
    /// Operations a storm.
    pub sizes: Sizes,
}

/// All runs of one subject.
#[derive(Debug, Default)]
struct Results {
    ours: Runs,
    peer: Runs,
    bare: Vec<Report>,
}

/// Measures `subject` and gives its rows. `progress` is told what happens.
///
/// # Errors
///
/// When a run fails.
pub fn measure(
    bench: &Bench,
    pair: &Pair,
    subject: Subject,
    extent: Extent,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Measured>> {
    let file = bench.sandbox.path("opened");
    std::fs::write(&file, "").context(|| file.display().to_string())?;
    let disk = match subject {
        Subject::Reads => Some(Disk::new(&bench.sandbox.path("image"))?),
        _ => None,
    };
    let load = subject.load(extent.sizes, disk.as_ref().map_or(&file, Disk::path));
    let pair = &pair.on(disk.as_ref());
    let idle = wants(
        subject,
        &[Figure::ToolCpu, Figure::ToolCpuMade, Figure::Attach],
    );
    let alone = wants(subject, &[Figure::Rate, Figure::Added]);
    let stats_rounds = if wants(subject, &[Figure::BpfTime]) {
        extent.stats_rounds
    } else {
        0
    };
    let mut results = Results::default();
    results.ours.disk_bytes = pair.ours.size()?;
    if let Some(peer) = &pair.peer {
        results.peer.disk_bytes = peer.size()?;
    }
    for round in 1..=extent.rounds {
        progress(&format!("{subject:?}: round {round} of {}", extent.rounds));
        results.round(bench, pair, &load, idle, alone)?;
    }
    for round in 1..=stats_rounds {
        progress(&format!(
            "{subject:?}: round {round} of {stats_rounds} with BPF statistics"
        ));
        results.stats_round(bench, pair, &load)?;
    }
    Ok(results.rows(subject, pair.peer.is_some()))
}

impl Results {
    /// One round; with runs that have no load, and with the load alone, where a figure needs them.
    fn round(
        &mut self,
        bench: &Bench,
        pair: &Pair,
        load: &Load,
        idle: bool,
        alone: bool,
    ) -> Result<()> {
        let Self { ours, peer, bare } = self;
        for (tool, runs) in sides(pair, ours, peer).filter(|_| idle) {
            runs.idle.push(bench.traced(tool, None, false)?);
        }
        for (tool, runs) in sides(pair, ours, peer) {
            runs.loaded.push(bench.traced(tool, Some(load), false)?);
        }
        if alone {
            bare.push(bench.bare(load)?);
        }
        Ok(())
    }

    fn stats_round(&mut self, bench: &Bench, pair: &Pair, load: &Load) -> Result<()> {
        for (tool, runs) in sides(pair, &mut self.ours, &mut self.peer) {
            runs.stats.push(bench.traced(tool, Some(load), true)?);
        }
        Ok(())
    }

    fn rows(&self, subject: Subject, has_peer: bool) -> Vec<Measured> {
        let rows = ROWS.iter().filter(|row| row.subject == subject);
        let measured = |row| {
            let row: &crate::budget::Row = row;
            let sample = |runs| Sample::new(row.figure.values(runs, &self.bare));
            let peer = has_peer.then(|| sample(&self.peer)).flatten();
            let bare = Sample::new(row.figure.bare_values(&self.bare));
            Measured::new(row, sample(&self.ours), peer, bare)
        };
        rows.map(measured).collect()
    }
}

/// Each tool with where its runs go.
fn sides<'a>(
    pair: &'a Pair,
    ours: &'a mut Runs,
    peer: &'a mut Runs,
) -> impl Iterator<Item = (&'a Tool, &'a mut Runs)> {
    let peer = pair.peer.as_ref().map(|tool| (tool, peer));
    [Some((&pair.ours, ours)), peer].into_iter().flatten()
}
