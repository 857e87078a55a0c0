// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes down what is declared of tools and events: the list of tools in the user's guide, the definitions in
//! `docs/events.schema.json`, and the tables of options and fields in the tools' pages. `describe DOCS` writes them, and
//! `describe --check DOCS` fails where they are not what they would be.

mod guide;
mod options;
mod schema;
mod tables;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Command;
use tracewell_shared::event::Kind;
use tracewell_shared::run::counted;

/// What can go wrong here is told as it comes: only builders read it.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let mut args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let check = args.first().is_some_and(|arg| arg == Path::new("--check"));
    if check {
        args.remove(0);
    }
    let [docs] = &args[..] else {
        complain("usage: describe [--check] DOCS");
        return ExitCode::from(2);
    };
    match all(docs, check) {
        Ok(stale) if stale.is_empty() => ExitCode::SUCCESS,
        Ok(stale) => {
            for path in stale {
                complain(&format!(
                    "{}: not what is declared; make fmt writes it",
                    path.display()
                ));
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            complain(&format!("describe: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Makes every file that has something made in it; gives those that were to be checked and are stale.
fn all(docs: &Path, check: bool) -> Result<Vec<PathBuf>> {
    let mut stale = Vec::new();
    let mut make = |path: PathBuf, change: &dyn Fn(&str) -> Result<String>| -> Result<()> {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = fs::read_to_string(&path).map_err(|error| told(&error))?;
        let made = change(&text).map_err(|error| told(&error))?;
        if made != text {
            if check {
                stale.push(path);
            } else {
                fs::write(&path, made)?;
            }
        }
        Ok(())
    };
    make(docs.join("README.md"), &|text| {
        tables::with(&guide::with(text)?, &[&counted::KIND])
    })?;
    make(docs.join("events.schema.json"), &|text| {
        schema::with(text, &kinds())
    })?;
    for tool in tracewell::TOOLS {
        let kinds = tool.trace.iter().flat_map(|trace| trace.kinds);
        let kinds: Vec<_> = kinds.collect();
        make(docs.join(tool.page()), &|text| {
            let text = tables::with(text, &kinds)?;
            options::with(&text, &built(tool.parser()))
        })?;
    }
    Ok(stale)
}

/// With the options that clap adds by itself.
fn built(mut command: Command) -> Command {
    command.build();
    command
}

/// The kinds of events of all tools, by what the schema calls them.
fn kinds() -> BTreeMap<String, &'static Kind> {
    let mut kinds = BTreeMap::from([("counted".to_owned(), &counted::KIND)]);
    for tool in tracewell::TOOLS {
        for kind in tool.trace.iter().flat_map(|trace| trace.kinds) {
            kinds.insert(tool.definition(kind), kind);
        }
    }
    kinds
}

fn complain(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}
