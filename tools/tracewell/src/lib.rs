// SPDX-License-Identifier: MIT OR Apache-2.0
//! All tools in one binary: `tracewell opensnoop ...`, or a link to it that is named `opensnoop`.
//!
//! This crate has the one list of them. The binary, what makes manual pages, completions and packages, doctor, selftest and
//! the tests go through it; scripts ask the binary (`tracewell --list`) or, before it is built, go by the folders of
//! `tools/`, which a test holds to the list.

mod answer;
mod doctor;
mod hist;
mod selftest;

use std::process::ExitCode;

use clap::Command;
use tracewell_shared::tool::{self, Tool};

/// What the binary is called.
pub const NAME: &str = "tracewell";

/// The list: the crates of the tools, by name, each with its `TOOL`.
macro_rules! tools {
    ($($tool:ident),* $(,)?) => {
        $(pub use $tool;)*

        /// The tools, by name.
        pub static TOOLS: &[&Tool] = &[$(&$tool::TOOL),*];
    };
}

tools![
    bashreadline,
    biolatency,
    biosnoop,
    biotop,
    execsnoop,
    exitsnoop,
    gethostlatency,
    opensnoop,
    runqlat,
    syncsnoop,
    syscount,
    tcpconnlat,
    tcplife,
    tcpretrans,
    unlinksnoop,
];

/// What is about the tools, or works on their output.
pub static COMMANDS: &[&Tool] = &[&doctor::TOOL, &hist::TOOL, &selftest::TOOL];

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
    use super::{COMMANDS, TOOLS};

    #[test]
    fn every_command_has_a_sound_command_line() {
        for command in COMMANDS {
            command.parser().debug_assert();
            assert!(command.trace.is_none(), "{} traces", command.name);
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
            let labels = tool.trace.as_ref().unwrap().ladder.labels().join(", ");
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
