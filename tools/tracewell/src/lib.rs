// SPDX-License-Identifier: MIT OR Apache-2.0
//! All tools in one binary: `tracewell opensnoop ...`, or a link to it that is named `opensnoop`.
//!
//! This crate is the list of them, for the binary and for what makes its manual pages and completions.

mod answer;
mod doctor;
mod selftest;
mod subjects;

use std::process::ExitCode;

use clap::Command;
use tracewell_shared::hist;
use tracewell_shared::tool::{self, Tool};

/// What the binary is called.
pub const NAME: &str = "tracewell";

/// The tools, by name.
pub static TOOLS: &[&Tool] = &[
    &biolatency::TOOL,
    &execsnoop::TOOL,
    &opensnoop::TOOL,
    &unlinksnoop::TOOL,
];

/// What is about the tools, or works on their output.
pub static COMMANDS: &[&Tool] = &[&doctor::TOOL, &hist::command::TOOL, &selftest::TOOL];

/// All of the binary.
pub fn main() -> ExitCode {
    tool::multicall(NAME, TOOLS, COMMANDS)
}

/// What parses its command line.
pub fn parser() -> Command {
    tool::multicall_parser(NAME, TOOLS, COMMANDS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::{COMMANDS, TOOLS};

    /// The names of the directories beside this crate's.
    fn crates() -> BTreeSet<String> {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let entries = fs::read_dir(tools).unwrap().map(Result::unwrap);
        let directories = entries.filter(|entry| entry.file_type().unwrap().is_dir());
        let names = directories.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name != "tracewell").collect()
    }

    #[test]
    fn every_tool_is_listed() {
        let listed = TOOLS.iter().map(|tool| tool.name.to_owned()).collect();
        assert_eq!(
            crates(),
            listed,
            "(left: directories of tools/, right: TOOLS)"
        );
    }

    #[test]
    fn every_tool_has_a_page() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        for name in crates() {
            let page = docs.join(&name).with_extension("md");
            assert!(
                page.is_file(),
                "{name} has no page: {} is missing",
                page.display()
            );
        }
    }

    #[test]
    fn every_command_has_a_page_and_a_sound_command_line() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        for command in COMMANDS {
            assert!(docs.join(command.name).with_extension("md").is_file());
            command.parser().debug_assert();
        }
    }

    #[test]
    fn the_list_is_sorted_and_each_name_is_there_once() {
        assert!(TOOLS.is_sorted_by(|one, next| one.name < next.name));
    }

    #[test]
    fn every_command_line_is_sound() {
        for tool in TOOLS {
            tool.parser().debug_assert();
            let help = tool.parser().render_long_help().to_string();
            for option in [
                "--format",
                "--output",
                "--duration",
                "--pid",
                "--cgroup",
                "--probe",
                "--fail-on-loss",
            ] {
                assert!(help.contains(option), "{} has no {option}", tool.name);
            }
            let end = help.rsplit("\n\n").next().unwrap_or_default();
            let end = end.split_whitespace().collect::<Vec<_>>().join(" ");
            let page = format!("{}(8). Formats", tool.name);
            assert!(
                end.starts_with("Needs Linux ") && end.contains(&page),
                "{end}"
            );
            // The labels that are forced one by one are those of the ladder, best first.
            let labels = tool.ladder.unwrap().labels().join(", ");
            let labels = format!("[possible values: auto, {labels}]");
            for help in [help, tool.parser().render_help().to_string()] {
                let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(help.contains(&labels), "{}: no {labels}", tool.name);
            }
            let about = tool.about;
            assert!(
                about.starts_with(char::is_uppercase) && !about.ends_with('.'),
                "{}: {about}",
                tool.name
            );
            assert!(
                about.len() <= 60 && !about.contains('\n'),
                "{}: {about}",
                tool.name
            );
        }
    }
}
