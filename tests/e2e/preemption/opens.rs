// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opens by each call of the family, each of which would be a lie with the name, the path or the flags of another.

use std::time::Duration;

use nix::libc;
use serde_json::{Value, json};
use tracewell_tests::{Actor, actor};

use super::load::{Beside, Part, play, trace};
use super::truth::{holds, is};
use crate::sys::{self, AT_FDCWD, How, c};

/// A thread and how it opens. Its paths are of its own letter, so many of them, and a number; there is nothing at them.
struct Opener {
    name: &'static str,
    letters: usize,
    period: Option<u64>,
    open: fn(&std::ffi::CStr) -> bool,
    flags: &'static [&'static str],
}

/// Paths of different lengths: what is longer shows behind what is shorter.
const OPENERS: &[Opener] = &[
    Opener {
        name: "a",
        letters: 250,
        period: None,
        open: |path| sys::openat(AT_FDCWD, path, libc::O_RDONLY, 0).is_err(),
        flags: &["O_RDONLY"],
    },
    Opener {
        name: "b",
        letters: 40,
        period: None,
        open: |path| sys::openat(AT_FDCWD, path, libc::O_RDWR, 0).is_err(),
        flags: &["O_RDWR"],
    },
    Opener {
        name: "c",
        letters: 150,
        period: Some(90),
        open: |path| {
            let how = How {
                flags: libc::O_WRONLY as u64,
                mode: 0,
                resolve: 0,
            };
            sys::openat2(AT_FDCWD, path, how).is_err()
        },
        flags: &["O_WRONLY"],
    },
    #[cfg(target_arch = "x86_64")]
    Opener {
        name: "d",
        letters: 10,
        period: Some(140),
        open: |path| sys::open(path, libc::O_RDONLY | libc::O_NOFOLLOW, 0).is_err(),
        flags: &["O_RDONLY", "O_NOFOLLOW"],
    },
    #[cfg(target_arch = "x86_64")]
    Opener {
        name: "e",
        letters: 100,
        period: Some(190),
        open: |path| sys::creat(path, 0o600).is_err(),
        flags: &["O_WRONLY", "O_CREAT", "O_TRUNC"],
    },
];

impl Opener {
    fn start_of_path(&self) -> String {
        format!("/{}/", self.name.repeat(self.letters))
    }

    fn part(&'static self) -> Part {
        Part {
            name: self.name,
            period: self.period.map(Duration::from_micros),
            round: Box::new(|number| {
                let path = c(format!("{}{number}", self.start_of_path()));
                assert!((self.open)(&path), "there is nothing");
                1
            }),
        }
    }
}

// Its argument: how many rounds.
actor!(opens_by_all_calls, |stage| {
    let rounds = stage.text(0).parse().unwrap();
    play(stage, rounds, OPENERS.iter().map(Opener::part).collect());
});

/// Whether the event is what the thread's name says; gives its path.
fn told(event: &Value) -> Result<String, String> {
    let comm = event["comm"].as_str().unwrap_or_default();
    let opener = OPENERS.iter().find(|opener| opener.name == comm);
    let opener = opener.ok_or("nobody of that name opened anything")?;
    let path = event["path"].as_str().ok_or("no path")?;
    let number = path.strip_prefix(&opener.start_of_path());
    let number = number.and_then(|number| number.parse::<usize>().ok());
    number.ok_or("the path is not this thread's")?;
    is(event, "path_truncated", false)?;
    is(event, "flags", json!(opener.flags))?;
    is(event, "error", "ENOENT")?;
    Ok(path.to_owned())
}

fn mixed(beside: Beside) {
    let actor = Actor::new("opens_by_all_calls").arg(beside.rounds(3000).to_string());
    let (finished, made) = trace("opensnoop", &[], actor, beside);
    holds(&finished, "open", beside, made, told);
}

#[test]
fn opens_are_what_they_were() {
    mixed(Beside::Nothing);
}

#[test]
fn opens_beside_a_reader_of_a_map() {
    mixed(Beside::Reader);
}
