// SPDX-License-Identifier: MIT OR Apache-2.0
//! `tracewell doctor`: what the tools would do on this machine, and what they lack.

mod checks;
mod facts;

use clap::{ArgMatches, CommandFactory, Parser};
use serde_json::{Value, json};
use tracewell_shared::cli;
use tracewell_shared::confine::privilege;
use tracewell_shared::console;
use tracewell_shared::error::Result;
use tracewell_shared::tool::Tool;
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::prospect::Prospect;

use crate::answer::{self, Asked, Format};
use checks::{Check, State, checks};
use facts::Facts;

/// The command line.
pub(crate) static TOOL: Tool = Tool {
    name: "doctor",
    about: "Say what each tool would do here, and what it lacks",
    trace: None,
    capabilities: &[privilege::TRACING],
    command: Args::command,
    run,
};

/// Say which way into the kernel each tool would take on this machine, why not a better one, and how to get what is
/// missing
///
/// Without privilege it tells what can be read; with the capabilities that tracing takes, it loads and attaches each
/// tool for a moment. The exit status is 1 if a tool would not work as doctor is run.
#[derive(Debug, Parser)]
#[command(name = "doctor", version, after_help = EXAMPLES)]
struct Args {
    #[command(flatten)]
    asked: Asked,
}

const EXAMPLES: &str = "\
Examples:
  tracewell doctor                 as the tools would find it for this user
  sudo tracewell doctor            tried, not only inferred
  tracewell doctor --format json   for a program to read";

/// A tool's answer.
struct Outlook {
    tool: &'static str,
    prospect: Prospect,
    /// Whether it would work for the user who asks.
    works: bool,
}

fn run(matches: &ArgMatches) -> Result<u8> {
    let args: Args = cli::from_matches(matches)?;
    let facts = Facts::read(args.asked.btf.as_deref())?;
    let options = Options {
        btf: args.asked.btf.clone(),
        ..Options::default()
    };
    let checks = checks(&facts);
    let outlooks: Vec<_> = args
        .asked
        .chosen()
        .into_iter()
        .map(|(tool, trace)| {
            let prospect = (trace.prospect)(&options);
            let works = works(&prospect, &checks);
            Outlook {
                tool,
                prospect,
                works,
            }
        })
        .collect();
    console::print(&match args.asked.format {
        Format::Table => table(&facts, &checks, &outlooks),
        Format::Json => answer::lines(objects(&facts, &checks, &outlooks)),
    })?;
    Ok(u8::from(!outlooks.iter().all(|outlook| outlook.works)))
}

/// What was tried is known; what was only inferred holds where nothing blocks it.
fn works(prospect: &Prospect, checks: &[Check]) -> bool {
    let blocked = checks.iter().any(|check| check.state == State::Blocks);
    prospect.rung.is_some() && (prospect.tried || !blocked)
}

fn objects(facts: &Facts, checks: &[Check], outlooks: &[Outlook]) -> Vec<Value> {
    let mut objects =
        vec![json!({"event": "machine", "release": facts.release, "architecture": facts.machine})];
    objects.extend(checks.iter().map(|check| {
        json!({
            "event": "check",
            "name": check.name,
            "state": check.state.word(),
            "found": check.found,
            "remedy": check.remedy,
        })
    }));
    objects.extend(outlooks.iter().map(|outlook| {
        let Prospect { rung, unseen, passed, tried, accounts, failure } = &outlook.prospect;
        let (passed, accounts) = (passed.iter(), accounts.iter());
        json!({
            "event": "prospect",
            "tool": outlook.tool,
            "works": outlook.works,
            "tried": tried,
            "rung": rung,
            "unseen": unseen,
            "passed": passed.map(|one| json!({"rung": one.label, "reason": one.reason})).collect::<Vec<_>>(),
            "accounts": accounts.map(|(rung, worth)| json!({"rung": rung, "account": worth.name()})).collect::<Vec<_>>(),
            "failure": failure.as_ref().map(ToString::to_string),
        })
    }));
    objects
}

fn table(facts: &Facts, checks: &[Check], outlooks: &[Outlook]) -> String {
    let mut out = format!("kernel {}, {}\n\n", facts.release, facts.machine);
    for check in checks {
        let found = answer::shown(&check.found);
        out.push_str(&format!(
            "{:<7} {:<33} {found}\n",
            check.state.word(),
            check.name
        ));
        if let Some(remedy) = &check.remedy {
            out.push_str(&format!("{:41} -> {}\n", "", answer::shown(remedy)));
        }
    }
    out.push_str(&format!(
        "\n{:<16} {:<6} {:<13} HOW IT IS KNOWN\n",
        "TOOL", "WORKS", "RUNG"
    ));
    for Outlook {
        tool,
        prospect,
        works,
    } in outlooks
    {
        let works = if *works { "yes" } else { "no" };
        let how = match (prospect.rung, prospect.tried) {
            (Some(_), true) => "tried: loaded and attached",
            (Some(_), false) => "inferred: the kernel may still refuse what it describes",
            (None, true) => "tried",
            (None, false) => "inferred",
        };
        let rung = prospect.rung.unwrap_or("-");
        out.push_str(&format!("{tool:<16} {works:<6} {rung:<13} {how}\n"));
        for unseen in prospect.unseen {
            out.push_str(&format!("  does not see {unseen}\n"));
        }
        for passed in &prospect.passed {
            out.push_str(&format!("  not {}\n", answer::shown(&passed.to_string())));
        }
        let accounts = prospect.accounts.iter();
        let accounts: Vec<_> = accounts
            .map(|(rung, worth)| format!("{rung} {}", worth.name()))
            .collect();
        if !accounts.is_empty() {
            out.push_str(&format!("  account: {}\n", accounts.join(", ")));
        }
        if let Some(failure) = &prospect.failure {
            out.push_str(&format!("  {}\n", answer::shown(&failure.to_string())));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Check, Prospect, State, works};

    fn prospect(rung: Option<&'static str>, tried: bool) -> Prospect {
        Prospect {
            rung,
            unseen: &[],
            passed: Vec::new(),
            tried,
            accounts: Vec::new(),
            failure: None,
        }
    }

    fn check(state: State) -> [Check; 1] {
        [Check {
            name: "it",
            state,
            found: String::new(),
            remedy: None,
        }]
    }

    #[test]
    fn what_was_tried_outweighs_what_was_read() {
        assert!(works(
            &prospect(Some("raw_tp"), true),
            &check(State::Blocks)
        ));
        assert!(!works(&prospect(None, true), &check(State::Ok)));
    }

    #[test]
    fn what_was_inferred_holds_unless_blocked() {
        let inferred = prospect(Some("raw_tp"), false);
        assert!(works(&inferred, &check(State::Limits)));
        assert!(!works(&inferred, &check(State::Blocks)));
        assert!(!works(&prospect(None, false), &check(State::Ok)));
    }
}
