// SPDX-License-Identifier: MIT OR Apache-2.0
//! What doctor and selftest have in common: which tools are asked for, and how an answer is written.

use std::path::PathBuf;

use serde_json::Value;
use tracewell_shared::output::escape;
use tracewell_shared::output::object::Object;
use tracewell_shared::tool::{Tool, Trace};

use crate::TOOLS;

/// What both are asked: of which tools, of which kernel, and how to answer.
#[derive(Debug, clap::Args)]
pub(crate) struct Asked {
    /// The tools; all by default
    #[arg(value_name = "TOOL", value_parser = parse)]
    pub(crate) tools: Vec<&'static Tool>,

    /// Read the kernel's type information (BTF) from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) btf: Option<PathBuf>,

    /// How to write the answer
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

impl Asked {
    /// The tools that were asked for, or all: each by its name.
    pub(crate) fn chosen(&self) -> Vec<(&'static str, &'static Trace)> {
        chosen(&self.tools)
    }
}

/// The tool of this name, on a command line.
fn parse(name: &str) -> Result<&'static Tool, String> {
    let named = TOOLS.iter().copied().find(|tool| tool.name == name);
    named.ok_or_else(|| {
        let names: Vec<_> = TOOLS.iter().map(|tool| tool.name).collect();
        format!("not one of the tools: {}", names.join(", "))
    })
}

fn chosen(asked: &[&'static Tool]) -> Vec<(&'static str, &'static Trace)> {
    let tools = if asked.is_empty() { TOOLS } else { asked };
    let named = |tool: &&'static Tool| Some((tool.name, tool.trace.as_ref()?));
    tools.iter().filter_map(named).collect()
}

/// How to write an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One JSON object a line
    Json,
}

/// Objects, one a line, each with its kind first.
pub(crate) fn lines(objects: Vec<Value>) -> String {
    let objects = objects.into_iter();
    objects
        .map(|object| format!("{}\n", Object::kind_first(object)))
        .collect()
}

/// Text from elsewhere, such as a path or the verifier's log, that it cannot harm a terminal; further lines are
/// indented.
pub(crate) fn shown(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(escape_line).collect();
    lines.join("\n    ")
}

fn escape_line(line: &str) -> String {
    let mut out = Vec::new();
    escape::text(&mut out, line.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{chosen, parse};
    use crate::TOOLS;

    #[test]
    fn names_choose() {
        let one = parse("opensnoop").unwrap();
        assert_eq!(chosen(&[one])[0].0, "opensnoop");
        assert!(parse("doctor").unwrap_err().contains("opensnoop"));
    }

    #[test]
    fn every_tool_is_chosen_where_none_is_asked_for() {
        assert_eq!(chosen(&[]).len(), TOOLS.len());
    }
}
