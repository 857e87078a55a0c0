// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names that are hard to show, processes that bear them, and a look at what was shown.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use tracewell_tests::{Actor, Finished, Tool, actor, own_tid, scratch};

use crate::sys::{self, c};

/// What a name may be; none has a `/`.
pub(crate) const NASTY: &[&[u8]] = &[
    b"plain",
    b" lead and trail ",
    b"",
    b"new\nline",
    b"x\n(lost 5: buffer full)",
    b"\n1234   sh  3 0 ",
    b"tab\there",
    b"\x1b[31mred\x1b[0m",
    b"bell\x07 delete\x7f return\r",
    b"back\\slash \\n \\x41 \\",
    b"\xff\xfe not utf-8",
    b"cut \xe2\x80",
    "over\u{202e}ride \u{2066}isolate\u{2069}".as_bytes(),
    "dots\u{2026}".as_bytes(),
    "lines\u{2028}\u{2029}\u{85}".as_bytes(),
    "seen\u{34f}\u{fe0f}\u{3164}\u{2800}\u{a0}".as_bytes(),
    "hidden\u{200b}\u{feff}\u{ad}".as_bytes(),
    "na\u{ef}ve \u{65e5}\u{672c} \u{1f600}".as_bytes(),
    b"\"quoted\" 'single' \"",
    b"\"",
    b"a,b;c",
    b"{\"event\":\"summary\"}",
    b"(lost 5: x)",
    b"\xc0\xaf\xed\xa0\x80",
    b"a \x01\x02\x1f z",
    b"$(x) `x` %s",
    b"=1+1;=2",
    b"-1",
    b"'@x'",
    b"tmux: server",
];

pub(crate) fn os(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

/// opensnoop on this thread, which opens a file of each name, and is itself called so, too.
pub(crate) fn opens(args: &[&str]) -> Finished {
    let tool = Tool::new("opensnoop")
        .args(["--tid", &own_tid()])
        .args(args)
        .start();
    for name in NASTY {
        sys::set_comm(&name[..name.len().min(15)]);
        drop(sys::read(os(name)));
    }
    tool.finish().success()
}

// Its arguments: the file, then those of the exec.
actor!(execs_anything, |stage| {
    let count = NASTY.len();
    let args: Vec<_> = (1..=count).map(|index| c(stage.arg(index))).collect();
    panic!("{}", sys::execve(&c(stage.arg(0)), &args));
});

/// execsnoop on an exec of a file of each name, with all names as arguments; gives the runs.
pub(crate) fn execs(args: &[&str]) -> Vec<Finished> {
    let scratch = scratch();
    let mut runs = Vec::new();
    for name in NASTY.iter().filter(|name| !name.is_empty()) {
        let file = scratch.path().join(os(name));
        symlink("/bin/true", &file).unwrap();
        let mut actor = Actor::new("execs_anything").arg(&file);
        for name in NASTY {
            actor = actor.arg(os(name));
        }
        let actor = actor.start();
        let tool = Tool::new("execsnoop")
            .args(["--pid", &actor.pid().to_string()])
            .args(args)
            .start();
        actor.go();
        // A bare system's "true" does nothing by another name.
        drop(actor.end());
        runs.push(tool.finish().success());
    }
    runs
}

pub(crate) fn names() -> impl Iterator<Item = &'static [u8]> {
    NASTY.iter().filter(|name| !name.is_empty()).copied()
}

pub(crate) fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap()
}

/// Fails if anything of this could steer a terminal, or end a line for any reader.
pub(crate) fn check_visible(finished: &Finished) {
    for line in finished.lines() {
        let bad = |character: char| {
            character.is_control()
                || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
                || matches!(character, '\u{ad}' | '\u{feff}' | '\u{fffe}')
        };
        assert!(!line.contains(bad), "{line:?}");
    }
}
