// SPDX-License-Identifier: MIT OR Apache-2.0
//! Filters that stand in BPF maps which other programs pinned.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType};
use nix::libc;
use tracewell_tests::{Actor, Playing, Tool, actor, scratch};

use crate::cgroups::Cgroup;
use crate::filters::{ready, seen};
use crate::sys::{self, c};

// Pins a map of the keys that are its arguments, behind a place. The file system of pinned maps is mounted in a mount
// namespace of its own, and others reach it by /proc/PID/root.
actor!(pins_a_map, |stage| {
    let place = Path::new(stage.arg(0));
    sys::own_mounts();
    sys::mount(None, place, Some("bpf"), 0);
    let options = libbpf_rs::libbpf_sys::bpf_map_create_opts {
        sz: size_of::<libbpf_rs::libbpf_sys::bpf_map_create_opts>() as _,
        ..Default::default()
    };
    let mut map = MapHandle::create(MapType::Hash, Some("keys"), 8, 8, 128, &options).unwrap();
    for key in stage.text(1).split(',').filter(|key| !key.is_empty()) {
        let key: u64 = key.parse().unwrap();
        map.update(&key.to_ne_bytes(), &1_u64.to_ne_bytes(), MapFlags::ANY)
            .unwrap();
    }
    map.pin(place.join("keys")).unwrap();
    stage.say("pinned");
    stage.wait();
});

/// A pinned map, for as long as its actor lives.
struct Pinned {
    path: String,
    _actor: Playing,
    _place: tempfile::TempDir,
}

fn pin(keys: &[u64]) -> Pinned {
    let place = scratch();
    let keys: Vec<_> = keys.iter().map(u64::to_string).collect();
    let mut actor = Actor::new("pins_a_map")
        .arg(place.path())
        .arg(keys.join(","))
        .start();
    actor.go();
    assert_eq!(actor.hear(), "pinned");
    Pinned {
        path: format!("/proc/{}/root{}/keys", actor.pid(), place.path().display()),
        _actor: actor,
        _place: place,
    }
}

#[test]
fn by_a_map_of_cgroups() {
    let scratch = scratch();
    for tool in ["opensnoop", "execsnoop"] {
        let (one, two, three) = (Cgroup::new(), Cgroup::new(), Cgroup::new());
        let id = |cgroup: &Cgroup| fs::metadata(cgroup.path()).unwrap().ino();
        let pinned = pin(&[id(&one), id(&three), 1 << 40]);
        let actors = ["one", "two", "three"].map(|name| ready(scratch.path(), name, 0));
        for (cgroup, actor) in [&one, &two, &three].into_iter().zip(&actors) {
            cgroup.add(actor);
        }
        let more: &[&str] = if tool == "execsnoop" { &["-x"] } else { &[] };
        let args = [&["--cgroupmap", &pinned.path], more].concat();
        let mut names = seen(tool, &args, scratch.path(), actors.into());
        names.dedup();
        assert_eq!(names, ["one", "three"], "{tool}");
    }
}

actor!(opens_in_mounts_of_its_own, |stage| {
    sys::own_mounts();
    stage.say(fs::metadata("/proc/self/ns/mnt").unwrap().ino().to_string());
    stage.wait();
    let path = c(Path::new(stage.arg(0)).join("own"));
    drop(sys::openat(sys::AT_FDCWD, &path, libc::O_RDONLY, 0));
    sys::execve(&path, &[c("own")]);
});

#[test]
fn by_a_map_of_mount_namespaces() {
    let scratch = scratch();
    for tool in ["opensnoop", "execsnoop"] {
        let mut own = Actor::new("opens_in_mounts_of_its_own")
            .arg(scratch.path())
            .start();
        own.go();
        let pinned = pin(&[own.hear().parse().unwrap()]);
        let other = ready(scratch.path(), "other", 0);
        let more: &[&str] = if tool == "execsnoop" { &["-x"] } else { &[] };
        let args = [&["--mntnsmap", &pinned.path], more].concat();
        assert_eq!(
            seen(tool, &args, scratch.path(), vec![other, own]),
            ["own"],
            "{tool}"
        );
    }
}

#[test]
fn an_empty_map_lets_nothing_through() {
    let scratch = scratch();
    let pinned = pin(&[]);
    for option in ["--cgroupmap", "--mntnsmap"] {
        let actor = ready(scratch.path(), "one", 0);
        let names = seen(
            "opensnoop",
            &[option, &pinned.path],
            scratch.path(),
            vec![actor],
        );
        assert_eq!(names, [] as [&str; 0], "{option}");
    }
}

#[test]
fn what_is_no_map_is_refused() {
    let scratch = scratch();
    let file = scratch.path().join("file");
    fs::write(&file, "").unwrap();
    for option in ["--cgroupmap", "--mntnsmap"] {
        for path in [file.clone(), scratch.path().join("absent")] {
            let finished = Tool::new("opensnoop").arg(option).arg(&path).run();
            assert!(
                matches!(finished.code(), Some(1 | 2)),
                "{}",
                finished.status
            );
            assert!(
                finished.stderr.contains(path.to_str().unwrap()),
                "{}",
                finished.stderr
            );
            assert!(finished.stdout.is_empty());
        }
    }
}
