// SPDX-License-Identifier: MIT OR Apache-2.0
//! Command lines that ask for help, or for what cannot be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tracewell_tests::environment::program;
use tracewell_tests::{Tool, scratch};

use crate::sys;

const TOOLS: [&str; 2] = ["execsnoop", "opensnoop"];

/// Runs a tool as a user who may do nothing. Its file is copied, as that user may not reach the original.
fn as_nobody(tool: &str, args: &[&str]) -> Output {
    let scratch = scratch();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy: PathBuf = scratch.path().join(tool);
    // By another process: one of this one's, forked meanwhile, would hold a file open that is being written.
    let status = Command::new("cp")
        .arg(program(tool))
        .arg(&copy)
        .status()
        .unwrap();
    assert!(status.success());
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
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
    for tool in TOOLS {
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
    let shared = [
        "--pid",
        "--tid",
        "--uid",
        "--comm",
        "--cgroup",
        "--cgroupmap",
        "--mntnsmap",
        "--format",
        "--output",
        "--fail-on-loss",
        "--duration",
        "--max-events",
        "--probe",
        "--buffer",
        "--buffer-size",
        "--inflight",
        "--latency",
        "--ready-fd",
        "--btf",
        "--verbose",
    ];
    for tool in TOOLS {
        let finished = Tool::new(tool).unforced().arg("--help").run().success();
        let text = String::from_utf8(finished.stdout).unwrap();
        for option in shared {
            assert!(text.contains(option), "{tool}: {option}");
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
    for tool in TOOLS {
        let cases: [(&[&str], &str); 26] = [
            (&["--no-such-option"], "--no-such-option"),
            (&["stray"], "stray"),
            (&["--uid", "no-such-user"], "no-such-user"),
            (&["--uid", "4294967295"], "4294967295"),
            (&["--uid", "-1"], "-1"),
            (&["--comm", "sixteen-bytes-xx"], "sixteen-bytes-x"),
            (&["--pid", "0"], "0"),
            (&["--pid", "x"], "x"),
            (&["--tid", "-4"], "-4"),
            (&["--format", "xml"], "xml"),
            (&["--duration", "0"], "0"),
            (&["--duration", "soon"], "soon"),
            (&["--max-events", "0"], "0"),
            (&["--buffer", "bag"], "bag"),
            (&["--buffer-size", "1"], "page"),
            (&["--buffer-size", "4g"], "GiB"),
            (&["--inflight", "0"], "0"),
            (&["--inflight", "few"], "few"),
            (&["--latency", "-1"], "-1"),
            (&["--ready-fd", "987"], "open"),
            (&["--ready-fd", "x"], "x"),
            (&["--cgroup", "/proc"], "cgroup"),
            (&["--cgroup", "/absent"], "/absent"),
            (&["--cgroup", "/proc/mounts"], "/proc/mounts"),
            (&["--pid", "1", "--", "true"], "--pid"),
            (&["--tid", "1", "--", "true"], "--tid"),
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
    refused("opensnoop", &["-b", "0"], &[]);
    refused("opensnoop", &["--exec"], &["--exec"]);
    refused("execsnoop", &["--max-args-bytes", "15"], &["16"]);
    refused("execsnoop", &["--max-args-bytes", "9m"], &[]);
    refused("execsnoop", &["--max-args", "many"], &["many"]);
}

#[test]
fn an_unknown_probe_is_answered_with_those_there_are() {
    for tool in TOOLS {
        refused(
            tool,
            &["--probe", "uprobe"],
            &[
                "uprobe",
                "auto",
                "tp_btf",
                "raw_tp",
                "raw_syscalls",
                "tracepoint",
            ],
        );
    }
}

#[test]
fn usage_is_checked_before_privilege() {
    for tool in TOOLS {
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
