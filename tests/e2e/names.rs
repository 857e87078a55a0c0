// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--names`: the cgroup, unit, container and user of each event, with cgroups as service managers and container runtimes
//! make them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use data_encoding::BASE64;
use nix::libc::{O_CREAT, O_RDWR};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Uid, User};
use serde_json::{Value, json};
use tracewell_shared::trace::cgroups::shows_root;
use tracewell_tests::{Actor, Finished, Tool, actor, note, scratch};

use crate::bashreadline::readline;
use crate::cgroups::{Cgroup, mount};
use crate::disk::{Disk, read_one_block};
use crate::event_tools;
use crate::gethostlatency::number;
use crate::schema::check_all;
use crate::sockets::talk;
use crate::sys::{self, AT_FDCWD, c};

/// The id of a container.
const ID: &str = "4f1e2d3c4b5a69788796a5b4c3d2e1f04f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// The directories from a cgroup down a path, made as they are missing; removed with the first.
pub(crate) struct Tree(Vec<Cgroup>);

impl Tree {
    pub(crate) fn below(root: &Cgroup, path: impl AsRef<Path>) -> Self {
        let mut made = Vec::new();
        let mut place = root.path().to_owned();
        for name in path.as_ref() {
            place.push(name);
            if !place.is_dir() {
                made.push(Cgroup::at(place.clone()));
            }
        }
        // Those below are removed first.
        made.reverse();
        Self(made)
    }

    /// The innermost.
    pub(crate) fn path(&self) -> &Path {
        self.0[0].path()
    }
}

/// The path of a cgroup as events have it.
fn told_path(cgroup: &Path) -> PathBuf {
    Path::new("/").join(cgroup.strip_prefix(mount()).unwrap())
}

/// Whether paths from the root of the hierarchy are those below the mount; said where they are not.
fn root_is_shown() -> bool {
    let shown = shows_root(&mount());
    if !shown {
        note("not tried: the root of the hierarchy is not shown here");
    }
    shown
}

/// Enters a cgroup.
fn go_into(cgroup: impl AsRef<Path>) {
    fs::write(cgroup.as_ref().join("cgroup.procs"), "0").unwrap();
}

// Its arguments: a cgroup, a directory, a disk. In namespaces of its own there, as a container's process is: makes a file, has
// it written, removes it, looks a host up, makes a connection, reads a line and a disk, and runs a program, of all of which
// each tool tells something.
actor!(lives_in_a_container, |stage| {
    go_into(stage.arg(0));
    unshare(
        CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWCGROUP,
    )
    .unwrap();
    let path = c(Path::new(stage.arg(1)).join("file"));
    let file = sys::openat(AT_FDCWD, &path, O_CREAT | O_RDWR, 0o600).unwrap();
    sys::fdatasync(std::os::fd::AsRawFd::as_raw_fd(&file)).unwrap();
    sys::unlink(&path).unwrap();
    assert_eq!(number(c"127.0.0.1"), 0);
    talk();
    assert!(!readline(c"a line".as_ptr()).is_null());
    read_one_block(Path::new(stage.arg(2)));
    assert!(Command::new("/bin/true").status().unwrap().success());
});

/// What each tool tells in all of this.
const KINDS: [(&str, &str); 11] = [
    ("opensnoop", "open"),
    ("unlinksnoop", "unlink"),
    ("syncsnoop", "sync"),
    ("execsnoop", "exec"),
    ("exitsnoop", "exit"),
    ("gethostlatency", "lookup"),
    ("bashreadline", "line"),
    ("biosnoop", "request"),
    ("tcpconnlat", "connect"),
    ("tcplife", "connection"),
    ("tcpretrans", "retransmit"),
];

/// The events of a tool that traces what happens in a cgroup, each with its names.
fn events(tool: &str, root: &Cgroup, disk: &Disk, life: impl FnOnce()) -> Vec<Value> {
    let kind = KINDS.iter().find(|(name, _)| *name == tool);
    let (_, kind) = kind.unwrap_or_else(|| panic!("say what {tool} tells of"));
    let mut run = Tool::new(tool).json();
    if tool == "bashreadline" {
        run = run.arg("-s").arg(std::env::current_exe().unwrap());
    }
    if tool == "biosnoop" {
        run = run.args(["--disk", disk.name()]);
    }
    let run = run.args(["--names", "--cgroup"]).arg(root.path()).start();
    life();
    let finished = run.finish().success();
    check_all(&finished);
    finished.events(kind)
}

fn names(event: &Value) -> [&Value; 4] {
    ["cgroup", "unit", "container", "user"].map(|name| &event[name])
}

#[test]
fn a_containers_process_has_its_names_in_every_tool() {
    if !root_is_shown() {
        return;
    }
    let user = User::from_uid(Uid::from_raw(0)).unwrap();
    let user = json!(user.map(|user| user.name));
    // As Docker, containerd, CRI-O and Podman make them, by systemd and by themselves; and services.
    let paths = [
        (
            "system.slice/docker-ID.scope",
            Some("docker-ID.scope"),
            true,
        ),
        (
            "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-ID.scope",
            Some("cri-containerd-ID.scope"),
            true,
        ),
        (
            "kubepods.slice/crio-ID.scope/container",
            Some("crio-ID.scope"),
            true,
        ),
        (
            "machine.slice/libpod-ID.scope/container",
            Some("libpod-ID.scope"),
            true,
        ),
        ("docker/ID", None, true),
        (
            "docker/ID/system.slice/nginx.service",
            Some("nginx.service"),
            true,
        ),
        ("kubepods/burstable/pod1-2/ID", None, true),
        ("libpod_parent/libpod-ID", None, true),
        ("system.slice/ssh.service", Some("ssh.service"), false),
        (
            "user.slice/user-1000.slice/user@1000.service/app.slice/app-a\\x2db.scope",
            Some("app-a\\x2db.scope"),
            false,
        ),
        ("plain", None, false),
    ];
    let with_id = |text: &str| text.replace("ID", ID);
    let disk = Disk::new();
    let device = disk.device();
    for tool in event_tools() {
        let (root, scratch) = (Cgroup::new(), scratch());
        let trees: Vec<_> = paths
            .iter()
            .map(|(path, ..)| Tree::below(&root, with_id(path)))
            .collect();
        // What was made for an earlier one is its own.
        let places = paths.map(|(path, ..)| root.path().join(with_id(path)));
        let events = events(tool, &root, &disk, || {
            for place in &places {
                let actor = Actor::new("lives_in_a_container");
                let actor = actor.arg(place).arg(scratch.path()).arg(device).start();
                actor.go();
                actor.finish();
            }
        });
        for ((_, unit, is_container), place) in paths.iter().zip(&places) {
            let path = told_path(place);
            let path = path.to_str().unwrap();
            let of_this: Vec<_> = events
                .iter()
                .filter(|event| event["cgroup"] == path)
                .collect();
            let least = match tool {
                // The actor itself, and the program that it ran.
                "exitsnoop" => 2,
                _ => 1,
            };
            assert!(of_this.len() >= least, "{tool} {path}: {events:?}");
            if tool != "opensnoop" {
                assert_eq!(of_this.len(), least, "{tool} {path}: {of_this:?}");
            }
            for event in of_this {
                let expected = [
                    json!(path),
                    json!(unit.map(with_id)),
                    json!(is_container.then_some(ID)),
                    user.clone(),
                ];
                assert_eq!(names(event), expected.each_ref(), "{tool}");
            }
        }
        // Some lie in what was made for one before.
        trees.into_iter().rev().for_each(drop);
    }
}

// Its arguments: a cgroup, a directory, how many. Lives in so many cgroups below, one after the other, which are gone at
// once; and does in each what tools tell of.
actor!(lives_in_many, |stage| {
    let (root, directory) = (PathBuf::from(stage.arg(0)), PathBuf::from(stage.arg(1)));
    let count: u32 = stage.text(2).parse().unwrap();
    let waiting = root.join("waiting");
    for number in 0..count {
        let cgroup = root.join(format!("short{number}.service"));
        fs::create_dir(&cgroup).unwrap();
        go_into(&cgroup);
        drop(sys::read(directory.join(number.to_string())));
        go_into(&waiting);
        fs::remove_dir(&cgroup).unwrap();
    }
});

#[test]
fn a_thousand_cgroups_that_are_gone_at_once_have_their_names() {
    let count = 1000;
    for buffer in ["ring", "perf"] {
        let (root, scratch) = (Cgroup::new(), scratch());
        let waiting = root.below("waiting");
        let actor = Actor::new("lives_in_many");
        let actor = actor.arg(root.path()).arg(scratch.path());
        let actor = actor.arg(count.to_string()).start();
        let run = Tool::new("opensnoop").json();
        let run = run.args(["--names", "--buffer", buffer, "--pid"]);
        let run = run.arg(actor.pid().to_string()).start();
        // Not one is there any more when the first event is read.
        run.stop();
        actor.go();
        actor.finish();
        run.signal(nix::sys::signal::Signal::SIGCONT);
        let finished = run.finish().success();
        let events = finished.events("open");
        for number in 0..count {
            let path = scratch.path().join(number.to_string());
            let event = sys::find(&events, "path", path.to_str().unwrap());
            let unit = format!("short{number}.service");
            let cgroup = event["cgroup"].as_str().unwrap();
            assert_eq!(event["unit"], unit, "{event}");
            assert!(cgroup.ends_with(&format!("/{unit}")), "{event}");
        }
        drop(waiting);
    }
}

/// What opensnoop tells with these options of a process in this cgroup, by its one open of a file called `inside`.
fn opens(cgroup: &Cgroup, user: u32, args: &[&str]) -> Finished {
    let scratch = scratch();
    let actor = crate::filters::ready(scratch.path(), "inside", user);
    cgroup.add(&actor);
    let pid = actor.pid().to_string();
    let run = Tool::new("opensnoop").args(["--pid", &pid]).args(args);
    let run = run.start();
    actor.go();
    actor.finish();
    run.finish().success()
}

#[test]
fn odd_bytes_and_users_without_a_name_are_told_as_they_are() {
    let root = Cgroup::new();
    let odd = OsStr::from_bytes(b"odd \xff\x1b[31m,\"\\.service");
    let tree = Tree::below(&root, odd);
    // No user of the machine's is that.
    let finished = opens(&tree.0[0], 3_999_999_999, &["--json", "--names"]);
    check_all(&finished);
    let event = &finished.events("open")[0];
    let unit = BASE64.encode(odd.as_bytes());
    assert_eq!(event["unit_b64"], unit, "{event}");
    assert_eq!(
        (&event["container"], &event["user"]),
        (&json!(null), &json!(null))
    );
    let table = opens(&tree.0[0], 0, &["--columns", "unit,cgroup,path"]);
    let lines = table.lines();
    assert!(lines[0].starts_with("UNIT "), "{lines:?}");
    assert!(
        lines[1].starts_with(r#"odd\x20\xff\x1b[31m,\"\\.service "#),
        "{lines:?}"
    );
    assert_eq!(lines[1].split_whitespace().count(), 3, "{lines:?}");
}

#[test]
fn deep_cgroups_have_a_unit_and_no_path() {
    let root = Cgroup::new();
    let at = |levels: usize| {
        let mut path = PathBuf::from("outer.service");
        (1..levels).for_each(|_| path.push("d"));
        path
    };
    // The root's own and that of the test count.
    for (levels, is_whole) in [(30, true), (31, false)] {
        let tree = Tree::below(&root, at(levels));
        let finished = opens(&tree.0[0], 0, &["--json", "--names", "--ancestors"]);
        let event = &finished.events("open")[0];
        if root_is_shown() {
            assert_eq!(event["cgroup"].is_string(), is_whole, "{levels}: {event}");
            assert_eq!(event["unit"], "outer.service", "{levels}: {event}");
        }
        assert!(event["ancestors"].is_array(), "{event}");
    }
}

#[test]
fn a_name_in_another_option_asks_for_them() {
    let root = Cgroup::new();
    let tree = Tree::below(&root, format!("a.slice/docker-{ID}.scope"));
    let cgroup = &tree.0[0];
    let count = |condition: &str| {
        let finished = opens(cgroup, 0, &["--json", "--where", condition]);
        finished.events("open").len()
    };
    assert_eq!(count(&format!("container == '{ID}'")), 2);
    assert_eq!(count("unit ~ '^docker-'"), 2);
    assert_eq!(count("user == 'no one at all'"), 0);
    assert_eq!(count("cgroup ~ '/a.slice/docker-'"), 2);
    let finished = opens(cgroup, 0, &["--json", "--count-by", "container,unit"]);
    let rows = finished.events("count");
    assert_eq!((rows.len(), &rows[0]["by"]["container"]), (1, &json!(ID)));
    // A table has the first of the digits.
    let table = opens(cgroup, 0, &["--names"]);
    let lines = table.lines();
    let headers: Vec<_> = lines[0].split_whitespace().collect();
    assert!(
        headers.ends_with(&["USER", "UNIT", "CONTAINER", "PATH"]),
        "{lines:?}"
    );
    assert!(lines[1].contains(&format!(" {} ", &ID[..12])), "{lines:?}");
    assert!(lines[1].ends_with("/inside"), "{lines:?}");
}

#[test]
fn nobody_is_named_who_did_not_ask() {
    let root = Cgroup::new();
    let finished = opens(&root, 0, &["--json"]);
    let event = &finished.events("open")[0];
    assert_eq!(names(event), [&Value::Null; 4]);
}
