// SPDX-License-Identifier: MIT OR Apache-2.0
//! A command whose children do one thing each, while others fork beside it: each child is followed, and no stranger.

use std::ffi::CStr;
use std::fs;
use std::io::Read;
use std::time::Duration;
use std::{io, thread};

use nix::libc;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};
use serde_json::Value;
use tracewell_tests::{Tool, actor};

use super::load::{Beside, hurry, pin};
use super::truth::{holds, is};
use crate::storms::guest;
use crate::sys::{self, AT_FDCWD, c};

/// How many children the command makes itself.
const CHILDREN: usize = 200;

/// The command's name, which all that descend from it have too.
const FAMILY: &str = "family";

/// Makes a child that does this, and ends at once. It waits for the child if that is asked for.
fn child(waits: bool, act: impl FnOnce()) {
    // SAFETY: an actor has one thread, so that its child may do anything.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            act();
            // SAFETY: nothing is left to be done.
            unsafe { libc::_exit(0) };
        }
        ForkResult::Parent { child } if waits => drop(waitpid(child, None).unwrap()),
        ForkResult::Parent { .. } => {}
    }
}

fn open(path: &CStr) {
    drop(sys::openat(AT_FDCWD, path, libc::O_RDONLY, 0));
}

/// What a descendant opens.
fn path(number: usize, generation: u32) -> String {
    format!("/descendant/{number}/{generation}")
}

// It is in a hurry, so that it often forks while another is in the middle of that, and in the program that runs there.
actor!(has_a_family, |_stage| {
    pin();
    sys::set_comm(FAMILY.as_bytes());
    hurry();
    for number in 0..CHILDREN {
        thread::sleep(Duration::from_micros(150));
        let (first, second) = (c(path(number, 1)), c(path(number, 2)));
        match number % 4 {
            // The child of a child.
            2 => child(true, || {
                open(&first);
                child(true, || open(&second));
            }),
            // An orphan: its parent may have ended when it opens. It holds a pipe, so that it is waited for.
            3 => {
                let (mut reader, writer) = io::pipe().unwrap();
                child(true, || {
                    open(&first);
                    child(false, || open(&second));
                });
                drop(writer);
                reader.read_to_end(&mut Vec::new()).unwrap();
            }
            _ => child(true, || open(&first)),
        }
    }
});

/// How many opens they make.
const MADE: usize = CHILDREN + CHILDREN / 2;

/// The name of the actor that forks beside them.
pub(super) const FORKS: &str = "makes_threads";

// Makes threads all the time, which are forks to the kernel, and has nothing to do with the family but its name.
actor!(makes_threads, |stage| {
    pin();
    sys::set_comm(FAMILY.as_bytes());
    stage.say("begun");
    loop {
        thread::spawn(|| open(c"/stranger")).join().unwrap();
    }
});

/// Whether the event is what one of the family did; gives its path.
fn told(event: &Value) -> Result<String, String> {
    let path = event["path"].as_str().ok_or("no path")?;
    let rest = path.strip_prefix("/descendant/").ok_or("of a stranger")?;
    let (number, generation) = rest.split_once('/').ok_or("no such path")?;
    let number: usize = number.parse().map_err(|_| "no number")?;
    if number >= CHILDREN || (generation == "2" && number % 4 < 2) {
        return Err("nobody did that".into());
    }
    is(event, "comm", FAMILY)?;
    is(event, "error", "ENOENT")?;
    Ok(path.to_owned())
}

/// Few numbers for processes, so that a stranger soon has that of a descendant which ended; on a machine that has nothing
/// else to do.
struct FewNumbers(Option<String>);

const PID_MAX: &str = "/proc/sys/kernel/pid_max";

impl FewNumbers {
    fn new() -> Self {
        let before = guest().then(|| fs::read_to_string(PID_MAX).unwrap());
        if guest() {
            fs::write(PID_MAX, "700").unwrap();
        }
        Self(before)
    }
}

impl Drop for FewNumbers {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            drop(fs::write(PID_MAX, before));
        }
    }
}

#[test]
fn descendants_beside_forks_of_others() {
    let _numbers = FewNumbers::new();
    let others = Beside::Forks.start();
    let finished = Tool::new("opensnoop")
        .json()
        .args(["--comm", FAMILY])
        .actor("has_a_family")
        .run()
        .success();
    drop(others);
    holds(&finished, "open", Beside::Forks, MADE as u64, told);
}
