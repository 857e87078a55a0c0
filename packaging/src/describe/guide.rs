// SPDX-License-Identifier: MIT OR Apache-2.0
//! The user's guide's table of tools, with a link to the page of each.

use crate::Result;

const HEAD: &str = "| tool | |\n|---|---|\n";

/// The guide with the table of all tools.
pub(crate) fn with(text: &str) -> Result<String> {
    let (before, rest) = text.split_once(HEAD).ok_or("there is no table of tools")?;
    let (_, after) = rest
        .split_once("\n\n")
        .ok_or("the table of tools has no end")?;
    let rows = tracewell::TOOLS.iter();
    let rows: String = rows
        .map(|tool| format!("| [{}]({}) | {} |\n", tool.name, tool.page(), tool.about))
        .collect();
    Ok(format!("{before}{HEAD}{rows}\n{after}"))
}
