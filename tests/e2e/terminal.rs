// SPDX-License-Identifier: MIT OR Apache-2.0
//! What only a terminal is to see.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::pty::openpty;
use tracewell_tests::{Tool, own_tid};

use crate::output::{ABSENT, opens};
use crate::sys;

/// What a tool writes to a terminal about an open that fails and one that does not.
fn on_terminal(no_color: Option<&str>) -> String {
    let pty = openpty(None, None).expect("a terminal");
    let mut tool = Tool::new("opensnoop")
        .args(["--tid", &own_tid()])
        .stdout(pty.slave);
    tool.command().env_remove("NO_COLOR");
    let tool = match no_color {
        Some(value) => tool.env("NO_COLOR", value),
        None => tool,
    };
    let tool = tool.start();
    drop(sys::read("/"));
    drop(sys::read(ABSENT));
    drop(tool.finish().success());
    read_all(&pty.master)
}

fn read_all(master: &OwnedFd) -> String {
    // What is not there by now never will be.
    let flags = nix::fcntl::OFlag::O_NONBLOCK;
    nix::fcntl::fcntl(master, nix::fcntl::FcntlArg::F_SETFL(flags)).unwrap();
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match nix::unistd::read(master, &mut buffer) {
            // An end is an error here: the other side is closed.
            Ok(0) | Err(Errno::EIO | Errno::EAGAIN) => break,
            Ok(length) => text.extend_from_slice(&buffer[..length]),
            Err(error) => panic!("{} {error}", master.as_raw_fd()),
        }
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn only_a_terminal_is_coloured_and_only_if_it_may_be() {
    let coloured = on_terminal(None);
    let lines: Vec<_> = coloured.lines().collect();
    assert_eq!(lines.len(), 3, "{coloured:?}");
    assert!(
        lines[0].starts_with("\x1b[1m") && lines[0].ends_with("PATH\x1b[0m"),
        "{coloured:?}"
    );
    assert!(!lines[1].contains('\x1b'), "{coloured:?}");
    assert!(
        lines[2].starts_with("\x1b[31m") && lines[2].ends_with("/absent/file\x1b[0m"),
        "{coloured:?}"
    );
    // Empty, the variable counts as not set.
    assert!(on_terminal(Some("")).contains('\x1b'));
    assert!(!on_terminal(Some("1")).contains('\x1b'));
    assert!(!opens(&[]).lines().concat().contains('\x1b'));
}
