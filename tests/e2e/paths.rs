// SPDX-License-Identifier: MIT OR Apache-2.0
//! `opensnoop -F`: the path from the root, whatever it was relative to.

use std::env;
use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::chroot;
use std::path::Path;

use nix::libc;
use serde_json::{Value, json};
use tracewell_tests::{Actor, Stage, Tool, actor, scratch};

use crate::sys::{self, AT_FDCWD, How, c, find};

const WRITE: i32 = libc::O_WRONLY | libc::O_CREAT;

/// Plays an actor in a directory under `opensnoop -F`; gives the opens.
fn play(name: &str, directory: &Path) -> Vec<Value> {
    let actor = Actor::new(name).arg(directory).start();
    let tool = Tool::new("opensnoop")
        .json()
        .args(["-F", "--pid", &actor.pid().to_string()])
        .start();
    actor.go();
    actor.finish();
    tool.finish().success().events("open")
}

/// Checks the whole path of the event whose path was given as this.
fn check(events: &[Value], given: &str, directory: &Path, below: &str) {
    let event = find(events, "path", given);
    let full = format!("{}{below}", directory.display());
    assert_eq!(event["full_path"], full, "{event:#}");
    assert_eq!(event["full_path_truncated"], false, "{event:#}");
}

fn open(dirfd: i32, path: &str) {
    // Whether it succeeds is each test's own affair.
    drop(sys::openat(dirfd, &c(path), libc::O_RDONLY, 0));
}

fn directory(path: impl AsRef<Path>) -> OwnedFd {
    File::open(path).unwrap().into()
}

actor!(opens_relative_paths, |stage| {
    env::set_current_dir(stage.arg(0)).unwrap();
    let sub = directory("sub");
    let file: OwnedFd = File::open("sub/file").unwrap().into();
    open(AT_FDCWD, "sub/./file");
    open(AT_FDCWD, "absent");
    open(AT_FDCWD, "");
    open(sub.as_raw_fd(), "./file");
    open(sub.as_raw_fd(), "../sub/gone");
    open(sub.as_raw_fd(), "/absolute");
    open(file.as_raw_fd(), "not-a-directory");
    open(9999, "nowhere");
    let how = How {
        flags: 0,
        mode: 0,
        resolve: libc::RESOLVE_IN_ROOT,
    };
    drop(sys::openat2(sub.as_raw_fd(), &c("/file"), how).unwrap());
    drop(sys::openat2(AT_FDCWD, &c("/sub/file"), how).unwrap());
    let how = How {
        resolve: libc::RESOLVE_BENEATH,
        ..how
    };
    drop(sys::openat2(sub.as_raw_fd(), &c("file"), how).unwrap());
});

#[test]
fn relative_paths_start_where_the_kernel_did() {
    let scratch = scratch();
    let root = scratch.path();
    fs::create_dir(root.join("sub")).unwrap();
    fs::write(root.join("sub/file"), "").unwrap();
    let events = play("opens_relative_paths", root);

    check(&events, "sub/./file", root, "/sub/./file");
    check(&events, "absent", root, "/absent");
    check(&events, "./file", root, "/sub/./file");
    check(&events, "../sub/gone", root, "/sub/../sub/gone");
    check(&events, "/absolute", Path::new(""), "/absolute");
    check(
        &events,
        "not-a-directory",
        root,
        "/sub/file/not-a-directory",
    );
    // RESOLVE_IN_ROOT takes the directory for the root.
    check(&events, "/file", root, "/sub/file");
    check(&events, "/sub/file", root, "/sub/file");
    check(&events, "file", root, "/sub/file");
    let nowhere = find(&events, "path", "nowhere");
    assert_eq!(
        (&nowhere["full_path"], &nowhere["error"]),
        (&Value::Null, &json!("EBADF"))
    );
    let empty = find(&events, "path", "");
    assert_eq!(
        (&empty["full_path"], &empty["error"]),
        (&json!(root.to_str()), &json!("ENOENT"))
    );
}

actor!(opens_below_mounts, |stage| {
    env::set_current_dir(stage.arg(0)).unwrap();
    sys::own_mounts();
    sys::mount(None, Path::new("memory"), Some("tmpfs"), 0);
    fs::create_dir("memory/deep").unwrap();
    sys::mount(
        Some(Path::new("source/inner")),
        Path::new("memory/deep"),
        None,
        libc::MS_BIND,
    );
    let deep = directory("memory/deep");
    // What the kernel says it is; to read a link is no open.
    let link = format!("/proc/self/fd/{}", deep.as_raw_fd());
    let expected = Path::new(stage.arg(0)).join("memory/deep");
    assert_eq!(fs::read_link(link).unwrap(), expected);
    drop(sys::openat(deep.as_raw_fd(), &c("made"), WRITE, 0o600).unwrap());
    open(deep.as_raw_fd(), "failed");
    env::set_current_dir("memory").unwrap();
    drop(sys::openat(AT_FDCWD, &c("flat"), WRITE, 0o600).unwrap());
    env::set_current_dir("deep").unwrap();
    open(AT_FDCWD, "from-cwd");
    // A mount on a mount: the upper one's root.
    sys::mount(None, Path::new("."), Some("tmpfs"), 0);
    open(directory("../deep").as_raw_fd(), "stacked");
});

#[test]
fn paths_below_mounts_are_whole() {
    let scratch = scratch();
    let root = scratch.path();
    fs::create_dir_all(root.join("source/inner")).unwrap();
    fs::create_dir(root.join("memory")).unwrap();
    let events = play("opens_below_mounts", root);
    check(&events, "made", root, "/memory/deep/made");
    check(&events, "failed", root, "/memory/deep/failed");
    check(&events, "flat", root, "/memory/flat");
    check(&events, "from-cwd", root, "/memory/deep/from-cwd");
    check(&events, "stacked", root, "/memory/deep/stacked");
}

actor!(opens_in_a_chroot, |stage| {
    let jail = Path::new(stage.arg(0)).join("jail");
    let outside = directory(stage.arg(0));
    chroot(&jail).unwrap();
    env::set_current_dir("/").unwrap();
    open(AT_FDCWD, "/etc/file");
    open(AT_FDCWD, "etc/file");
    open(AT_FDCWD, "/etc/absent");
    env::set_current_dir("/etc").unwrap();
    open(AT_FDCWD, "./file");
    open(directory("/etc").as_raw_fd(), "at");
    // A directory from before is not below the new root.
    open(outside.as_raw_fd(), "outside");
});

#[test]
fn paths_in_a_chroot_start_outside_it() {
    let scratch = scratch();
    let root = scratch.path();
    fs::create_dir_all(root.join("jail/etc")).unwrap();
    fs::write(root.join("jail/etc/file"), "").unwrap();
    let events = play("opens_in_a_chroot", root);
    for given in [
        "/etc/file",
        "etc/file",
        "/etc/absent",
        "./file",
        "at",
        "outside",
    ] {
        let below = match given {
            "/etc/file" | "etc/file" => "/jail/etc/file",
            "/etc/absent" => "/jail/etc/absent",
            "./file" => "/jail/etc/./file",
            "at" => "/jail/etc/at",
            _ => "/outside",
        };
        check(&events, given, root, below);
    }
    assert_eq!(find(&events, "path", "etc/file")["errno"], Value::Null);
}

/// Goes down to a directory so deep, making it; names are so long. Then opens there.
fn opens_deep(stage: &Stage, levels: usize, bytes: usize, given: &str) {
    env::set_current_dir(stage.arg(0)).unwrap();
    let names = "d".repeat(bytes);
    for _ in 0..levels {
        fs::create_dir(&names).unwrap();
        env::set_current_dir(&names).unwrap();
    }
    drop(sys::openat(AT_FDCWD, &c(given), WRITE, 0o600).unwrap());
}

actor!(opens_45_levels_down, |stage| opens_deep(
    stage, 45, 60, "leaf"
));
actor!(opens_below_long_names, |stage| opens_deep(
    stage, 15, 255, "leaf"
));
actor!(opens_45_long_levels_down, |stage| opens_deep(
    stage, 45, 255, "leaf"
));
actor!(opens_200_levels_down, |stage| opens_deep(
    stage, 200, 3, "leaf"
));

#[test]
fn deep_paths_are_whole() {
    for (name, levels, bytes) in [
        ("opens_45_levels_down", 45, 60),
        ("opens_below_long_names", 15, 255),
    ] {
        let scratch = scratch();
        let events = play(name, scratch.path());
        let below = format!("/{}", "d".repeat(bytes)).repeat(levels);
        check(&events, "leaf", scratch.path(), &format!("{below}/leaf"));
    }
}

#[test]
fn a_path_too_deep_or_too_long_is_cut_at_the_outer_end_and_says_so() {
    for (name, levels, bytes) in [
        ("opens_45_long_levels_down", 45, 255),
        ("opens_200_levels_down", 200, 3),
    ] {
        let scratch = scratch();
        let events = play(name, scratch.path());
        let below = format!("/{}", "d".repeat(bytes)).repeat(levels);
        let real = format!("{}{below}/leaf", scratch.path().display());
        let event = find(&events, "path", "leaf");
        let full = event["full_path"].as_str().unwrap();
        if event["full_path_truncated"] == false {
            assert_eq!(full, real);
            continue;
        }
        assert_eq!(event["path_truncated"], false);
        // Whole components, from the inner end, and not like one that starts at the root.
        let rest = real
            .strip_suffix(full)
            .unwrap_or_else(|| panic!("not the end of {real}: {full}"));
        assert!(rest.ends_with('/') && !full.starts_with('/'), "{full}");
        assert!(
            full.len() >= 4096 || full.matches('/').count() > 40,
            "{full}"
        );
    }
}

#[test]
fn a_cut_path_is_marked_in_a_table() {
    let scratch = scratch();
    let actor = Actor::new("opens_200_levels_down")
        .arg(scratch.path())
        .start();
    let tool = Tool::new("opensnoop")
        .args(["-F", "--pid", &actor.pid().to_string()])
        .start();
    actor.go();
    actor.finish();
    let finished = tool.finish().success();
    let lines = finished.lines();
    let line = lines
        .iter()
        .find(|line| line.ends_with("/leaf"))
        .unwrap_or_else(|| panic!("no open of it: {lines:#?} {}", finished.stderr));
    assert!(line.contains(" …ddd/ddd/"), "{line}");
}
