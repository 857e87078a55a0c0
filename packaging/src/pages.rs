// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which manual pages there are.

use std::fs;
use std::path::Path;

use clap::Command;
use roff::{Roff, bold, roman};
use tracewell_shared::tool::Tool;

use crate::Result;
use crate::page::{Page, options};

/// Writes all of them below `directory`, from the pages in `docs`.
pub(crate) fn write(docs: &Path, directory: &Path) -> Result<()> {
    let all = names();
    for tool in tracewell::TOOLS {
        let command = built(tool.parser());
        let mut page = Page::new(tool.name, 8, tool.about)?;
        page.synopsis(&mut [command.clone()]);
        page.body(docs, &tool.page(), &options(&command)?)?;
        page.examples(&command)?;
        page.see_also(&all).write(&directory.join("man"))?;
    }
    for tool in tracewell::COMMANDS {
        command_page(docs, tool)?
            .see_also(&all)
            .write(&directory.join("man"))?;
    }
    let command = built(tracewell::parser());
    let mut page = Page::new(tracewell::NAME, 8, "tracing tools, all in one program")?;
    page.synopsis(&mut [command.clone()]);
    page.body(docs, "tracewell.md", &multicall_options(&command)?)?;
    page.see_also(&all).write(&directory.join("man"))?;

    let mut guide = Page::new(tracewell::NAME, 7, "what holds for every tracing tool")?;
    guide.body(docs, "README.md", "")?;
    guide.see_also(&all).write(&directory.join("man"))?;

    // For `make install`, which may not be able to run a program that was built for another machine.
    let tools: String = tracewell::TOOLS
        .iter()
        .map(|tool| format!("{}\n", tool.name))
        .collect();
    Ok(fs::write(directory.join("tools"), tools)?)
}

/// A command that traces nothing, such as `hist`; its own commands, if it has any, are sections of the page.
fn command_page(docs: &Path, tool: &Tool) -> Result<Page> {
    let bin = format!("{} {}", tracewell::NAME, tool.name);
    let command = built(tool.parser().bin_name(bin));
    let actions = command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help");
    let mut actions: Vec<Command> = actions.cloned().collect();
    let mut page = Page::new(&page_name(tool), 1, tool.about)?;
    if actions.is_empty() {
        page.synopsis(&mut [command.clone()]);
        page.body(docs, &tool.page(), &options(&command)?)?;
        page.examples(&command)?;
        return Ok(page);
    }
    page.synopsis(&mut actions);
    let mut text = String::from(".SH COMMANDS\n");
    for action in &actions {
        let name = action.get_bin_name().unwrap_or(action.get_name());
        let about = action.get_about().map(ToString::to_string);
        text.push_str(&format!(
            ".SS {name}\n{}.\n",
            about.unwrap_or_default().replace('-', r"\-")
        ));
        text.push_str(&options(action)?.replace(".SH OPTIONS\n", ""));
    }
    page.body(docs, &tool.page(), &text)?;
    page.examples(&command)?;
    Ok(page)
}

/// The options of the program that is all tools, and the names of those.
fn multicall_options(command: &Command) -> Result<String> {
    let mut text = options(command)?;
    let mut roff = Roff::new();
    roff.control("SH", ["TOOLS"]);
    for tool in tracewell::TOOLS {
        roff.control("TP", []);
        roff.text([bold(tool.name), roman("(8)")]);
        roff.text([roman(tool.about)]);
    }
    for tool in tracewell::COMMANDS {
        roff.control("TP", []);
        roff.text([bold(page_name(tool)), roman("(1)")]);
        roff.text([roman(tool.about)]);
    }
    text.push_str(&roff.to_roff());
    Ok(text)
}

/// A command that knows how it is called, and so do its own commands.
fn built(mut command: Command) -> Command {
    command.build();
    command
}

fn page_name(tool: &Tool) -> String {
    format!("{}-{}", tracewell::NAME, tool.name)
}

/// All pages, for the section that names the others.
fn names() -> Vec<(String, u8)> {
    let commands = tracewell::COMMANDS.iter().map(|tool| (page_name(tool), 1));
    let guide = (tracewell::NAME.to_owned(), 7);
    let multicall = (tracewell::NAME.to_owned(), 8);
    let tools = tracewell::TOOLS
        .iter()
        .map(|tool| (tool.name.to_owned(), 8));
    commands.chain([guide, multicall]).chain(tools).collect()
}
