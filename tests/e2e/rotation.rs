// SPDX-License-Identifier: MIT OR Apache-2.0
//! Output that is renamed or cut while a tool writes it, as logrotate(8) does.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::Value;
use tracewell_tests::{Running, Tool, own_tid, scratch, until};

use crate::privilege::{CAP_BPF, CAP_PERFMON, NOBODY, limited};
use crate::sys;

/// opensnoop on this thread's opens that fail, into a file: those that look at that file do not.
fn tool(format: &str, output: &Path) -> Running {
    let tool = Tool::new("opensnoop").args(["-x", "--format", format, "--tid", &own_tid()]);
    tool.output(output).start()
}

/// Opens a file of this name, and waits until the output has it.
fn seen(name: &str, output: &Path) -> String {
    drop(sys::read(name));
    written(output, |text| text.contains(name))
}

/// What the output has as soon as it is enough.
fn written(output: &Path, enough: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    until(|| {
        if output.exists() {
            text = fs::read_to_string(output).unwrap();
        }
        enough(&text)
    });
    text
}

/// Whether the process has this very file open.
fn has_open(pid: u32, path: &Path) -> bool {
    let file = fs::metadata(path).unwrap();
    let same = |entry: fs::DirEntry| {
        fs::metadata(entry.path())
            .is_ok_and(|held| (held.dev(), held.ino()) == (file.dev(), file.ino()))
    };
    let mut held = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    held.any(same)
}

/// The processes that this one has made.
fn children(pid: u32) -> Vec<String> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_file_that_is_cut_has_no_hole() {
    for format in ["table", "json", "csv"] {
        let scratch = scratch();
        let output = scratch.path().join("out");
        let tool = tool(format, &output);
        seen("/nonexistent/one", &output);
        fs::write(&output, "").unwrap();
        let text = seen("/nonexistent/two", &output);
        assert!(!text.contains('\0') && !text.contains("/one"), "{text:?}");
        assert_eq!(text.lines().count(), 1, "{text:?}");
        drop(tool.finish().success());
    }
}

/// A file that is where it was goes on, without another header.
#[test]
fn a_signal_without_a_change_changes_nothing() {
    for format in ["table", "json", "csv"] {
        let scratch = scratch();
        let output = scratch.path().join("out");
        let tool = tool(format, &output);
        let header = fs::read_to_string(&output).unwrap();
        for turn in 0..3 {
            tool.signal(Signal::SIGUSR1);
            let text = seen(&format!("/nonexistent/{turn}"), &output);
            assert!(text.starts_with(&header), "{text}");
            assert!(
                header.is_empty() || text.matches(header.trim_end()).count() == 1,
                "{text}"
            );
        }
        let said = tool.finish().success().stderr;
        assert!(!said.contains("again"), "{said}");
    }
}

/// Counts have a header of their own: of CSV once a file, of a table once a table.
#[test]
fn counts_go_on_in_a_new_file() {
    for (format, begins) in [
        ("csv", "time,interval_ms,path,error,count,"),
        ("table", "\n"),
        ("json", "{\"event\":\"count\""),
    ] {
        let scratch = scratch();
        let (output, old) = (scratch.path().join("out"), scratch.path().join("out.1"));
        let tool = Tool::new("opensnoop").args(["-x", "--format", format, "--tid", &own_tid()]);
        let tool = tool.args(["--count-by", "path,error", "--interval", "20ms"]);
        let tool = tool.output(&output).start();
        seen("/nonexistent/one", &output);
        fs::rename(&output, &old).unwrap();
        tool.signal(Signal::SIGUSR1);
        until(|| output.exists());
        let text = seen("/nonexistent/two", &output);
        assert!(text.starts_with(begins), "{format}: {text:?}");
        assert!(!text.contains("/one"), "{format}: {text:?}");
        drop(tool.finish().success());
    }
}

#[test]
fn a_signal_has_it_go_on_in_a_new_file() {
    for format in ["table", "json", "csv"] {
        let scratch = scratch();
        let (output, old) = (scratch.path().join("out"), scratch.path().join("out.1"));
        let tool = tool(format, &output);
        let header = fs::read_to_string(&output).unwrap();
        assert_eq!(header.is_empty(), format == "json");
        let first = seen("/nonexistent/one", &output);
        fs::rename(&output, &old).unwrap();
        seen("/nonexistent/late", &old);
        tool.signal(Signal::SIGUSR1);
        let text = written(&output, |text| {
            text.len() == header.len() && output.exists()
        });
        assert_eq!(text, header);
        let text = seen("/nonexistent/two", &output);
        assert!(
            text.starts_with(&header) && !text.contains("late"),
            "{text}"
        );
        let end = fs::read_to_string(&old).unwrap();
        assert!(end.starts_with(&first) && end.contains("late"), "{end}");
        assert_eq!(
            end.matches(header.trim_end()).count(),
            if header.is_empty() { end.len() + 1 } else { 1 }
        );
        // A file that who rotates has made already is taken as it is.
        fs::remove_file(&output).unwrap();
        fs::write(&output, "made\n").unwrap();
        tool.signal(Signal::SIGUSR1);
        until(|| has_open(tool.pid(), &output));
        let text = seen("/nonexistent/three", &output);
        assert!(text.starts_with("made\n"), "{text}");
        let finished = tool.finish().success();
        if format == "json" {
            let text = fs::read_to_string(&output).unwrap();
            let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
            assert_eq!(
                (&last["event"], &last["events"]),
                (&"summary".into(), &4.into())
            );
        } else {
            assert_eq!(finished.stderr, "opensnoop: 4 events, 0 lost\n");
        }
    }
}

#[test]
fn a_trap_is_not_written_to_when_the_file_is_opened_again() {
    let scratch = scratch();
    let (output, old) = (scratch.path().join("out"), scratch.path().join("out.1"));
    let precious = scratch.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    let tool = tool("json", &output);
    seen("/nonexistent/one", &output);
    fs::rename(&output, &old).unwrap();
    std::os::unix::fs::symlink(&precious, &output).unwrap();
    tool.signal(Signal::SIGUSR1);
    tool.stderr_until(|said| said.contains("cannot open"));
    // Nothing is lost: it goes on where it was.
    seen("/nonexistent/two", &old);
    let said = tool.finish().success().stderr;
    assert!(said.contains("again: it is a symbolic link"), "{said}");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
}

#[test]
fn histograms_go_on_in_a_new_file_too() {
    let scratch = scratch();
    let (output, old) = (scratch.path().join("out"), scratch.path().join("out.1"));
    let tool = Tool::new("biolatency").args(["-T", "0.05"]).output(&output);
    let tool = tool.start();
    written(&output, |text| text.lines().count() > 2);
    fs::rename(&output, &old).unwrap();
    tool.signal(Signal::SIGUSR1);
    written(&output, |text| text.lines().count() > 2);
    drop(tool.finish().success());
}

#[test]
fn who_opens_it_again_ends_with_the_tool_and_holds_nothing() {
    let scratch = scratch();
    fs::set_permissions(
        scratch.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o777),
    )
    .unwrap();
    let output = scratch.path().join("out");
    let own = own_tid();
    let args = ["--format", "json", "--tid", &own];
    for limit in [false, true] {
        fs::remove_file(&output).unwrap_or_default();
        let tool = if limit {
            limited("opensnoop", NOBODY, &[CAP_BPF, CAP_PERFMON])
        } else {
            Tool::new("opensnoop")
        };
        let tool = tool.args(args).output(&output).start();
        let opener = children(tool.pid());
        assert_eq!(opener.len(), 1);
        let held = fs::read_dir(format!("/proc/{}/fd", opener[0]))
            .unwrap()
            .count();
        assert_eq!(held, 2, "the directory and a socket");
        let status = fs::read_to_string(format!("/proc/{}/status", opener[0])).unwrap();
        // To write and to search where its caller could: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH.
        let effective = status
            .lines()
            .find_map(|line| line.strip_prefix("CapEff:\t"));
        let effective = u64::from_str_radix(effective.unwrap(), 16).unwrap();
        assert_eq!(effective & !0b110, 0, "{status}");
        if limit {
            tool.signal(Signal::SIGKILL);
            drop(tool.wait());
        } else {
            drop(tool.finish().success());
        }
        until(|| !Path::new("/proc").join(&opener[0]).exists());
    }
    // Where there is no file there is nobody.
    let tool = Tool::new("opensnoop").args(args).start();
    assert_eq!(children(tool.pid()), [""; 0]);
    tool.signal(Signal::SIGUSR1);
    tool.stderr_until(|said| said.contains("no file that has a name"));
    drop(tool.finish().success());
}

/// The command's process is there before the tool traces, and waits.
#[test]
fn a_tool_that_cannot_trace_for_a_command_ends() {
    let scratch = scratch();
    let output = scratch.path().join("out");
    for name in crate::all_tools() {
        let tool = Tool::new(name).args(["--btf", "/dev/null"]).output(&output);
        let finished = tool.args(["--", "/bin/true"]).run().ended_with(1);
        assert!(finished.stderr.contains("not BTF"), "{}", finished.stderr);
    }
}
