// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that a tool states for itself: something for it to see, of which every event is known.
//!
//! `tracewell selftest` makes it beside the tool, and says how much of it the tool told.

pub mod library;
mod loop_device;
pub mod sockets;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio, id};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use serde_json::Value;

use loop_device::LoopDevice;

/// A load that is ready to be made.
pub struct Load {
    /// The options with which the tool tells of this load, besides [`filter`].
    pub args: Vec<OsString>,
    /// Makes the event of this number; they are made in order, from 0, on a thread that is called [`name`].
    pub make: Box<dyn FnMut(u64) -> io::Result<()> + Send>,
    /// How many of the events a JSON object of the tool's output tells of.
    pub seen: Box<dyn Fn(&Value) -> u64 + Send>,
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut load = f.debug_struct("Load");
        load.field("args", &self.args).finish_non_exhaustive()
    }
}

/// Gets a load ready in an empty directory. An error is why it cannot be had here.
pub type Prepare = fn(&Path) -> Result<Load, String>;

/// What the thread that makes a load is called, and the programs that it starts.
pub fn name() -> String {
    format!("tw-{}", id())
}

/// The options that have a tool tell of the load's thread and programs, and of no other.
pub fn filter() -> Vec<OsString> {
    vec!["--comm".into(), name().into()]
}

/// As many events as a histogram or a row counts.
pub fn counted() -> Box<dyn Fn(&Value) -> u64 + Send> {
    Box::new(|object| match object["event"].as_str() {
        Some("histogram" | "row") => object["count"].as_u64().unwrap_or(0),
        _ => 0,
    })
}

/// The same load where one that is made may come to more than one event, by the kernel's doing: those beyond the number that
/// was made are not counted.
pub fn at_least(load: Load) -> Load {
    let Load {
        args,
        mut make,
        seen,
    } = load;
    // Made, and not seen yet.
    let unseen = Arc::new(AtomicU64::new(0));
    let made = Arc::clone(&unseen);
    Load {
        args,
        make: Box::new(move |number| {
            made.fetch_add(1, Ordering::Relaxed);
            make(number)
        }),
        seen: Box::new(move |object| {
            let more = seen(object).min(unseen.load(Ordering::Relaxed));
            unseen.fetch_sub(more, Ordering::Relaxed);
            more
        }),
    }
}

/// Reads and writes of a disk of its own, one request each.
///
/// # Errors
///
/// Why it cannot be had here.
pub fn requests(directory: &Path) -> Result<Load, String> {
    requests_told(directory, counted())
}

/// The same, of which each is one object of this kind.
///
/// # Errors
///
/// As [`requests`].
pub fn each_request(directory: &Path, kind: &'static str) -> Result<Load, String> {
    requests_told(directory, of_kind(kind))
}

/// One event for each object of this kind.
fn of_kind(kind: &'static str) -> Box<dyn Fn(&Value) -> u64 + Send> {
    Box::new(move |object| u64::from(object["event"] == kind))
}

fn requests_told(
    directory: &Path,
    seen: Box<dyn Fn(&Value) -> u64 + Send>,
) -> Result<Load, String> {
    let disk = LoopDevice::new(directory);
    let mut disk = disk.map_err(|error| format!("no loop device can be had: {error}"))?;
    Ok(Load {
        args: vec!["--disk".into(), disk.name().into()],
        make: Box::new(move |number| disk.request(number, number % 2 == 0)),
        seen,
    })
}

/// One event for each object of this kind whose path is of the load: the C library opens files of its own.
pub fn below(directory: &Path, kind: &'static str) -> Box<dyn Fn(&Value) -> u64 + Send> {
    let directory = directory.to_owned();
    Box::new(move |object| {
        let path = object["path"].as_str().map(Path::new);
        let ours = path.is_some_and(|path| path.starts_with(&directory));
        u64::from(object["event"] == kind && ours)
    })
}

/// Programs that start and end: this one, by another name. Each is one object of this kind.
pub fn programs(directory: &Path, kind: &'static str) -> Result<Load, String> {
    let told = |error: io::Error| error.to_string();
    let program = directory.join(name());
    symlink(std::env::current_exe().map_err(told)?, &program).map_err(told)?;
    Ok(Load {
        args: Vec::new(),
        make: Box::new(move |_| {
            let mut command = Command::new(&program);
            command
                .arg("--list")
                .stdin(Stdio::null())
                .stdout(Stdio::null());
            command.status().map(drop)
        }),
        seen: of_kind(kind),
    })
}
