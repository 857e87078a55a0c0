// SPDX-License-Identifier: MIT OR Apache-2.0
//! Removals, each of which would be a lie with the path, the result, the call or the file of the one before it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::AT_REMOVEDIR;
use serde_json::Value;
use tracewell_tests::{Actor, actor, scratch};

use super::load::{Beside, Part, play, trace};
use super::truth::{holds, is};
use crate::sys::{self, AT_FDCWD, c};
use crate::unlinks::sees_files;

/// What is there to be removed in a thread's round of this number; its path says what it is: `THREAD.NUMBER.INODE.KIND`.
fn make(directory: &Path, thread: &str, number: usize, kind: &str) -> PathBuf {
    let path = directory.join(format!("{thread}.{number}"));
    match kind {
        "directory" => fs::create_dir(&path).unwrap(),
        _ => drop(File::create(&path).unwrap()),
    }
    let inode = fs::metadata(&path).unwrap().ino();
    let named = directory.join(format!("{thread}.{number}.{inode}.{kind}"));
    fs::rename(path, &named).unwrap();
    named
}

/// A path at which there is nothing.
fn absent(directory: &Path, thread: &str, number: usize, kind: &str) -> PathBuf {
    directory.join(format!("{thread}.{number}.0.{kind}"))
}

fn remove(path: &Path, flags: i32) -> Result<(), Errno> {
    #[cfg(target_arch = "x86_64")]
    if flags == 0 {
        return sys::unlink(&c(path));
    }
    sys::unlinkat(AT_FDCWD, &c(path), flags)
}

/// One thread: a file, nothing, a directory, nothing, and so on.
fn part(directory: &Path, name: &'static str, rounds: usize, period: Option<u64>) -> Part {
    let paths: Vec<_> = (0..rounds)
        .map(|number| match number % 4 {
            0 => make(directory, name, number, "file"),
            1 => absent(directory, name, number, "no-file"),
            2 => make(directory, name, number, "directory"),
            _ => absent(directory, name, number, "no-directory"),
        })
        .collect();
    Part {
        name,
        period: period.map(Duration::from_micros),
        round: Box::new(move |number| {
            let flags = if number % 4 < 2 { 0 } else { AT_REMOVEDIR };
            let result = remove(&paths[number], flags);
            assert_eq!(result.is_ok(), number % 2 == 0, "{result:?}");
            1
        }),
    }
}

// Its arguments: a directory, and how many rounds.
actor!(removes_what_is_there_and_what_is_not, |stage| {
    let directory = PathBuf::from(stage.arg(0));
    let rounds = stage.text(1).parse().unwrap();
    let parts = vec![
        part(&directory, "one", rounds, None),
        part(&directory, "two", rounds, None),
        part(&directory, "three", rounds, Some(90)),
        part(&directory, "four", rounds, Some(140)),
    ];
    play(stage, rounds, parts);
});

/// What a run can know of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sees {
    /// Nothing: its rung is at the system calls.
    None,
    /// All, but where the kernel refused to run the program that looks at the file.
    Most,
    All,
}

/// Whether the event is what its path says; gives the path.
fn told(event: &Value, sees: Sees) -> Result<String, String> {
    let path = event["path"].as_str().ok_or("no path")?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let words: Vec<_> = name.split('.').collect();
    let [thread, _, inode, kind] = words[..] else {
        return Err("a path that nobody named".into());
    };
    is(event, "comm", thread)?;
    is(event, "path_truncated", false)?;
    let directory = kind.ends_with("directory");
    is(event, "op", if directory { "rmdir" } else { "unlink" })?;
    if kind.starts_with("no-") {
        is(event, "error", "ENOENT")?;
        is(event, "inode", Value::Null)?;
    } else {
        is(event, "ret", 0)?;
        let inode: u64 = inode.parse().unwrap();
        let unseen = sees != Sees::All && event["inode"].is_null();
        if !unseen {
            is(event, "inode", (sees != Sees::None).then_some(inode))?;
        }
    }
    Ok(path.to_owned())
}

fn swaps(beside: Beside) {
    let directory = scratch();
    let actor = Actor::new("removes_what_is_there_and_what_is_not")
        .arg(directory.path())
        .arg(beside.rounds(2000).to_string());
    let (finished, made) = trace("unlinksnoop", &[], actor, beside);
    let sees = match (sees_files(&finished), beside) {
        (false, _) => Sees::None,
        (true, Beside::Nothing) if finished.rung() == "kprobe" => Sees::All,
        (true, _) => Sees::Most,
    };
    holds(&finished, "unlink", beside, made, |event| told(event, sees));
}

#[test]
fn removals_are_what_they_were() {
    swaps(Beside::Nothing);
}

#[test]
fn removals_beside_a_reader_of_a_map() {
    swaps(Beside::Reader);
}
