// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracewell hist`: shows, merges and compares logs of histograms. It takes no privilege.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use serde_json::Value;

use super::compare::{Condition, Quantity};
use super::log::{self, Logged, Merged, Record, Recorder};
use crate::cli;
use crate::error::{Error, Result};
use crate::tool::{self, Tool};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "hist",
    about: "Show, merge and compare logs of histograms",
    ladder: None,
    command: Args::command,
    run,
};

/// Show, merge and compare logs of histograms
#[derive(Debug, Parser)]
#[command(name = "hist", version, after_help = EXAMPLES)]
struct Args {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  biolatency -D --record before.hlog 1 60
  tracewell hist show before.hlog
  tracewell hist diff before.hlog after.hlog --fail-if 'p99>+20%'";

#[derive(Debug, Subcommand)]
enum Action {
    /// Show count, mean and percentiles of each tag, over all files together
    Show {
        /// The logs
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        pick: Pick,
        /// A row for each interval, not one for all
        #[arg(short, long)]
        intervals: bool,
    },
    /// Write one log in which each tag has one record
    Merge {
        /// The logs
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The log to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Only records with this tag
        #[arg(short, long, value_name = "TAG")]
        tag: Option<String>,
    },
    /// Compare two logs, tag by tag
    Diff {
        /// The log before
        #[arg(value_name = "BEFORE")]
        before: PathBuf,
        /// The log after
        #[arg(value_name = "AFTER")]
        after: PathBuf,
        #[command(flatten)]
        pick: Pick,
        /// End with exit status 1 if this holds for a tag: 'p99>+20%', 'max>5ms', 'count<1000'; repeatable
        #[arg(long, value_name = "CONDITION")]
        fail_if: Vec<Condition>,
    },
}

#[derive(Debug, clap::Args)]
struct Pick {
    /// Only records with this tag
    #[arg(short, long, value_name = "TAG")]
    tag: Option<String>,
    /// How to write
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Columns for people, in microseconds
    Table,
    /// One JSON object a line, in nanoseconds
    Json,
}

/// The numbers that are shown, with their names in JSON.
const SHOWN: [(&str, &str, Quantity); 7] = [
    ("mean", "MEAN", Quantity::Mean),
    ("p50", "P50", Quantity::Percentile(50.0)),
    ("p90", "P90", Quantity::Percentile(90.0)),
    ("p99", "P99", Quantity::Percentile(99.0)),
    ("p999", "P99.9", Quantity::Percentile(99.9)),
    ("p9999", "P99.99", Quantity::Percentile(99.99)),
    ("max", "MAX", Quantity::Max),
];

fn run(matches: &clap::ArgMatches) -> Result<u8> {
    let args: Args = cli::from_matches(matches)?;
    match args.action {
        Action::Show {
            files,
            pick,
            intervals,
        } => show(&files, &pick, intervals),
        Action::Merge { files, output, tag } => merge(&files, &output, tag.as_deref()),
        Action::Diff {
            before,
            after,
            pick,
            fail_if,
        } => diff([&before, &after], &pick, &fail_if),
    }
}

/// The records of all files that have the tag, if one is asked for.
fn records(files: &[PathBuf], tag: Option<&str>) -> Result<Vec<Record>> {
    let mut all = Vec::new();
    for file in files {
        all.extend(log::read(file)?);
    }
    if let Some(tag) = tag {
        all.retain(|record| record.tag.as_deref() == Some(tag));
        if all.is_empty() {
            return Err(Error::usage(format!("nothing has the tag '{tag}'")));
        }
    }
    Ok(all)
}

fn show(files: &[PathBuf], pick: &Pick, intervals: bool) -> Result<u8> {
    let records = records(files, pick.tag.as_deref())?;
    let mut out = String::new();
    if pick.format == Format::Table {
        out.push_str(&header());
    }
    if intervals {
        for record in &records {
            let from = Some((record.start.as_secs_f64(), record.length.as_secs_f64()));
            row(&mut out, pick.format, &record.tag, &record.histogram, from);
        }
    } else {
        for (tag, merged) in log::merge(records)? {
            row(&mut out, pick.format, &tag, &merged.histogram, None);
        }
    }
    print(&out)
}

fn header() -> String {
    let mut line = format!("{:<32} {:>10}", "TAG", "COUNT");
    for (_, header, _) in SHOWN {
        line.push_str(&format!(" {header:>10}"));
    }
    line.push('\n');
    line
}

/// A tag as it is shown: tags come from files, and may hold anything.
fn shown(tag: &Option<String>) -> String {
    tag.as_ref()
        .map_or_else(|| "-".to_owned(), |tag| log::tag_shown(tag))
}

fn row(
    out: &mut String,
    format: Format,
    tag: &Option<String>,
    histogram: &Logged,
    interval: Option<(f64, f64)>,
) {
    match format {
        Format::Table => {
            out.push_str(&format!("{:<32} {:>10}", shown(tag), histogram.len()));
            for (_, _, quantity) in SHOWN {
                out.push_str(&format!(" {:>10.1}", quantity.of(histogram) / 1e3));
            }
        }
        Format::Json => {
            let (start, length) = interval.unzip();
            let mut fields = vec![
                ("event", Value::from("distribution")),
                ("tag", tag.clone().into()),
                ("start", start.into()),
                ("length", length.into()),
            ];
            fields.extend(numbers(histogram));
            out.push_str(&object(fields));
        }
    }
    out.push('\n');
}

/// The numbers of a histogram, as fields of JSON; without values there is nothing but their count.
fn numbers(histogram: &Logged) -> Vec<(&'static str, Value)> {
    let mut fields = vec![("count", histogram.len().into())];
    fields.extend(SHOWN.map(|(name, _, quantity)| {
        let value = (!histogram.is_empty()).then(|| quantity.of(histogram).round() as u64);
        (name, value.into())
    }));
    fields
}

/// A JSON object, with its fields in this order.
fn object<V: fmt::Display>(fields: impl IntoIterator<Item = (&'static str, V)>) -> String {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn merge(files: &[PathBuf], output: &Path, tag: Option<&str>) -> Result<u8> {
    // Read before it is made: it may be one of them.
    let merged = log::merge(records(files, tag)?)?;
    let base = merged.values().map(|merged| merged.start).min();
    let mut recorder = Recorder::create(output, base.unwrap_or_default())?;
    for (tag, all) in merged {
        recorder.add(&Record {
            tag,
            start: all.start,
            length: all.end.saturating_sub(all.start),
            histogram: all.histogram,
        })?;
    }
    recorder.flush()?;
    Ok(0)
}

type Tags = BTreeMap<Option<String>, Merged>;

fn diff(files: [&PathBuf; 2], pick: &Pick, conditions: &[Condition]) -> Result<u8> {
    let read = |file: &PathBuf| -> Result<Tags> {
        let mut records = log::read(file)?;
        if let Some(tag) = &pick.tag {
            records.retain(|record| record.tag.as_ref() == Some(tag));
        }
        log::merge(records)
    };
    let [before, after] = [read(files[0])?, read(files[1])?];
    let tags: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    if tags.is_empty() {
        let tag = pick.tag.as_deref().unwrap_or_default();
        return Err(Error::usage(format!("nothing has the tag '{tag}'")));
    }
    let none = log::empty()?;
    let mut out = String::new();
    if pick.format == Format::Table {
        out.push_str(&header());
    }
    let mut failed = Vec::new();
    for tag in tags {
        let side = |side: &'_ Tags| side.get(tag).map(|merged| merged.histogram.clone());
        let before = side(&before).unwrap_or_else(|| none.clone());
        let after = side(&after).unwrap_or_else(|| none.clone());
        change(&mut out, pick.format, tag, &before, &after);
        for condition in conditions {
            match condition.holds(&before, &after) {
                Ok(false) => {}
                Ok(true) => failed.push(format!("{}: {condition}", shown(tag))),
                Err(why) => failed.push(format!("{}: {condition}: {why}", shown(tag))),
            }
        }
    }
    print(&out)?;
    for line in &failed {
        tool::say("hist", line);
    }
    Ok(u8::from(!failed.is_empty()))
}

/// A tag's numbers before, after, and by how much they changed.
fn change(out: &mut String, format: Format, tag: &Option<String>, before: &Logged, after: &Logged) {
    if format == Format::Json {
        let line = object([
            ("event", Value::from("difference").to_string()),
            ("tag", Value::from(tag.clone()).to_string()),
            ("before", object(numbers(before))),
            ("after", object(numbers(after))),
        ]);
        out.push_str(&format!("{line}\n"));
        return;
    }
    row(out, format, tag, before, None);
    row(out, format, &Some("  after".to_owned()), after, None);
    out.push_str(&format!(
        "{:<32} {:>10}",
        "  change",
        percent(Quantity::Count, before, after)
    ));
    for (_, _, quantity) in SHOWN {
        out.push_str(&format!(" {:>10}", percent(quantity, before, after)));
    }
    out.push('\n');
}

/// `+12.5%`; `-` where there is nothing to compare.
fn percent(quantity: Quantity, before: &Logged, after: &Logged) -> String {
    let (then, now) = (quantity.of(before), quantity.of(after));
    if before.is_empty() || after.is_empty() || then == 0.0 {
        return "-".to_owned();
    }
    format!("{:+.1}%", (now / then - 1.0) * 100.0)
}

fn print(text: &str) -> Result<u8> {
    tool::print(text).map(|()| 0)
}
