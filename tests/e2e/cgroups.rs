// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--cgroup`, and cgroups to try it with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tracewell_tests::{Playing, Tool, scratch};

use crate::filters::{names, ready, unique};

/// A cgroup of this test's own; removed when dropped, by when no process may be in it.
pub(crate) struct Cgroup(PathBuf);

impl Cgroup {
    pub(crate) fn new() -> Self {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let mut fields = mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>());
        let mount = fields
            .find(|fields| fields[2] == "cgroup2")
            .expect("a mounted cgroup v2");
        Self::at(Path::new(mount[1]).join(unique("")))
    }

    fn at(path: PathBuf) -> Self {
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn below(&self, name: &str) -> Self {
        Self::at(self.0.join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn add(&self, actor: &Playing) {
        fs::write(self.0.join("cgroup.procs"), actor.pid().to_string()).unwrap();
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        drop(fs::remove_dir(&self.0));
    }
}

#[test]
fn by_cgroup_and_those_below_it() {
    for (tool, option, times) in [("opensnoop", "--cgroup", 2), ("execsnoop", "-c", 1)] {
        let scratch = scratch();
        let cgroup = Cgroup::new();
        let below = cgroup.below("below");
        let actors =
            ["inside", "below", "late", "outside"].map(|name| ready(scratch.path(), name, 0));
        cgroup.add(&actors[0]);
        below.add(&actors[1]);

        let path = cgroup.path().to_str().unwrap();
        let run = Tool::new(tool).json().args([option, path]);
        let run = if tool == "execsnoop" {
            run.arg("-x")
        } else {
            run
        }
        .start();
        // Made when the tool already runs.
        let late = below.below("late");
        late.add(&actors[2]);
        for actor in actors {
            actor.go();
            actor.finish();
        }
        let names = names(&run.finish().success(), scratch.path());
        assert_eq!(names.len(), 3 * times, "{tool}: {names:?}");
        let names: BTreeSet<_> = names.iter().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(["inside", "below", "late"]), "{tool}");
        drop(late);
        drop(below);
    }
}
