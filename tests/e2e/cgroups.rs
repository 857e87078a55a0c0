// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--cgroup`, and cgroups to try it with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use tracewell_shared::trace::cgroups::shows_root;
use tracewell_tests::{Playing, Tool, note, scratch};

use crate::biolatency::submitters_are_hidden;
use crate::filters::{names, ready, unique};

/// Where cgroup v2 is mounted.
pub(crate) fn mount() -> PathBuf {
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    let mut fields = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    let mount = fields.find(|fields| fields[2] == "cgroup2");
    PathBuf::from(mount.expect("a mounted cgroup v2")[1])
}

/// A cgroup of this test's own; removed when dropped, by when no process may be in it.
pub(crate) struct Cgroup(PathBuf);

impl Cgroup {
    pub(crate) fn new() -> Self {
        Self::at(mount().join(unique("")))
    }

    pub(crate) fn at(path: PathBuf) -> Self {
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn below(&self, name: &str) -> Self {
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

/// As systemd does with a service that it restarts.
#[test]
fn one_that_is_made_again_is_followed_again() {
    for tool in ["opensnoop", "execsnoop"] {
        let scratch = scratch();
        let above = Cgroup::new();
        let cgroup = above.below("service");
        let path = cgroup.path().to_str().unwrap().to_owned();
        let run = Tool::new(tool).json().args(["--cgroup", &path]);
        let run = if tool == "execsnoop" {
            run.arg("-x")
        } else {
            run
        };
        let run = run.start();
        let play = |name: &str, cgroup: &Cgroup| {
            let actor = ready(scratch.path(), name, 0);
            cgroup.add(&actor);
            actor.go();
            actor.finish();
        };
        play("before", &cgroup);
        drop(cgroup);
        run.stderr_until(|said| said.contains(&format!("the cgroup {path} is gone")));
        let again = above.below("service");
        run.stderr_until(|said| said.contains(&format!("the cgroup {path} was made again")));
        play("after", &again);
        drop(again);
        // The directory above, too: nothing tells of that, and it is found by looking.
        drop(above);
        let above = Cgroup::at(Path::new(&path).parent().unwrap().to_owned());
        let again = above.below("service");
        run.stderr_until(|said| said.matches("was made again").count() == 2);
        play("last", &again);
        let finished = run.finish().success();
        // Nobody knows what ran in it before it was found.
        assert_eq!(finished.summary()["account"], "unknown", "{tool}");
        let names = names(&finished, scratch.path());
        let mut names: Vec<_> = names.iter().map(String::as_str).collect();
        names.dedup();
        assert_eq!(names, ["before", "after", "last"], "{tool}");
        drop(again);
        drop(above);
    }
}

/// Lets an actor open something in this cgroup, which is removed then.
fn live_shortly(scratch: &Path, cgroup: Cgroup) {
    let actor = ready(scratch, "short", 0);
    cgroup.add(&actor);
    actor.go();
    actor.finish();
    fs::remove_dir(cgroup.path()).unwrap();
}

#[test]
fn one_that_is_gone_again_before_it_is_found_is_missing() {
    let account = |exclude: &str, life: &dyn Fn(&Path, Cgroup, Cgroup)| {
        let scratch = scratch();
        let above = Cgroup::new();
        let cgroup = above.below("service");
        let path = cgroup.path().to_str().unwrap().to_owned();
        let value = format!("{exclude}{path}");
        let run = Tool::new("opensnoop").json().args(["--cgroup", &value]);
        let run = run.start();
        // Nothing is looked at until the end.
        run.stop();
        life(scratch.path(), above, cgroup);
        run.signal(Signal::SIGCONT);
        let finished = run.finish().success();
        finished.summary()["account"].as_str().unwrap().to_owned()
    };
    let again = |scratch: &Path, above: Cgroup, cgroup: Cgroup| {
        drop(cgroup);
        live_shortly(scratch, above.below("service"));
    };
    let both_again = |scratch: &Path, above: Cgroup, cgroup: Cgroup| {
        let path = above.path().to_owned();
        drop(cgroup);
        drop(above);
        let above = Cgroup::at(path);
        live_shortly(scratch, above.below("service"));
    };
    let both_gone = |_: &Path, above: Cgroup, cgroup: Cgroup| {
        drop(cgroup);
        drop(above);
    };
    let usual = account("", &|_, _, _| {});
    assert_eq!(account("", &both_gone), usual);
    assert_eq!(account("", &again), "unknown");
    assert_eq!(account("", &both_again), "unknown");
    // What ran in one that is left out is told.
    assert_eq!(account("!", &both_again), usual);
}

/// Where only a look tells of it, and the end comes before that.
#[test]
fn one_that_is_made_again_just_before_the_end_is_missing() {
    let scratch = scratch();
    let above = Cgroup::new();
    let cgroup = above.below("service");
    let path = cgroup.path().to_str().unwrap().to_owned();
    let run = Tool::new("opensnoop").json().args(["--cgroup", &path]);
    let run = run.start();
    fs::remove_dir(cgroup.path()).unwrap();
    let gone = format!("the cgroup {path} is gone");
    run.stderr_until(|said| said.contains(&gone));
    let place = above.path().to_owned();
    drop(above);
    let above = Cgroup::at(place);
    live_shortly(scratch.path(), above.below("service"));
    let finished = run.finish().success();
    assert_eq!(finished.summary()["account"], "unknown");
    assert!(
        finished.stderr.contains("may have been there again")
            || finished.stderr.contains("was made again"),
        "{}",
        finished.stderr
    );
}

/// The kernel is asked for the current task's at any depth; above what a request is for, the programs look themselves.
#[test]
fn only_owners_that_are_not_the_current_task_have_a_deepest_level() {
    let deepest = |levels: usize| {
        let mut path = vec![Cgroup::new()];
        while path.len() < levels {
            path.push(path[path.len() - 1].below("d"));
        }
        // Those below are removed first.
        path.reverse();
        path
    };
    if !shows_root(&mount()) {
        note("not tried: the root of the hierarchy is not shown here");
        return;
    }
    for (levels, expected) in [(31, 0), (32, 2)] {
        let path = deepest(levels);
        let path = path[0].path().to_str().unwrap();
        for tool in crate::all_tools() {
            let args = ["--cgroup", path, "--duration", "20ms"];
            // A request's, and a task's that waits; others filter the task in which the program runs.
            let filters_owners = ["biolatency", "biosnoop", "biotop", "runqlat"].contains(&tool);
            if tool == "biolatency" && submitters_are_hidden(&["-c", path]) {
                continue;
            }
            let finished = Tool::new(tool).args(args).run();
            let finished = finished.ended_with(if filters_owners { expected } else { 0 });
            let said = finished.stderr.contains("31 levels below the root");
            assert_eq!(said, filters_owners && expected == 2, "{}", finished.stderr);
        }
    }
}

#[test]
fn cgroups_are_a_set() {
    let scratch = scratch();
    let (one, two) = (Cgroup::new(), Cgroup::new());
    let below = one.below("below");
    let [first, second, inner] =
        [&one, &two, &below].map(|cgroup| cgroup.path().to_str().unwrap().to_owned());
    let cases: [(&[&str], &[&str]); 4] = [
        (&[&format!("{first},{second}")], &["below", "one", "two"]),
        (&[&first, &second], &["below", "one", "two"]),
        // A part of what is wanted is left out.
        (&[&format!("{first},!{inner}")], &["one"]),
        (&[&format!("!{first}")], &["outside", "two"]),
    ];
    for (paths, expected) in cases {
        let actors = ["one", "two", "below", "outside"].map(|name| ready(scratch.path(), name, 0));
        one.add(&actors[0]);
        two.add(&actors[1]);
        below.add(&actors[2]);
        let args = paths.iter().flat_map(|path| ["--cgroup", path]);
        let run = Tool::new("opensnoop").json().args(args).start();
        for actor in actors {
            actor.go();
            actor.finish();
        }
        let mut names = names(&run.finish().success(), scratch.path());
        names.sort();
        names.dedup();
        assert_eq!(names, expected, "{paths:?}");
    }
    drop(below);
}

/// Why nothing was seen is said once the tool may ask little of the machine any more.
#[test]
fn an_idle_one_ends_as_it_should() {
    let cgroup = Cgroup::new();
    let path = cgroup.path().to_str().unwrap();
    for tool in crate::all_tools() {
        let args = ["--cgroup", path, "--duration", "50ms"];
        let finished = Tool::new(tool).json().args(args).run().success();
        assert_eq!(finished.summary()["events"], 0, "{tool}");
    }
}
