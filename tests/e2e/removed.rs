// SPDX-License-Identifier: MIT OR Apache-2.0
//! What unlinksnoop knows of the file that goes, by whichever call.

use std::fs::{self, File};
use std::path::Path;

use nix::errno::Errno;
use nix::libc::{self, AT_REMOVEDIR};
use serde_json::{Value, json};
use tracewell_tests::{Actor, Running, Tool, actor, note, rung, scratch};

use crate::sys::{self, AT_FDCWD, c};
use crate::unlinks::{Doomed, on_self, told};

/// Starts the tool for `--rename`; nothing where this kernel has no rung that can tell, which must be said.
pub(crate) fn with_renames(tool: Tool) -> Option<Running> {
    let probing = Tool::new("unlinksnoop").args(["--rename", "--duration", "0.001"]);
    let finished = probing.run();
    if finished.code() == Some(0) {
        return Some(tool.arg("--rename").start());
    }
    let finished = finished.ended_with(77);
    if rung().is_none_or(|rung| !["fentry", "kprobe"].contains(&rung.as_str())) {
        let said = &finished.stderr;
        assert!(said.contains("renames replace a file"), "{said}");
    }
    None
}

#[test]
fn links_that_are_left_and_files_that_stay_open_are_told() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    fs::write(at("one"), "some bytes").unwrap();
    fs::hard_link(at("one"), at("two")).unwrap();
    fs::hard_link(at("one"), at("three")).unwrap();
    let quiet = Doomed::of(&at("one"), 2, false);
    let read = Doomed::of(&at("two"), 1, true);
    let written = Doomed::of(&at("three"), 0, true);
    fs::create_dir(at("directory")).unwrap();
    let directory = Doomed::of(&at("directory"), 0, true);

    let tool = on_self().start();
    let remove = |name: &str, flags| sys::unlinkat(AT_FDCWD, &c(at(name)), flags).unwrap();
    remove("one", 0);
    let reader = File::open(at("two")).unwrap();
    remove("two", 0);
    let writer = File::options().append(true).open(at("three")).unwrap();
    drop(reader);
    remove("three", 0);
    let held = File::open(at("directory")).unwrap();
    remove("directory", AT_REMOVEDIR);
    drop((writer, held));
    let finished = tool.finish().success();

    let expected = [
        quiet.event(&finished, "unlink", AT_FDCWD, at("one")),
        read.event(&finished, "unlink", AT_FDCWD, at("two")),
        written.event(&finished, "unlink", AT_FDCWD, at("three")),
        directory.event(&finished, "rmdir", AT_FDCWD, at("directory")),
    ];
    let events: Vec<_> = finished.events("unlink").iter().map(told).collect();
    assert_eq!(events, expected);
}

#[test]
fn renames_that_replace_are_told_when_asked_for() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    let rename = |from: &str, to: &str, flags| sys::rename(&c(at(from)), &c(at(to)), flags);
    for name in ["new", "moved", "left", "right", "kept", "other"] {
        fs::write(at(name), name).unwrap();
    }
    let replaced = Doomed::file(&at("old"), b"longer than new");
    fs::hard_link(at("kept"), at("kept-too")).unwrap();
    fs::create_dir(at("directory")).unwrap();
    fs::create_dir(at("empty")).unwrap();
    let empty = Doomed::of(&at("empty"), 0, false);
    let Some(tool) = with_renames(on_self()) else {
        return;
    };
    rename("new", "old", 0).unwrap();
    // None of these replaces anything.
    rename("moved", "free", 0).unwrap();
    rename("left", "right", libc::RENAME_EXCHANGE).unwrap();
    rename("kept", "kept-too", 0).unwrap();
    assert_eq!(
        rename("other", "right", libc::RENAME_NOREPLACE),
        Err(Errno::EEXIST)
    );
    assert_eq!(rename("other", "directory", 0), Err(Errno::EISDIR));
    rename("directory", "empty", 0).unwrap();
    let finished = tool.finish().success();

    let expected = [
        replaced.event(&finished, "rename", AT_FDCWD, at("old")),
        empty.event(&finished, "rename", AT_FDCWD, at("empty")),
    ];
    let events: Vec<_> = finished.events("unlink").iter().map(told).collect();
    assert_eq!(events, expected);
}

#[test]
fn renames_are_not_told_unasked() {
    let scratch = scratch();
    let at = |name: &str| c(scratch.path().join(name));
    fs::write(scratch.path().join("one"), "").unwrap();
    fs::write(scratch.path().join("two"), "").unwrap();
    let tool = on_self().start();
    sys::rename(&at("one"), &at("two"), 0).unwrap();
    sys::unlinkat(AT_FDCWD, &at("two"), 0).unwrap();
    let finished = tool.finish().success();
    let events = finished.events("unlink");
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["op"], "unlink");
}

// The same each time. Its argument: a directory that is empty before and after.
actor!(removes_several, |stage| {
    let directory = Path::new(stage.arg(0)).to_owned();
    std::env::set_current_dir(&directory).unwrap();
    let here = File::open(".").unwrap();
    let here = std::os::fd::AsRawFd::as_raw_fd(&here);
    for _ in 0..3 {
        fs::write("file", "bytes").unwrap();
        fs::create_dir("inner").unwrap();
        sys::unlinkat(here, c"inner", 0).unwrap_err();
        sys::unlinkat(here, c"./file", 0).unwrap();
        sys::unlinkat(AT_FDCWD, &c(directory.join("inner")), AT_REMOVEDIR).unwrap();
        sys::unlinkat(AT_FDCWD, c"absent", AT_REMOVEDIR).unwrap_err();
        sys::unlinkat(-1, c"relative", 0).unwrap_err();
        sys::unlinkat(AT_FDCWD, c"", 0).unwrap_err();
    }
});

/// The events of `removes_several` on one rung, through one buffer; nothing where the kernel does not offer it.
fn removals(rung: &str, buffer: &str) -> Option<Vec<Value>> {
    let scratch = scratch();
    let actor = Actor::new("removes_several").arg(scratch.path()).start();
    let ways = ["-F", "--probe", rung, "--buffer", buffer];
    let probing = Tool::new("unlinksnoop").unforced().args(ways);
    if probing.args(["--duration", "0.001"]).run().code() == Some(77) {
        return None;
    }
    let tool = Tool::new("unlinksnoop")
        .unforced()
        .json()
        .args(ways)
        .args(["--pid", &actor.pid().to_string()])
        .start();
    actor.go();
    actor.finish();
    let finished = tool.finish().success();
    assert_eq!(finished.rung(), rung);
    let directory = scratch.path().to_str().unwrap();
    let strip = |event: &Value| {
        let mut event = told(event);
        let object = event.as_object_mut().unwrap();
        assert_eq!(object["probe"], rung);
        for field in [
            "pid",
            "tid",
            "probe",
            "inode",
            "size_bytes",
            "links",
            "still_open",
        ] {
            object.remove(field).unwrap();
        }
        for field in ["path", "full_path"] {
            if let Some(path) = object[field].as_str() {
                object[field] = json!(path.replace(directory, "DIR"));
            }
        }
        event
    };
    Some(finished.events("unlink").iter().map(strip).collect())
}

#[test]
fn all_ways_in_show_the_same() {
    let expected = removals("raw_tp", "ring").expect("every kernel offers it");
    assert_eq!(expected.len(), 18, "{expected:#?}");
    assert_eq!(expected[1]["full_path"], "DIR/./file");
    let mut ways = 0;
    for rung in ["fentry", "kprobe", "tp_btf", "raw_tp", "tracepoint"] {
        for buffer in ["ring", "perf"] {
            match removals(rung, buffer) {
                Some(events) => {
                    assert_eq!(events, expected, "{rung}, {buffer}");
                    ways += 1;
                }
                None => note(&format!("this kernel has no rung {rung}")),
            }
        }
    }
    assert!(ways >= 2);
}
