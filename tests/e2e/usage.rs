// SPDX-License-Identifier: MIT OR Apache-2.0
//! Command lines that ask for help, or for what cannot be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tracewell::TOOLS;
use tracewell_tests::environment::program;
use tracewell_tests::{Tool, executable_copy, scratch};

use crate::{all_tools, cgroups, event_tools, sys};

/// Runs a tool as a user who may do nothing. Its file is copied, as that user may not reach the original.
fn as_nobody(tool: &str, args: &[&str]) -> Output {
    let scratch = scratch();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy: PathBuf = scratch.path().join(tool);
    executable_copy(program(tool), &copy);
    let mut command = Command::new(copy);
    std::os::unix::process::CommandExt::uid(&mut command, 65534);
    std::os::unix::process::CommandExt::gid(&mut command, 65534);
    command
        .args(args)
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn help_and_version_need_no_privilege() {
    for tool in all_tools() {
        for (option, word) in [
            ("-h", "Usage:"),
            ("--help", "Usage:"),
            ("-V", tool),
            ("--version", tool),
        ] {
            let output = as_nobody(tool, &[option]);
            let stdout = String::from_utf8(output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(0), "{tool} {option}");
            assert!(stdout.contains(word), "{tool} {option}: {stdout}");
            assert_eq!(
                String::from_utf8_lossy(&output.stderr),
                "",
                "{tool} {option}"
            );
            let version = format!("{tool} {}\n", env!("CARGO_PKG_VERSION"));
            match option {
                "-V" => assert_eq!(stdout, version),
                // How it was built comes behind it.
                "--version" => assert!(stdout.starts_with(&version), "{stdout}"),
                _ => {}
            }
        }
    }
}

#[test]
fn help_names_every_shared_option() {
    let of_events = [
        "--max-events",
        "--buffer",
        "--buffer-size",
        "--buffer-rings",
        "--latency",
    ];
    let shared = [
        "--pid",
        "--tid",
        "--uid",
        "--comm",
        "--ppid",
        "--cgroup",
        "--unit",
        "--container",
        "--cgroupmap",
        "--mntnsmap",
        "--format",
        "--json",
        "--time-format",
        "--color",
        "--no-header",
        "--output",
        "--fail-on-loss",
        "--duration",
        "--probe",
        "--inflight",
        "--ready-fd",
        "--btf",
        "--verbose",
    ];
    for tool in all_tools() {
        let finished = Tool::new(tool).unforced().arg("--help").run().success();
        let text = String::from_utf8(finished.stdout).unwrap();
        for option in shared {
            assert!(text.contains(option), "{tool}: {option}");
        }
        let events = event_tools().any(|name| name == tool);
        for option in of_events {
            assert_eq!(
                text.contains(&format!("{option} <")),
                events,
                "{tool}: {option}"
            );
        }
    }
}

/// Checks that a command line is refused, before anything was done, and what is said of it.
fn refused(tool: &str, args: &[&str], says: &[&str]) {
    let finished = Tool::new(tool).unforced().args(args).run();
    assert_eq!(
        finished.code(),
        Some(2),
        "{tool} {args:?}: {}",
        finished.stderr
    );
    assert_eq!(
        String::from_utf8_lossy(&finished.stdout),
        "",
        "{tool} {args:?}"
    );
    for word in says {
        assert!(
            finished.stderr.contains(word),
            "{tool} {args:?} says no {word:?}: {}",
            finished.stderr
        );
    }
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for tool in all_tools() {
        let cases: [(&[&str], &str); 30] = [
            (&["--no-such-option"], "--no-such-option"),
            (&["stray"], "stray"),
            (&["--uid", "no-such-user"], "no-such-user"),
            (&["--uid", "4294967295"], "4294967295"),
            (&["--uid", "-1"], "-1"),
            (&["--comm", "sixteen-bytes-xx"], "sixteen-bytes-x"),
            (&["--pid", "0"], "0"),
            (&["--pid", "x"], "x"),
            (&["--tid", "-7"], "-7"),
            (&["--format", "xml"], "xml"),
            (&["--duration", "0"], "0"),
            (&["--duration", "soon"], "soon"),
            (&["--inflight", "0"], "0"),
            (&["--inflight", "few"], "few"),
            (&["--ready-fd", "987"], "open"),
            (&["--ready-fd", "x"], "x"),
            (&["--cgroup", "/proc"], "cgroup"),
            (&["--cgroup", "/absent"], "/absent"),
            (&["--cgroup", "/proc/mounts"], "/proc/mounts"),
            (&["--pid", "1", "--", "true"], "--pid"),
            (&["--tid", "1", "--", "true"], "--tid"),
            (&["--comm", ""], "empty"),
            (&["--comm", "a,,b"], "empty"),
            (&["--comm", "ok,sixteen-bytes-xx"], "'sixteen-bytes-xx'"),
            (&["--pid", "1,!1"], "--pid"),
            (&["--uid", "root", "--uid", "!0"], "--uid"),
            (&["--pid", "4194305"], "no such process"),
            (&["--tid", "4194305"], "no such thread"),
            (&["--pid", "1,4194305"], "no such process"),
            (&["--wait-all"], "-- COMMAND"),
        ];
        for (args, word) in cases {
            refused(tool, args, &[word]);
        }
    }
    for tool in event_tools() {
        let cases: [(&[&str], &str); 7] = [
            (&["--max-events", "0"], "0"),
            (&["--buffer-rings", "0"], "0"),
            (
                &["--buffer", "perf", "--buffer-rings", "2"],
                "--buffer-rings",
            ),
            (&["--buffer", "bag"], "bag"),
            (&["--buffer-size", "1"], "page"),
            (&["--buffer-size", "4g"], "GiB"),
            (&["--latency", "-1"], "-1"),
        ];
        for (args, word) in cases {
            refused(tool, args, &[word]);
        }
    }
    refused("opensnoop", &["-f", "O_NONSENSE"], &["O_NONSENSE"]);
    refused(
        "opensnoop",
        &["-b", "8", "--buffer-size", "64k"],
        &["--buffer-size"],
    );
    // Beyond what a map can have, and beyond what a number can.
    for pages in [
        "0",
        "600000",
        "4503599627370495",
        "18446744073709551615",
        "x",
    ] {
        refused("opensnoop", &["-b", pages], &["--buffer-pages"]);
    }
    for option in ["--latency", "--buffer", "--buffer-size", "--max-events"] {
        let args: &[&str] = &[option, "1"];
        refused("biolatency", args, &["unexpected argument"]);
    }
    refused("execsnoop", &["-P", "4194305"], &["no such process"]);
    refused("opensnoop", &["-n", ""], &["empty"]);
    refused(
        "opensnoop",
        &["-f", "O_RDONLY|O_WRONLY"],
        &["O_RDONLY|O_WRONLY"],
    );
    refused("opensnoop", &["--exec"], &["--exec"]);
    refused("execsnoop", &["--max-args-bytes", "15"], &["16"]);
    refused("execsnoop", &["--max-args-bytes", "9m"], &[]);
    refused("execsnoop", &["--max-args", "many"], &["many"]);
}

#[test]
fn an_unknown_probe_is_answered_with_those_there_are() {
    for tool in TOOLS {
        let mut says = vec!["usdt", "auto"];
        says.extend(tool.trace.as_ref().unwrap().ladder.labels());
        refused(tool.name, &["--probe", "usdt"], &says);
    }
}

#[test]
fn usage_is_checked_before_privilege() {
    for tool in all_tools() {
        let output = as_nobody(tool, &["--uid", "no-such-user"]);
        assert_eq!(output.status.code(), Some(2), "{tool}");
        let output = as_nobody(tool, &["--cgroup", "/proc"]);
        assert_eq!(output.status.code(), Some(2), "{tool}");
    }
}

#[test]
fn the_longest_names_are_no_mistake() {
    let fifteen = "fifteen-bytes-x";
    assert_eq!(fifteen.len(), 15);
    let tool = Tool::new("opensnoop")
        .json()
        .args(["--comm", fifteen, "--uid", "4294967294"])
        .start();
    drop(sys::read("/absent"));
    assert_eq!(tool.finish().success().summary()["events"], 0);
}

/// What is said of a command line that is wrong.
fn said_of(tool: &str, args: &[&str]) -> String {
    let finished = Tool::new(tool).unforced().args(args).run().ended_with(2);
    finished.stderr
}

#[test]
fn no_tip_runs_what_was_no_command() {
    for tool in all_tools() {
        for option in ["-9", "--no-such-option", "-Z"] {
            let said = said_of(tool, &[option]);
            assert!(said.contains("unexpected argument"), "{said}");
            assert!(!said.contains("tip:"), "{tool} {option}: {said}");
        }
        let said = said_of(tool, &["--uid", "-1"]);
        assert!(!said.contains("tip:"), "{said}");
    }
}

#[test]
fn tips_name_what_may_be_meant() {
    for tool in all_tools() {
        for (wrong, right) in [
            ("--user", "'--uid'"),
            ("--durations", "'--duration'"),
            ("--timeout", "'--duration'"),
        ] {
            let said = said_of(tool, &[wrong]);
            assert!(
                said.contains(&format!("tip: a similar argument exists: {right}")),
                "{said}"
            );
            assert!(!said.contains("--buffer"), "{said}");
        }
        let said = said_of(tool, &["--proc"]);
        assert!(!said.contains("--probe"), "{said}");
    }
    let said = said_of("opensnoop", &["--format", "jsn"]);
    assert!(said.contains("'json'"), "{said}");
    let said = said_of("opensnoop", &["--format", "text"]);
    assert!(!said.contains("tip:"), "{said}");
}

#[test]
fn a_command_without_dashes_is_recognized() {
    for (tool, args, tip) in [
        ("opensnoop", &["ls"][..], "'opensnoop -- ls'"),
        (
            "execsnoop",
            &["-x", "make", "all"],
            "'execsnoop -- make ...'",
        ),
        (
            "unlinksnoop",
            &["rm", "-rf", "x"],
            "'unlinksnoop -- rm ...'",
        ),
        (
            "biolatency",
            &["dd", "if=/dev/zero"],
            "'biolatency -- dd ...'",
        ),
        ("biolatency", &["1", "10", "dd"], "'biolatency -- dd'"),
    ] {
        let said = said_of(tool, args);
        assert!(said.contains(tip), "{tool}: {said}");
    }
    let said = said_of("biolatency", &["1x"]);
    assert!(!said.contains("tip:"), "{said}");
}

#[test]
fn the_advice_on_cgroups_is_of_this_machine() {
    let mount = cgroups::mount();
    for path in ["/proc", "/absent"] {
        let said = said_of("opensnoop", &["--cgroup", path]);
        let advice = format!("cgroup v2 is mounted on {};", mount.display());
        assert!(said.contains(&advice), "{said}");
    }
}

/// The tool's events and the command's own output would be one stream.
#[test]
fn examples_keep_json_apart_from_the_commands_output() {
    for tool in all_tools() {
        let finished = Tool::new(tool).unforced().arg("-h").run().success();
        let text = String::from_utf8(finished.stdout).unwrap();
        let is_example =
            |line: &&str| line.contains(" -- ") && (line.contains("json") || line.contains(" -j"));
        let examples: Vec<_> = text.lines().filter(is_example).collect();
        assert!(!examples.is_empty(), "{tool}: {text}");
        for line in examples {
            assert!(line.contains(" -o "), "{tool}: {line}");
        }
    }
}
