// SPDX-License-Identifier: MIT OR Apache-2.0
//! `-- COMMAND` is traced with all that descend from it, and nothing else is; how its end and the trace's go together.

use std::fs::{self, File};
use std::io::{PipeWriter, Write, pipe};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;
use tracewell_tests::{Finished, Tool, scratch};

/// The tool with a shell's script as its command.
fn script(tool: &str, options: &[&str], script: &str) -> Tool {
    let tool = Tool::new(tool).json().args(options);
    tool.args(["--", "/bin/sh", "-c", script])
}

/// The same, with a pipe's end for standard input: the script waits for its end with `cat`.
fn waiting(tool: &str, options: &[&str], text: &str) -> (Tool, PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    let mut tool = script(tool, options, text);
    tool.command().stdin(reader);
    (tool, writer)
}

fn opens_of(finished: &Finished, path: &Path) -> usize {
    let opens = finished.events("open");
    opens
        .iter()
        .filter(|open| open["path"] == path.to_str().unwrap())
        .count()
}

pub(crate) fn first_args(exec: &Value) -> Vec<&str> {
    let args = exec["args"].as_array().expect("arguments");
    args.iter().map(|arg| arg.as_str().unwrap()).collect()
}

#[test]
fn its_own_exec_is_the_first_event() {
    let finished = script("execsnoop", &[], "/bin/true a; exec /bin/true b")
        .run()
        .success();
    let execs = finished.events("exec");
    let args: Vec<_> = execs.iter().map(first_args).collect();
    let command = ["/bin/sh", "-c", "/bin/true a; exec /bin/true b"];
    assert_eq!(
        args,
        [&command[..], &["/bin/true", "a"], &["/bin/true", "b"]]
    );
    assert_eq!(
        execs[0]["pid"], execs[2]["pid"],
        "the command's own process: {execs:#?}"
    );
    assert_eq!(execs[1]["ppid"], execs[0]["pid"]);
}

#[test]
fn descendants_are_traced_and_nobody_else() {
    let directory = scratch();
    let (inner, outer) = (
        directory.path().join("inner"),
        directory.path().join("outer"),
    );
    fs::write(&inner, "").unwrap();
    fs::write(&outer, "").unwrap();
    let text = format!(
        "cat; /bin/sh -c '/bin/sh -c \"cat {}; exit 0\"; exit 0'",
        inner.display()
    );
    let (tool, writer) = waiting("opensnoop", &[], &text);
    let tool = tool.start();
    drop(File::open(&outer));
    assert!(Command::new("cat").arg(&outer).status().unwrap().success());
    drop(writer);
    let finished = tool.wait().success();
    assert_eq!(opens_of(&finished, &inner), 1);
    assert_eq!(opens_of(&finished, &outer), 0, "nobody asked for it");
}

#[test]
fn every_open_until_its_end_is_shown() {
    let directory = scratch();
    let path = directory.path().join("file");
    fs::write(&path, "").unwrap();
    let text = format!(
        "i=0; while [ $i -lt 2000 ]; do : <{}; i=$((i+1)); done",
        path.display()
    );
    for _ in 0..5 {
        let finished = script("opensnoop", &[], &text).run().success();
        assert_eq!(opens_of(&finished, &path), 2000);
        assert_eq!(finished.summary()["lost"], 0);
    }
}

#[test]
fn every_exec_of_its_children_is_shown() {
    let text = "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done";
    let finished = script("execsnoop", &[], text).run().success();
    assert_eq!(finished.events("exec").len(), 101);
}

#[test]
fn a_process_that_left_its_parents_is_still_followed() {
    let directory = scratch();
    let path = directory.path().join("file");
    fs::write(&path, "").unwrap();
    // The middle one ends at once, and the one that it made is in a session of its own.
    let text = format!(
        "(setsid /bin/sh -c 'cat {}; exit 0' </dev/null &) ; cat",
        path.display()
    );
    let (tool, writer) = waiting("opensnoop", &[], &text);
    let tool = tool.start();
    tool.object(|object| object["path"] == path.to_str().unwrap());
    drop(writer);
    assert_eq!(opens_of(&tool.wait().success(), &path), 1);
}

#[test]
fn its_exit_status_is_the_tools() {
    for (text, code) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        ("kill -TERM $$", 128 + 15),
        ("kill -KILL $$", 128 + 9),
    ] {
        for tool in crate::all_tools() {
            let finished = script(tool, &[], text).run().ended_with(code);
            assert_eq!(finished.summary()["lost"], 0);
        }
    }
}

#[test]
fn opensnoop_takes_it_as_bcc_does() {
    let tool = Tool::new("opensnoop").json().args(["-F", "--exec"]);
    let finished = tool
        .args(["/bin/sh", "-c", ": </dev/null; exit 7"])
        .run()
        .ended_with(7);
    assert_eq!(opens_of(&finished, Path::new("/dev/null")), 1);
}

#[test]
fn a_command_that_does_not_exist() {
    for name in ["no-such-command", "/nonexistent/command"] {
        let finished = Tool::new("opensnoop")
            .args(["--", name])
            .run()
            .ended_with(127);
        assert!(
            finished.stderr.contains(&format!("'{name}'")),
            "{}",
            finished.stderr
        );
    }
}

#[test]
fn a_command_that_cannot_be_executed() {
    let directory = scratch();
    let path = directory.path().join("text");
    fs::write(&path, "text").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    for path in [&path, directory.path()] {
        let finished = Tool::new("opensnoop")
            .arg("--")
            .arg(path)
            .run()
            .ended_with(126);
        assert!(
            finished.stderr.contains(path.to_str().unwrap()),
            "{}",
            finished.stderr
        );
    }
}

#[test]
fn it_may_take_longer_than_the_trace() {
    let directory = scratch();
    let path = directory.path().join("late");
    fs::write(&path, "").unwrap();
    let text = format!("cat; cat {}; exit 9", path.display());
    for options in [["--duration", "100ms"], ["--max-events", "2"]] {
        let (tool, writer) = waiting("opensnoop", &options, &text);
        let tool = tool.start();
        tool.object(|object| object["event"] == "summary");
        // The trace is over, and the command is not.
        drop(writer);
        let finished = tool.wait().ended_with(9);
        assert_eq!(opens_of(&finished, &path), 0, "{options:?}");
    }
}

#[test]
fn so_many_events_of_it() {
    let text = "/bin/true; /bin/true; /bin/true; exit 5";
    let finished = script("execsnoop", &["--max-events", "3"], text)
        .run()
        .ended_with(5);
    assert_eq!(finished.events("exec").len(), 3);
    assert_eq!(finished.summary()["events"], 3);
}

#[test]
fn a_signal_is_handed_on() {
    for (signal, name) in [(Signal::SIGTERM, "TERM"), (Signal::SIGHUP, "HUP")] {
        let text = format!(
            "trap 'exit 3' {name}; echo '{{\"event\":\"up\"}}'; while :; do sleep 0.05; done"
        );
        let tool = script("execsnoop", &[], &text).start();
        tool.object(|object| object["event"] == "up");
        tool.signal(signal);
        let finished = tool.wait().ended_with(3);
        assert_eq!(finished.events("summary").len(), 1, "{name}");
    }
}

/// It is the user's, and ends by itself; its exit status is still handed on.
#[test]
fn a_reader_that_goes_does_not_end_it() {
    let directory = scratch();
    let (done, late) = (directory.path().join("done"), directory.path().join("late"));
    fs::write(&late, "").unwrap();
    let (reader, writer) = pipe().unwrap();
    let text = format!("cat; cat {} >{}; exit 7", late.display(), done.display());
    let (tool, input) = waiting("opensnoop", &[], &text);
    let tool = tool.stdout(writer).start();
    drop(reader);
    // Long enough for a tool that would leave, and not needed by one that stays.
    std::thread::sleep(std::time::Duration::from_millis(300));
    drop(input);
    let _finished = tool.wait().ended_with(7);
    assert!(done.exists(), "the tool ended before the command");
}

#[test]
fn its_input_is_the_tools() {
    let directory = scratch();
    let path = directory.path().join("events");
    let (reader, mut writer) = pipe().unwrap();
    let mut tool = Tool::new("execsnoop").output(&path).args(["--", "cat"]);
    tool.command().stdin(reader);
    let tool = tool.start();
    writer.write_all(b"one\ntwo").unwrap();
    drop(writer);
    assert_eq!(tool.wait().success().stdout, b"one\ntwo");
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
}

/// A command that leaves two descendants behind, which hold no output open; each opens `late` once it has a line from the
/// pipe that this gives.
fn leaves_two(directory: &Path, name: &str, late: &Path) -> (String, File) {
    let fifo = directory.join(name);
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // With both its ends here, nobody waits for the other to be opened.
    let both = fs::OpenOptions::new().read(true).write(true).open(&fifo);
    let one = format!(
        "(read line <{}; cat {}) >/dev/null 2>&1 &",
        fifo.display(),
        late.display()
    );
    (format!("{one} {one} exit 4"), both.unwrap())
}

#[test]
fn who_outlives_it_is_counted_or_waited_for() {
    let directory = scratch();
    let late = directory.path().join("late");
    fs::write(&late, "").unwrap();
    for tool in ["opensnoop", "biolatency"] {
        let (text, mut go) = leaves_two(directory.path(), tool, &late);
        let finished = script(tool, &[], &text).run().ended_with(4);
        let says = "the command has ended, and 2 of its descendants still run; --wait-all";
        assert!(
            finished.stderr.contains(says),
            "{tool}: {}",
            finished.stderr
        );
        go.write_all(b"\n\n").unwrap();
    }
    let (text, mut go) = leaves_two(directory.path(), "waited", &late);
    let run = script("opensnoop", &["--wait-all"], &text).start();
    let fifo = directory.path().join("waited");
    run.object(|object| object["path"] == fifo.to_str().unwrap());
    go.write_all(b"\n\n").unwrap();
    let finished = run.wait().ended_with(4);
    assert_eq!(opens_of(&finished, &late), 2);
    assert!(
        !finished.stderr.contains("descendants"),
        "{}",
        finished.stderr
    );

    // Nobody is left behind by a command that waits.
    let finished = script("opensnoop", &[], "cat /dev/null & wait")
        .run()
        .success();
    assert!(
        !finished.stderr.contains("descendants"),
        "{}",
        finished.stderr
    );
}
