// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tools are measured under: the loads.

use std::path::Path;

use clap::ValueEnum;
use serde_derive::Serialize;

use crate::measure::Load;

/// A load and the tool that is measured under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// opensnoop at 50,000 opens a second, one thread.
    OpensPaced,
    /// opensnoop under opens flat out, two threads.
    OpensFlat,
    /// opensnoop under a system call that it does not trace.
    OtherSyscalls,
    /// execsnoop under execs, one after the other.
    Execs,
    /// exitsnoop under the same.
    Exits,
    /// biolatency under reads of a disk, one after the other.
    Reads,
    /// runqlat under sleeps, one after the other.
    Sleeps,
    /// syscount under system calls, one after the other.
    Calls,
    /// opensnoop at 50,000 opens a second, asked by a condition that each open meets.
    WhereShown,
    /// The same by a condition that none meets.
    WhereLeftOut,
    /// The same, which counts opens instead.
    CountBy,
    /// The same, which shows all ancestors.
    Ancestors,
    /// The same by a pattern that no path is like.
    PathLeftOut,
}

/// How many operations a storm makes.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Opens in all, paced.
    pub opens: u64,
    /// Opens in all, flat out.
    pub opens_flat: u64,
    /// Other system calls.
    pub getppids: u64,
    /// Execs.
    pub execs: u64,
    /// Reads of a disk.
    pub reads: u64,
    /// Sleeps.
    pub sleeps: u64,
}

impl Subject {
    /// The tool under test.
    #[must_use]
    pub fn tool(self) -> &'static str {
        match self {
            Self::OpensPaced
            | Self::OpensFlat
            | Self::OtherSyscalls
            | Self::WhereShown
            | Self::WhereLeftOut
            | Self::CountBy
            | Self::Ancestors
            | Self::PathLeftOut => "opensnoop",
            Self::Execs => "execsnoop",
            Self::Exits => "exitsnoop",
            Self::Reads => "biolatency",
            Self::Sleeps => "runqlat",
            Self::Calls => "syscount",
        }
    }

    /// What the tool is asked, where that is what is measured: beside the same tool without it, and not beside a peer.
    #[must_use]
    pub fn asks(self) -> &'static [&'static str] {
        match self {
            Self::WhereShown => &["--where", "comm == \"storm\" && fd >= 0"],
            Self::WhereLeftOut => &["--where", "comm != \"storm\" && fd >= 0"],
            Self::CountBy => &["--count-by", "comm,path"],
            Self::Ancestors => &["--ancestors"],
            Self::PathLeftOut => &["--path", "/nowhere/**"],
            _ => &[],
        }
    }

    /// The load; `file` is an existing file for it to open, or a disk to read.
    #[must_use]
    pub fn load(self, sizes: Sizes, file: &Path) -> Load {
        let file = file.display().to_string();
        let (line, marker) = match self {
            Self::OpensPaced => {
                let line = format!("open --rate 50000 --ops {} --path", sizes.opens);
                (line, Some(file))
            }
            Self::OpensFlat => {
                let line = format!("open --threads 2 --ops {} --path", sizes.opens_flat / 2);
                (line, Some(file))
            }
            // Of what is left out or counted there is no line to count.
            Self::WhereShown
            | Self::WhereLeftOut
            | Self::CountBy
            | Self::Ancestors
            | Self::PathLeftOut => {
                let line = format!("open --rate 50000 --ops {} --path {file}", sizes.opens / 2);
                (line, None)
            }
            Self::Reads => {
                let line = format!("read --ops {} --path", sizes.reads);
                (line, Some(file))
            }
            // Others wait as well, and nobody can tell how often: what is seen of it is not counted.
            Self::Sleeps => (format!("sleep --ops {}", sizes.sleeps), None),
            Self::OtherSyscalls | Self::Calls => {
                (format!("getppid --ops {}", sizes.getppids), None)
            }
            Self::Execs | Self::Exits => {
                let line = format!("exec --ops {} --path", sizes.execs);
                (line, Some("/bin/true".to_owned()))
            }
        };
        // The path is the last argument, whatever characters it has.
        let args = line.split(' ').map(str::to_owned).chain(marker.clone());
        Load {
            args: args.collect(),
            // What ends is told of by its name.
            marker: match self {
                Self::Exits => Some("true ".to_owned()),
                Self::Calls => Some("getppid".to_owned()),
                _ => marker,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Sizes;
    use super::Subject;

    #[test]
    fn a_load_ends_with_its_path() {
        let sizes = Sizes {
            opens: 10,
            opens_flat: 20,
            getppids: 30,
            execs: 40,
            reads: 50,
            sleeps: 60,
        };
        let load = Subject::OpensFlat.load(sizes, Path::new("/run/a b"));
        assert_eq!(
            load.args,
            [
                "open",
                "--threads",
                "2",
                "--ops",
                "10",
                "--path",
                "/run/a b"
            ]
        );
        assert_eq!(load.marker.as_deref(), Some("/run/a b"));
        let load = Subject::OtherSyscalls.load(sizes, Path::new("/run/a"));
        assert_eq!((load.args.len(), load.marker), (3, None));
    }
}
