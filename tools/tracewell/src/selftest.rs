// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracewell selftest`: makes a known load for each tool, and says how much of it the tool told.

mod ending;
mod place;
mod trial;

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory, Parser};
use serde_json::{Value, json};
use tracewell_shared::cli;
use tracewell_shared::confine::privilege;
use tracewell_shared::console;
use tracewell_shared::error::Result;
use tracewell_shared::tool::Tool;
use tracewell_shared::tool::load::Prepare;

use crate::answer::{self, Asked, Format};
use place::Place;
use trial::Recall;

/// The command line.
pub(crate) static TOOL: Tool = Tool {
    name: "selftest",
    about: "Make a known load for each tool, and count what it tells",
    trace: None,
    capabilities: &[privilege::TRACING],
    command: Args::command,
    run,
};

/// Make a known load for each tool, run the tool beside it, and say how much of the load it told
///
/// The exit status is 1 if an event was neither told nor counted as lost, and the tool did not say that it might be
/// missing, or if a tool failed.
#[derive(Debug, Parser)]
#[command(name = "selftest", version, after_help = EXAMPLES)]
struct Args {
    /// How many events to make for each tool
    #[arg(short = 'n', long, value_name = "N", default_value = "300", value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,

    /// Hook into the kernel this way, instead of the first that works
    #[arg(long, value_name = "LABEL")]
    probe: Option<OsString>,

    /// Carry the events in this kind of buffer, as the tools' own option; for tools that print events
    #[arg(long, value_name = "KIND")]
    buffer: Option<OsString>,

    #[command(flatten)]
    asked: Asked,
}

const EXAMPLES: &str = "\
Examples:
  tracewell selftest
  tracewell selftest opensnoop -n 100000
  tracewell selftest unlinksnoop --probe kprobe --format json";

/// How a tool did.
#[derive(Debug)]
enum Outcome {
    /// It ran beside its load.
    Ran(Recall),
    /// It, or its load, failed.
    Failed(String),
    /// There is no such load on this machine.
    NotTested(String),
}

impl Outcome {
    fn is_good(&self) -> bool {
        match self {
            Self::Ran(recall) => recall.holds(),
            Self::Failed(_) => false,
            Self::NotTested(_) => true,
        }
    }
}

fn run(matches: &ArgMatches) -> Result<u8> {
    let args: Args = cli::from_matches(matches)?;
    privilege::require()?;
    let options = args.options();
    ending::listen()?;
    place::sweep();
    let outcomes: Vec<_> = args
        .asked
        .chosen()
        .into_iter()
        .take_while(|_| !ending::asked())
        .map(|(tool, trace)| (tool, test(tool, trace.load, &options, args.count)))
        .collect();
    // What was made is removed by now.
    ending::finish();
    console::print(&match args.asked.format {
        Format::Table => table(&outcomes),
        Format::Json => answer::lines(outcomes.iter().map(object).collect()),
    })?;
    Ok(u8::from(
        !outcomes.iter().all(|(_, outcome)| outcome.is_good()),
    ))
}

impl Args {
    /// What is handed on to each tool.
    fn options(&self) -> Vec<OsString> {
        let probe = self.probe.clone().map(|label| ["--probe".into(), label]);
        let buffer = self.buffer.clone().map(|kind| ["--buffer".into(), kind]);
        let btf = self
            .asked
            .btf
            .clone()
            .map(|file| ["--btf".into(), file.into()]);
        let given = probe.into_iter().chain(buffer).chain(btf);
        given.flatten().collect()
    }
}

fn test(tool: &str, load: Prepare, options: &[OsString], count: u64) -> Outcome {
    let directory = match Place::new() {
        Ok(directory) => directory,
        Err(error) => return Outcome::NotTested(format!("no directory for its load: {error}")),
    };
    let load = match load(directory.path()) {
        Ok(load) => load,
        Err(why) => return Outcome::NotTested(why),
    };
    match trial::run(tool, options, load, count) {
        Ok(recall) => Outcome::Ran(recall),
        Err(why) => Outcome::Failed(why),
    }
}

fn object((tool, outcome): &(&str, Outcome)) -> Value {
    let mut object = json!({
        "event": "recall",
        "tool": tool,
        "made": null,
        "seen": null,
        "lost": null,
        "lost_by": null,
        "lost_at_most": null,
        "account": null,
        "recall": null,
        "rung": null,
        "buffer": null,
        "failure": null,
        "not_tested": null,
    });
    match outcome {
        Outcome::Ran(recall) => {
            object["made"] = recall.made.into();
            object["seen"] = recall.seen.into();
            object["recall"] = recall.ratio().into();
            for field in [
                "lost",
                "lost_by",
                "lost_at_most",
                "account",
                "rung",
                "buffer",
            ] {
                object[field] = recall.summary[field].clone();
            }
        }
        Outcome::Failed(why) => object["failure"] = why.as_str().into(),
        Outcome::NotTested(why) => object["not_tested"] = why.as_str().into(),
    }
    object
}

fn table(outcomes: &[(&str, Outcome)]) -> String {
    let mut out = format!(
        "{:<16} {:>10} {:>10} {:>10} {:>9}  {:<8} RUNG\n",
        "TOOL", "MADE", "SEEN", "LOST", "RECALL", "ACCOUNT"
    );
    for (tool, outcome) in outcomes {
        out.push_str(&match outcome {
            Outcome::Ran(recall) => format!(
                "{tool:<16} {:>10} {:>10} {:>10} {:>9}  {:<8} {}\n",
                recall.made,
                recall.seen,
                recall.lost(),
                percent(recall.told(), recall.made),
                recall.account(),
                recall.summary["rung"].as_str().unwrap_or("-"),
            ),
            Outcome::Failed(why) => format!("{tool:<16} failed: {}\n", answer::shown(why)),
            Outcome::NotTested(why) => format!("{tool:<16} not tested: {}\n", answer::shown(why)),
        });
    }
    out
}

/// Rounded down: what is not all is never 100 %.
fn percent(part: u64, of: u64) -> String {
    let hundredths = u128::from(part) * 10_000 / u128::from(of.max(1));
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Recall, object, percent, table};
    use serde_json::json;

    fn ran(made: u64, seen: u64, lost: u64) -> Outcome {
        let summary = json!({"lost": lost, "lost_by": {}, "lost_at_most": 0, "account": "exact", "rung": "raw_tp",
            "buffer": "ring"});
        Outcome::Ran(Recall {
            made,
            seen,
            summary,
        })
    }

    #[test]
    fn all_but_one_is_not_all() {
        assert_eq!(percent(300, 300), "100.00 %");
        assert_eq!(percent(999_999, 1_000_000), "99.99 %");
        assert!(!ran(1_000_000, 999_999, 0).is_good());
        assert!(ran(1_000_000, 999_999, 1).is_good());
    }

    #[test]
    fn what_cannot_be_had_is_no_failure_and_is_said() {
        let skipped = (
            "biolatency",
            Outcome::NotTested("no loop device".to_owned()),
        );
        assert!(skipped.1.is_good());
        assert!(table(&[skipped]).contains("biolatency       not tested: no loop device\n"));
        let failed = ("opensnoop", Outcome::Failed("why".to_owned()));
        assert!(!failed.1.is_good());
        assert_eq!(object(&failed)["failure"], "why");
    }

    #[test]
    fn a_row_has_the_numbers() {
        let text = table(&[("opensnoop", ran(300, 290, 4))]);
        let row: Vec<_> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(
            row,
            [
                "opensnoop",
                "300",
                "290",
                "4",
                "98.00",
                "%",
                "exact",
                "raw_tp"
            ]
        );
        assert_eq!(object(&("opensnoop", ran(300, 290, 4)))["recall"], 0.98);
    }
}
