// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sets Tracewell's tools beside those of libbpf-tools, under the same load in the same minutes.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::Parser;
use clap::ValueEnum;

use tracewell_bench::error::Context;
use tracewell_bench::error::Error;
use tracewell_bench::error::Result;
use tracewell_bench::measure::Bench;
use tracewell_bench::peer;
use tracewell_bench::rounds::Extent;
use tracewell_bench::rounds::Pair;
use tracewell_bench::rounds::measure;
use tracewell_bench::sandbox::Sandbox;
use tracewell_bench::subject::Sizes;
use tracewell_bench::subject::Subject;
use tracewell_bench::table::Comparison;
use tracewell_bench::tool::Format;
use tracewell_bench::tool::Style;
use tracewell_bench::tool::Tool;

/// Compare Tracewell's tools with those of libbpf-tools.
///
/// Runs ours, the peer's and none under the same storm, in turn, and prints a Markdown table of medians
/// with ratios and budgets; of options that ask for more, ours with and without. Needs root. The exit status is 0 whatever the figures are, and 1 if a
/// measurement could not be made.
#[derive(Debug, Parser)]
#[command(name = "compare", version)]
struct Cli {
    /// Repetitions
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Repetitions with BPF statistics, for the BPF time
    #[arg(long, default_value_t = 3)]
    stats_rounds: u32,
    /// Opens a run at 50,000 a second
    #[arg(long, default_value_t = 200_000)]
    opens: u64,
    /// Opens a run flat out, both threads together
    #[arg(long, default_value_t = 1_000_000)]
    opens_flat: u64,
    /// System calls a run: untraced, and counted
    #[arg(long, default_value_t = 3_000_000)]
    getppids: u64,
    /// Execs a run
    #[arg(long, default_value_t = 3_000)]
    execs: u64,
    /// Reads of a disk a run
    #[arg(long, default_value_t = 50_000)]
    reads: u64,
    /// Sleeps a run
    #[arg(long, default_value_t = 20_000)]
    sleeps: u64,
    /// Measure only these
    #[arg(long, value_delimiter = ',')]
    only: Vec<Subject>,
    /// Also write everything, each round's values too, into this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where our tools are [default: beside this program]
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// The storm program [default: beside this program]
    #[arg(long, value_name = "PATH")]
    storm: Option<PathBuf>,
    /// A tool of ours, by its name and where it is (repeatable)
    #[arg(long, value_name = "TOOL=PATH", value_parser = named)]
    ours: Vec<(String, PathBuf)>,
    /// The command line that our side has; libbpf-tools is for comparing a peer with a peer
    #[arg(long, value_enum, default_value = "tracewell")]
    ours_style: Style,
    /// One more argument for our tools (repeatable)
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    ours_arg: Vec<OsString>,
    /// What our tools write
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// A tool of the peer's, in the same way [default: libbpf-tools as installed]
    #[arg(long, value_name = "TOOL=PATH", value_parser = named)]
    peer: Vec<(String, PathBuf)>,
    /// Do not install libbpf-tools when it is missing
    #[arg(long)]
    no_install: bool,
    /// The user that the storm becomes: one that nothing else runs as
    #[arg(long, default_value_t = 64_001)]
    uid: u32,
}

/// A tool's name and where it is.
fn named(text: &str) -> std::result::Result<(String, PathBuf), String> {
    let (name, path) = text
        .split_once('=')
        .ok_or("TOOL=PATH, such as opensnoop=/usr/sbin/opensnoop")?;
    Ok((name.to_owned(), path.into()))
}

/// Where the tool of this name is among those that were named.
fn path(named: &[(String, PathBuf)], name: &str) -> Option<PathBuf> {
    let found = named.iter().find(|(tool, _)| tool == name);
    found.map(|(_, path)| path.clone())
}

impl Cli {
    fn beside(&self) -> Result<PathBuf> {
        let this = std::env::current_exe().context(|| "cannot find this program".to_owned())?;
        let dir = this
            .parent()
            .ok_or_else(|| Error::new("this program has no directory"))?;
        Ok(dir.to_owned())
    }

    fn pair(&self, subject: Subject) -> Result<Pair> {
        let name = subject.tool();
        let mut ours = match path(&self.ours, name) {
            Some(path) => Tool::peer(name, path),
            None => Tool::ours(
                &self.bin_dir.clone().map_or_else(|| self.beside(), Ok)?,
                name,
            )?,
        };
        ours.style = self.ours_style;
        ours.format = self.format;
        ours.lead.extend(self.ours_arg.iter().cloned());
        if !subject.asks().is_empty() {
            let peer = Some(ours.clone());
            ours.lead.extend(subject.asks().iter().map(OsString::from));
            return Ok(Pair { ours, peer });
        }
        let peer = match path(&self.peer, name) {
            Some(path) => Some(Tool::peer(name, path)),
            None => peer::find_or_install(name, !self.no_install),
        };
        Ok(Pair { ours, peer })
    }

    fn conditions(&self) -> Vec<String> {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown processor", |(_, model)| model);
        let cpus = available_parallelism().map_or(1, usize::from);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        let peer = if self.peer.is_empty() {
            peer::version().unwrap_or_else(|| "not from a package".to_owned())
        } else {
            "as named on the command line".to_owned()
        };
        vec![
            format!(
                "Linux {}, {cpus} CPUs, {model}, load average {load} at the start",
                kernel.trim()
            ),
            format!("libbpf-tools: {peer}"),
            format!("medians (min–max) of {} rounds", self.rounds),
        ]
    }

    fn extent(&self) -> Extent {
        Extent {
            rounds: self.rounds,
            stats_rounds: self.stats_rounds,
            sizes: Sizes {
                opens: self.opens,
                opens_flat: self.opens_flat,
                getppids: self.getppids,
                execs: self.execs,
                reads: self.reads,
                sleeps: self.sleeps,
            },
        }
    }
}

fn try_main() -> Result<()> {
    let cli = Cli::parse();
    let subjects = if cli.only.is_empty() {
        Subject::value_variants()
    } else {
        &cli.only
    };
    // All tools are looked for before anything is measured, and the peer is installed outside the sandbox.
    let mut pairs = Vec::new();
    for subject in subjects {
        pairs.push((*subject, cli.pair(*subject)?));
    }
    let bench = Bench {
        storm: cli
            .storm
            .clone()
            .map_or_else(|| Ok(cli.beside()?.join("storm")), Ok)?,
        uid: cli.uid,
        sandbox: Sandbox::enter()?,
    };
    let mut comparison = Comparison {
        conditions: cli.conditions(),
        rows: Vec::new(),
    };
    for (subject, pair) in &pairs {
        comparison
            .rows
            .extend(measure(&bench, pair, *subject, cli.extent(), &mut say)?);
    }
    let table = comparison.markdown();
    write!(io::stdout().lock(), "{table}").context(|| "stdout".to_owned())?;
    if let Some(path) = &cli.json {
        let text = serde_json::to_string_pretty(&comparison).context(|| "JSON".to_owned())?;
        fs::write(path, text + "\n").context(|| path.display().to_string())?;
    }
    Ok(())
}

fn say(message: &str) {
    // Progress that cannot be shown is no reason to stop measuring.
    drop(writeln!(io::stderr().lock(), "compare: {message}"));
}

fn main() -> ExitCode {
    match try_main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
