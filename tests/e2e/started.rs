// SPDX-License-Identifier: MIT OR Apache-2.0
//! `-- COMMAND` is started as its user would have started it, and looked up beforehand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;
use tracewell_tests::{Tool, executable, scratch, signals_as_at_a_prompt};

use crate::command::first_args;

/// Leaves the program the first three files only: other tests of this process open some for a moment, and whatever is
/// started meanwhile inherits them.
fn keep_standard_files(command: &mut Command) {
    let close = || {
        for fd in 3..256 {
            // SAFETY: a system call on a number; that it is of no file is no matter.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes system calls only.
    unsafe { command.pre_exec(close) };
}

/// What a command prints on its own, and as the command of a tool.
fn alone_and_traced(tool: &str, command: &[&str]) -> (String, String) {
    let directory = scratch();
    let path = directory.path().join("events");
    let mut plain = Command::new(command[0]);
    plain.args(&command[1..]).stdin(std::process::Stdio::null());
    // By a fork like the tool's, as this takes: posix_spawn(3) has the C library's own signals ignored.
    signals_as_at_a_prompt(&mut plain);
    keep_standard_files(&mut plain);
    let alone = plain.output().unwrap();
    assert!(alone.status.success(), "{alone:?}");
    let mut traced = Tool::new(tool).output(&path).arg("--").args(command);
    keep_standard_files(traced.command());
    // With the descriptor that tells of readiness, which it shall not have either.
    let traced = traced.start().wait().success();
    (
        String::from_utf8(alone.stdout).unwrap(),
        String::from_utf8(traced.stdout).unwrap(),
    )
}

#[test]
fn it_inherits_no_file() {
    for tool in crate::all_tools() {
        let (alone, traced) = alone_and_traced(tool, &["ls", "-1", "/proc/self/fd"]);
        assert_eq!(alone, traced);
    }
}

#[test]
fn it_has_the_callers_privileges_and_signals() {
    for tool in crate::all_tools() {
        let (alone, traced) = alone_and_traced(tool, &["cat", "/proc/self/status"]);
        for name in [
            "Cap",
            "NoNewPrivs",
            "Seccomp",
            "SigBlk",
            "SigIgn",
            "Uid",
            "Groups",
        ] {
            let of = |text: &str| -> Vec<String> {
                let lines = text.lines().filter(|line| line.starts_with(name));
                lines.map(str::to_owned).collect()
            };
            assert!(name == "Groups" || !of(&alone).is_empty(), "{name}");
            assert_eq!(of(&alone), of(&traced), "{tool}");
        }
    }
}

#[test]
fn it_stays_in_the_callers_process_group() {
    let text =
        r"read -r pid name state parent group session rest </proc/self/stat; echo $group $session";
    let (alone, traced) = alone_and_traced("opensnoop", &["/bin/sh", "-c", text]);
    assert_eq!(alone, traced);
}

/// Its name is looked up, not tried: attempts of the tool's would be told as failures of the command's.
#[test]
fn a_name_is_looked_up_before_it_is_run() {
    let directory = scratch();
    let text = directory.path().join("script");
    executable(&text, "/bin/true \"$0\" \"$@\"; exit 6");
    let locked = directory.path().join("locked");
    fs::create_dir(&locked).unwrap();
    for name in ["script", "true"] {
        fs::write(locked.join(name), "").unwrap();
        fs::set_permissions(locked.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let path = format!(
        "/nonexistent:{}:{}:/bin",
        locked.display(),
        directory.path().display()
    );
    let run = |command: &[&str]| {
        let tool = Tool::new("execsnoop").json().args(["-x", "--"]);
        tool.args(command).env("PATH", &path).run()
    };
    let finished = run(&["true", "a"]).success();
    let execs = finished.events("exec");
    assert_eq!(execs.len(), 1, "{execs:#?}");
    assert_eq!(execs[0]["filename"], "/bin/true");
    assert_eq!(first_args(&execs[0]), ["true", "a"]);

    // Without `#!`: the kernel refuses it, and the C library has a shell run it, which is the command's own doing.
    let finished = run(&["script", "b"]).ended_with(6);
    let execs = finished.events("exec");
    let failed: Vec<_> = execs.iter().filter(|exec| exec["ret"] != 0).collect();
    assert_eq!(failed.len(), 1, "{execs:#?}");
    assert_eq!(failed[0]["filename"], text.to_str().unwrap());
    let last = execs.last().unwrap();
    assert_eq!(first_args(last), ["/bin/true", text.to_str().unwrap(), "b"]);

    // 126 and 127 as env(1).
    let output = directory.path().join("output");
    for (name, code) in [("locked", 126), ("absent", 127), ("", 127)] {
        let tool = Tool::new("execsnoop").args(["-x", "--"]).arg(name);
        let path = format!("{}:/nonexistent", directory.path().display());
        let finished = tool.env("PATH", &path).run().ended_with(code);
        let says = format!("cannot run '{name}'");
        assert!(finished.stderr.contains(&says), "{}", finished.stderr);
        assert!(!output.exists());
    }
}

#[test]
fn a_command_of_no_words_is_refused() {
    for tool in crate::all_tools() {
        let finished = Tool::new(tool).unforced().arg("--").run().ended_with(2);
        let says = "no command stands behind '--'";
        assert!(finished.stderr.contains(says), "{}", finished.stderr);
    }
    // What takes all that follows takes this, too.
    let tool = Tool::new("opensnoop").json();
    let _finished = tool.args(["--exec", "true", "--"]).run().success();
}
