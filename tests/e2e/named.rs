// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--unit`, `--container`, and `--cgroup` by a path below the mount.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;

use nix::libc::MS_BIND;
use nix::sys::signal::Signal;
use tracewell_tests::{Finished, Playing, Tool, scratch};

use crate::cgroups::{Cgroup, mount};
use crate::filters::{names, ready, unique};
use crate::names::Tree;
use crate::{all_tools, event_tools, sys};

/// The id of a container that begins so, and differs from one run of this test to the next.
fn id(start: &str) -> String {
    let own: String = unique("")
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let rest = format!("{start}{own}");
    format!("{rest:0<64}")
}

/// Has a tool see these names of containers in the files that Docker and Podman keep below `/var/lib`, where this place is
/// for it.
fn with_engines(
    mut tool: Tool,
    place: &Path,
    docker: &[(&str, &str)],
    podman: &[(&str, &str)],
) -> Tool {
    for (id, name) in docker {
        let directory = place.join("docker/containers").join(id);
        fs::create_dir_all(&directory).unwrap();
        let config = format!(r#"{{"ID":"{id}","Name":"/{name}","State":{{"Running":true}}}}"#);
        fs::write(directory.join("config.v2.json"), config).unwrap();
    }
    let stored: Vec<_> = podman
        .iter()
        .map(|(id, name)| format!(r#"{{"id":"{id}","names":["{name}"],"layer":"x"}}"#))
        .collect();
    let storage = place.join("containers/storage/overlay-containers");
    fs::create_dir_all(&storage).unwrap();
    fs::write(
        storage.join("containers.json"),
        format!("[{}]", stored.join(",")),
    )
    .unwrap();
    // A guest has none.
    fs::create_dir_all("/var/lib").unwrap();
    let place = place.to_owned();
    let enter = move || {
        sys::own_mounts();
        sys::mount(Some(&place), Path::new("/var/lib"), None, MS_BIND);
        Ok(())
    };
    // SAFETY: the tests' harness does nothing else between fork and exec that this could disturb.
    unsafe { tool.command().pre_exec(enter) };
    tool
}

/// Actors of these names, each in its cgroup.
fn actors<const N: usize>(scratch: &Path, all: [(&str, &Path); N]) -> [Playing; N] {
    all.map(|(name, cgroup)| {
        let actor = ready(scratch, name, 0);
        fs::write(cgroup.join("cgroup.procs"), actor.pid().to_string()).unwrap();
        actor
    })
}

fn seen(finished: &Finished, scratch: &Path) -> Vec<String> {
    let mut names = names(finished, scratch);
    names.sort();
    names.dedup();
    names
}

#[test]
fn units_and_containers_are_cgroups_by_name() {
    let (root, engines) = (Cgroup::new(), scratch());
    let (one, two, three) = (id("aa"), id("ab"), id("cc"));
    let service = unique("");
    let paths = [
        format!("system.slice/{service}.service"),
        format!("user.slice/user@1.service/{service}.service"),
        format!("system.slice/docker-{one}.scope"),
        format!("kubepods/pod1/{two}"),
        format!("machine.slice/libpod-{three}.scope/container"),
        "plain".to_owned(),
    ];
    let trees: Vec<_> = paths.iter().map(|path| Tree::below(&root, path)).collect();
    let places = paths.each_ref().map(|path| root.path().join(path));
    let below = |name: &str| format!("!{}/{name}", root.path().display());
    let cases: [(&[&str], &[&str]); 9] = [
        (&["--unit", &service], &["service", "user"]),
        (
            &["--unit", &format!("{service}.service")],
            &["service", "user"],
        ),
        (&["--container", &one], &["docker"]),
        (&["--container", &one[..12]], &["docker"]),
        (
            &["--container", &format!("{one},{two}")],
            &["docker", "pod"],
        ),
        (&["--container", "web,base"], &["docker", "podman"]),
        (
            &["--container", "web", "--container", &two],
            &["docker", "pod"],
        ),
        // What others say can be left out.
        (
            &["--unit", &service, "--cgroup", &below("user.slice")],
            &["service"],
        ),
        (
            &[
                "--cgroup",
                &root.path().display().to_string(),
                "--unit",
                &format!("!{service}"),
                "--container",
                "!web",
            ],
            &["plain", "pod", "podman"],
        ),
    ];
    for tool in ["opensnoop", "execsnoop"] {
        for (args, expected) in &cases {
            let scratch = scratch();
            let actors = actors(
                scratch.path(),
                [
                    ("service", &places[0]),
                    ("user", &places[1]),
                    ("docker", &places[2]),
                    ("pod", &places[3]),
                    ("podman", &places[4]),
                    ("plain", &places[5]),
                ],
            );
            let run = Tool::new(tool).json().args(*args);
            let run = if tool == "execsnoop" {
                run.arg("-x")
            } else {
                run
            };
            let run =
                with_engines(run, engines.path(), &[(&one, "web")], &[(&three, "base")]).start();
            for actor in actors {
                actor.go();
                actor.finish();
            }
            let finished = run.finish().success();
            assert_eq!(
                seen(&finished, scratch.path()),
                *expected,
                "{tool} {args:?}"
            );
        }
    }
    trees.into_iter().rev().for_each(drop);
}

#[test]
fn every_tool_takes_them() {
    let root = Cgroup::new();
    let id = id("dd");
    let tree = Tree::below(&root, format!("docker-{id}.scope"));
    let unit = format!("docker-{id}.scope");
    let below = root.path().strip_prefix(mount()).unwrap();
    let below = below.to_str().unwrap();
    // It has no children.
    let place = scratch();
    let parent = ready(place.path(), "parent", 0);
    let parent_pid = parent.pid().to_string();
    for tool in all_tools() {
        for args in [
            ["--unit", &unit],
            ["--container", &id[..16]],
            ["--cgroup", below],
            ["--ppid", &parent_pid],
        ] {
            if tool == "biolatency" && crate::biolatency::submitters_are_hidden(&args) {
                continue;
            }
            let run = Tool::new(tool).json().args(args);
            let finished = run.args(["--duration", "20ms"]).run().success();
            assert_eq!(finished.summary()["events"], 0, "{tool} {args:?}");
        }
    }
    drop(tree);
}

#[test]
fn a_parent_is_a_filter_of_every_tool_of_events() {
    let own = std::process::id();
    for tool in event_tools() {
        let run = Tool::new(tool)
            .json()
            .args(["--ppid", &own.to_string()])
            .start();
        let status = std::process::Command::new("sh")
            .args(["-c", ": >/tmp/gone-$$; sync /tmp/gone-$$; rm /tmp/gone-$$; cat /etc/hostname >/dev/null; exec sync -d /etc/hostname"])
            .status();
        assert!(status.unwrap().success());
        let events = run.finish().success().objects();
        let events: Vec<_> = events
            .iter()
            .filter(|event| event["event"] != "summary")
            .collect();
        // Its children's children have another parent, and these have nothing to tell of sh itself.
        let silent = ["bashreadline", "gethostlatency", "unlinksnoop"];
        assert!(
            events.iter().all(|event| event["ppid"] == own),
            "{tool}: {events:?}"
        );
        // Whether the disk of /tmp is asked for anything is up to its file system, and other tests have children that connect.
        let is_open = tool == "biosnoop" || tool.starts_with("tcp");
        assert!(
            is_open || events.is_empty() == silent.contains(&tool),
            "{tool}: {events:?}"
        );
    }
}

#[test]
fn what_comes_later_by_the_same_name_is_followed() {
    let (root, engines) = (Cgroup::new(), scratch());
    let (first, second) = (id("ee0"), id("ee1"));
    let scope = |id: &str| Tree::below(&root, format!("docker-{id}.scope"));
    let scratch = scratch();
    let old = scope(&first);
    let run = Tool::new("opensnoop").json().args(["--container", "web"]);
    let run = with_engines(
        run,
        engines.path(),
        &[(&first, "web"), (&second, "web")],
        &[],
    )
    .start();
    let play = |name: &str, tree: &Tree| {
        let [actor] = actors(scratch.path(), [(name, tree.path())]);
        actor.go();
        actor.finish();
    };
    play("old", &old);
    let path = old.path().display().to_string();
    drop(old);
    run.stderr_until(|said| said.contains(&format!("{path} is gone")));
    // The container was made anew, and has another id.
    let new = scope(&second);
    let path = new.path().display().to_string();
    run.stderr_until(|said| said.contains(&format!("{path} was made, and is traced from here on")));
    play("new", &new);
    // It is started again, and has the same.
    drop(new);
    run.stderr_until(|said| said.contains(&format!("{path} is gone")));
    let again = scope(&second);
    run.stderr_until(|said| said.contains(&format!("{path} was made again")));
    play("again", &again);
    let finished = run.finish().success();
    // Nobody knows what ran in them before they were found.
    assert_eq!(finished.summary()["account"], "unknown");
    assert_eq!(seen(&finished, scratch.path()), ["again", "new", "old"]);
    drop(again);
}

#[test]
fn one_that_comes_just_before_the_end_is_missing() {
    let root = Cgroup::new();
    let unit = unique("");
    let first = Tree::below(&root, format!("a/{unit}.service"));
    let run = Tool::new("opensnoop")
        .json()
        .args(["--unit", &unit])
        .start();
    run.stop();
    let second = Tree::below(&root, format!("b/{unit}.service"));
    run.signal(Signal::SIGCONT);
    let finished = run.finish().success();
    assert_eq!(
        finished.summary()["account"],
        "unknown",
        "{}",
        finished.stderr
    );
    drop((first, second));
}

#[test]
fn what_names_nothing_is_an_error_that_says_what_there_is() {
    let (root, engines) = (Cgroup::new(), scratch());
    let unit = unique("x");
    let id = id("ff");
    let trees = (
        Tree::below(&root, format!("{unit}.service")),
        Tree::below(&root, format!("docker-{id}.scope")),
    );
    let close = format!("{}.service", &unit[..unit.len() - 1]);
    let cases: [(&[&str], &[&str]); 6] = [
        (
            &["--unit", &close],
            &[
                "--unit: there is no cgroup of a unit",
                &format!("{unit}.service"),
            ],
        ),
        (&["--unit", "nothing like any of them"], &["systemd-cgls"]),
        (
            &["--container", "wev"],
            &[
                "--container: there is no cgroup of a container that is called wev",
                "(web)",
                &id[..12],
            ],
        ),
        (
            &["--container", &format!("{id}0")],
            &["there are ", &id[..12]],
        ),
        (
            &["--cgroup", "no/such"],
            &[
                "--cgroup no/such: No such file",
                &mount().join("no/such").display().to_string(),
            ],
        ),
        (
            &["--unit", &unit, "--container", &id],
            &[
                "only one of them can say which cgroups are wanted",
                "--container '!NAME'",
            ],
        ),
    ];
    for tool in ["opensnoop", "syscount", "runqlat"] {
        for (args, parts) in &cases {
            let run = with_engines(
                Tool::new(tool).args(*args),
                engines.path(),
                &[(&id, "web")],
                &[],
            );
            let finished = run.run().ended_with(2);
            for part in *parts {
                assert!(
                    finished.stderr.contains(part),
                    "{tool} {args:?}: {}",
                    finished.stderr
                );
            }
        }
    }
    // To leave out what is not there does what it says.
    let run = Tool::new("opensnoop").args(["--unit", "!no-such", "--duration", "1ms"]);
    assert_eq!(run.run().code(), Some(0));
    drop(trees);
}
