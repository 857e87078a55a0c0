// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loads: for each tool something to see, of which every event is counted as it is made.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, id};

use serde_json::Value;

use super::disk::Disk;
use super::ending;

/// A load that is ready to be made.
pub(crate) struct Load {
    /// The options with which the tool tells of this load, and of as little else as it can.
    pub(crate) args: Vec<OsString>,
    /// Makes this many events, on a thread that is called [`name`]; gives how many they were.
    pub(crate) make: Box<dyn FnMut(u64) -> io::Result<u64> + Send>,
    /// How many of them a JSON object of the tool's output tells of.
    pub(crate) seen: Box<dyn Fn(&Value) -> u64 + Send>,
}

/// Gets a load ready in an empty directory. An error is why it cannot be had here.
pub(crate) type Prepare = fn(&Path) -> Result<Load, String>;

/// What the thread that makes a load is called, and the programs that it starts: the tools' filter in the kernel.
pub(crate) fn name() -> String {
    format!("tw-{}", id())
}

fn filter() -> Vec<OsString> {
    vec!["--comm".into(), name().into()]
}

/// One event for each object of this kind whose path is of the load: the C library opens files of its own.
fn below(directory: &Path, kind: &'static str) -> Box<dyn Fn(&Value) -> u64 + Send> {
    let directory = directory.to_owned();
    Box::new(move |object| {
        let path = object["path"].as_str().map(Path::new);
        let ours = path.is_some_and(|path| path.starts_with(&directory));
        u64::from(object["event"] == kind && ours)
    })
}

/// Programs that start: this one, by another name.
pub(crate) fn execs(directory: &Path) -> Result<Load, String> {
    let told = |error: io::Error| error.to_string();
    let program = directory.join(name());
    symlink(std::env::current_exe().map_err(told)?, &program).map_err(told)?;
    Ok(Load {
        args: filter(),
        make: Box::new(move |count| {
            for made in 0..count {
                if ending::asked() {
                    return Ok(made);
                }
                let mut command = Command::new(&program);
                command
                    .arg("--list")
                    .stdin(Stdio::null())
                    .stdout(Stdio::null());
                command.status()?;
            }
            Ok(count)
        }),
        seen: Box::new(|object| u64::from(object["event"] == "exec")),
    })
}

/// Files that are made, opened again, and looked for in vain.
pub(crate) fn opens(directory: &Path) -> Result<Load, String> {
    let seen = below(directory, "open");
    let directory = directory.to_owned();
    let make = move |count| {
        for number in 0..count {
            if ending::asked() {
                return Ok(number);
            }
            let path = directory.join(format!("file-{}", number / 3));
            match number % 3 {
                0 => drop(File::create(path)?),
                1 => drop(File::open(path)?),
                _ => drop(File::open(directory.join("absent"))),
            }
        }
        Ok(count)
    };
    Ok(Load {
        args: filter(),
        make: Box::new(make),
        seen,
    })
}

/// Files and directories that are removed, some of which are not there.
pub(crate) fn removals(directory: &Path) -> Result<Load, String> {
    let seen = below(directory, "unlink");
    let directory = directory.to_owned();
    let make = move |count| {
        let path: PathBuf = directory.join("removed");
        for number in 0..count {
            if ending::asked() {
                return Ok(number);
            }
            match number % 3 {
                0 => {
                    drop(File::create(&path)?);
                    fs::remove_file(&path)?;
                }
                1 => {
                    fs::create_dir(&path)?;
                    fs::remove_dir(&path)?;
                }
                _ => drop(fs::remove_file(&path)),
            }
        }
        Ok(count)
    };
    Ok(Load {
        args: filter(),
        make: Box::new(make),
        seen,
    })
}

/// Reads and writes of a disk of its own.
pub(crate) fn requests(directory: &Path) -> Result<Load, String> {
    let mut disk =
        Disk::new(directory).map_err(|error| format!("no loop device can be had: {error}"))?;
    let mut args = filter();
    args.extend(["--disk".into(), disk.name().into()]);
    Ok(Load {
        args,
        make: Box::new(move |count| {
            for number in 0..count {
                if ending::asked() {
                    return Ok(number);
                }
                disk.request(number, number % 2 == 0)?;
            }
            Ok(count)
        }),
        seen: Box::new(|object| {
            let histogram = object["event"] == "histogram";
            histogram
                .then(|| object["count"].as_u64())
                .flatten()
                .unwrap_or(0)
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::{Prepare, opens, removals};
    use serde_json::json;

    #[test]
    fn a_load_is_as_large_as_was_asked_for_and_knows_its_own() {
        for (prepare, kind) in [(opens as Prepare, "open"), (removals, "unlink")] {
            let directory = tempfile::tempdir().unwrap();
            let mut load = prepare(directory.path()).unwrap();
            for count in [1, 10] {
                assert_eq!((load.make)(count).unwrap(), count);
            }
            let own = directory.path().join("file-0");
            let told = |kind, path| (load.seen)(&json!({"event": kind, "path": path}));
            assert_eq!(told(kind, own.to_str()), 1);
            assert_eq!(told("lost", own.to_str()), 0);
            assert_eq!(told(kind, Some("/etc/passwd")), 0);
            assert_eq!(told(kind, None), 0);
        }
    }
}
