// SPDX-License-Identifier: MIT OR Apache-2.0
//! What doctor and selftest have in common: how an answer is written.

use serde_json::Value;
use tracewell_shared::output::escape;
use tracewell_shared::output::object::Object;

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
