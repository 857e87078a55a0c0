// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names as long as the kernel takes them, and longer.

use nix::errno::Errno;
use tracewell_tests::{Actor, Tool, actor, own_tid};

use crate::sys::{self, c};

/// A path to `/` of so many bytes.
fn long_root(bytes: usize) -> String {
    let dots = "/.".repeat(bytes / 2);
    if bytes.is_multiple_of(2) {
        dots
    } else {
        dots + "/"
    }
}

#[test]
fn a_path_is_whole_as_long_as_the_kernel_takes_it() {
    let tool = Tool::new("opensnoop")
        .json()
        .args(["--tid", &own_tid()])
        .start();
    // PATH_MAX counts the NUL, so 4095 bytes are the most.
    for bytes in [4094, 4095] {
        drop(sys::read(long_root(bytes)).unwrap());
    }
    let finished = tool.finish().success();
    let events = finished.events("open");
    assert_eq!(events.len(), 2);
    for (event, bytes) in events.iter().zip([4094, 4095]) {
        assert_eq!(event["path"], long_root(bytes));
        assert_eq!(event["path_truncated"], false, "{bytes} bytes");
    }
}

#[test]
fn a_longer_path_is_cut_and_says_so() {
    for table in [false, true] {
        let tool = Tool::new("opensnoop").args(["--tid", &own_tid()]);
        let tool = if table { tool } else { tool.json() }.start();
        for bytes in [4096, 5000] {
            assert_eq!(
                sys::read(long_root(bytes)).unwrap_err(),
                Errno::ENAMETOOLONG
            );
        }
        let finished = tool.finish().success();
        if table {
            let lines = finished.lines();
            assert_eq!(lines.len(), 3);
            for line in &lines[1..] {
                assert!(line.ends_with("/./…"), "{line}");
            }
            continue;
        }
        for event in finished.events("open") {
            assert_eq!(event["path"], long_root(4095));
            assert_eq!(event["path_truncated"], true);
        }
        assert_eq!(finished.summary()["events"], 2);
    }
}

actor!(fails_with_a_long_name, |_| {
    for bytes in [4095, 4096, 5000] {
        let name = "/.".repeat(2500);
        sys::execve(&c(&name[..bytes]), &[c("zero")]);
    }
});

#[test]
fn a_file_name_is_cut_only_beyond_what_the_kernel_takes() {
    let actor = Actor::new("fails_with_a_long_name").start();
    let tool = Tool::new("execsnoop")
        .json()
        .args(["-x", "--pid", &actor.pid().to_string()])
        .start();
    actor.go();
    actor.finish();
    let events = tool.finish().success().events("exec");
    let name = "/.".repeat(2500);
    assert_eq!(events.len(), 3);
    for (event, (bytes, error, cut)) in events.iter().zip([
        (4095, "EACCES", false),
        (4096, "ENAMETOOLONG", true),
        (5000, "ENAMETOOLONG", true),
    ]) {
        assert_eq!(event["error"], error);
        assert_eq!(event["filename"], &name[..bytes.min(4095)]);
        assert_eq!(event["filename_truncated"], cut, "{bytes} bytes");
    }
}
