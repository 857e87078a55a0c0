// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which tool a command line means, and how it ends.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command};

use super::{Tool, dispatch, links, multicall_parser, status};
use crate::error::{Error, Kind, Result};

static ECHO: Tool = Tool {
    name: "echosnoop",
    about: "End with the status that is asked for",
    trace: None,
    capabilities: &[],
    command,
    run,
};

static FAIL: Tool = Tool {
    name: "failsnoop",
    about: "Fail",
    trace: None,
    capabilities: &[],
    command: || Command::new("other"),
    run: |_| Err(Error::new(Kind::Unsupported, "not on this kernel").help("use another")),
};

static TOOLS: [&Tool; 2] = [&ECHO, &FAIL];

fn command() -> Command {
    let status = Arg::new("status")
        .long("status")
        .value_parser(clap::value_parser!(u8));
    Command::new("echosnoop")
        .arg(status)
        .arg(Arg::new("command").last(true).num_args(1..))
}

fn run(matches: &ArgMatches) -> Result<u8> {
    let command = matches
        .get_many::<String>("command")
        .map_or(0, Iterator::count);
    Ok(
        matches.get_one::<u8>("status").map_or(0, |status| *status)
            + u8::try_from(command).unwrap(),
    )
}

fn call(args: &[&str]) -> u8 {
    let args: Vec<_> = args.iter().map(OsString::from).collect();
    dispatch("tracewell", &TOOLS, &[], &args)
}

/// What is said of a command line that is not a tool's.
fn said(args: &[&str]) -> String {
    let parsed = multicall_parser("tracewell", &TOOLS, &[]).try_get_matches_from(args);
    parsed.expect_err("taken").to_string()
}

#[test]
fn a_link_is_its_tool() {
    assert_eq!(call(&["echosnoop", "--status", "7"]), 7);
    assert_eq!(call(&["/usr/bin/echosnoop", "--status=8"]), 8);
    assert_eq!(call(&["./failsnoop"]), 77);
    // A tool's name is an argument like any other then.
    assert_eq!(call(&["echosnoop", "failsnoop"]), 2);
}

#[test]
fn the_first_argument_names_the_tool() {
    assert_eq!(call(&["tracewell", "echosnoop", "--status", "7"]), 7);
    assert_eq!(
        call(&[
            "renamed-binary",
            "echosnoop",
            "--status",
            "3",
            "--",
            "cmd",
            "-x",
            "--"
        ]),
        6
    );
    assert_eq!(call(&["tracewell", "failsnoop"]), 77);
}

#[test]
fn help_and_version_are_no_failure() {
    for args in [
        &["tracewell", "-h"][..],
        &["tracewell", "--version"],
        &["tracewell", "help", "failsnoop"],
        &["tracewell", "echosnoop", "--help"],
        &["echosnoop", "-V"],
        &["tracewell", "--list"],
    ] {
        assert_eq!(call(args), 0, "{args:?}");
    }
    let help = said(&["tracewell", "-h"]);
    for text in [
        "Usage: tracewell",
        "Tools:",
        "failsnoop  Fail\n",
        "--install-links <DIR>",
    ] {
        assert!(help.contains(text), "{text} is not in\n{help}");
    }
}

#[test]
fn unknown_tools_are_named_with_the_nearest() {
    assert_eq!(call(&["tracewell", "echosnop"]), 2);
    assert!(said(&["tracewell", "echosnop"]).contains("'echosnoop'"));
    for args in [
        &["tracewell"][..],
        &[],
        &["tracewell", "--nope"],
        &["tracewell", "--list", "failsnoop"],
    ] {
        assert_eq!(call(args), 2, "{args:?}");
    }
}

#[test]
fn a_tool_is_called_by_one_name_only() {
    let help = FAIL.parser().render_help().to_string();
    assert!(help.contains("Usage: failsnoop"), "{help}");
    assert_eq!(
        FAIL.parser().render_version(),
        format!("failsnoop {}\n", env!("CARGO_PKG_VERSION"))
    );
    multicall_parser("tracewell", &TOOLS, &[]).debug_assert();
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    assert_eq!(status("tool", Err(Error::new(Kind::Closed, "gone"))), 0);
}

/// A new directory for a test.
fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tracewell-{}-{name}", std::process::id()));
    fs::create_dir(&path).unwrap();
    path
}

#[test]
fn links_are_made_once_and_replace_nothing() {
    let directory = scratch("links");
    for _ in 0..2 {
        links::install(&directory, &TOOLS).unwrap();
        for tool in TOOLS {
            let target = fs::read_link(directory.join(tool.name)).unwrap();
            assert_eq!(target, std::env::current_exe().unwrap());
        }
    }
    let file = directory.join("failsnoop");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "precious").unwrap();
    let error = links::install(&directory, &TOOLS).expect_err("replaced");
    assert!(
        error.to_string().contains(&file.display().to_string()),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    fs::remove_dir_all(&directory).unwrap();

    assert_eq!(
        links::install(&directory, &TOOLS).expect_err("made").kind(),
        Kind::Io
    );
}

#[test]
fn links_beside_the_program_are_relative() {
    let program = std::env::current_exe().unwrap();
    let own = program.parent().unwrap();
    assert_eq!(
        links::target(&program, own).unwrap(),
        Path::new(program.file_name().unwrap())
    );
    assert_eq!(
        links::target(&program, own.parent().unwrap()).unwrap(),
        program
    );
}
