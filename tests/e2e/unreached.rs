// SPDX-License-Identifier: MIT OR Apache-2.0
//! `opensnoop -F` of directories that no path from the root of the caller's mount namespace leads to: what is shown does
//! not look like one.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::chroot;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::mount::{MntFlags, umount2};
use tracewell_tests::{Actor, Tool, actor, scratch};

use crate::kernel::on_each_rung;
use crate::sys::{self, AT_FDCWD, c, find};

fn open(dirfd: i32, path: &str) {
    drop(sys::openat(dirfd, &c(path), libc::O_RDONLY, 0));
}

/// The descriptor that a call gave.
fn made(result: libc::c_long) -> OwnedFd {
    let fd = Errno::result(result).unwrap();
    // SAFETY: the kernel has just made it, for this caller.
    unsafe { OwnedFd::from_raw_fd(fd.try_into().unwrap()) }
}

/// A new procfs that is mounted nowhere.
fn detached() -> OwnedFd {
    const CREATE: libc::c_int = 6; // FSCONFIG_CMD_CREATE
    // SAFETY: the name is a string, and the other calls take no pointers that are not NULL.
    unsafe {
        let fs = made(libc::syscall(libc::SYS_fsopen, c"proc".as_ptr(), 0));
        let null = std::ptr::null::<libc::c_char>();
        Errno::result(libc::syscall(
            libc::SYS_fsconfig,
            fs.as_raw_fd(),
            CREATE,
            null,
            null,
            0,
        ))
        .unwrap();
        made(libc::syscall(libc::SYS_fsmount, fs.as_raw_fd(), 0, 0))
    }
}

/// A copy of a mount that is mounted nowhere.
pub(crate) fn cloned(path: &str) -> OwnedFd {
    const CLONE: libc::c_int = 1; // OPEN_TREE_CLONE
    let path = c(path);
    // SAFETY: the path is a string.
    made(unsafe { libc::syscall(libc::SYS_open_tree, AT_FDCWD, path.as_ptr(), CLONE) })
}

// Its argument: a directory with `mount`, `source/inner/moved/deep` and `source/elsewhere` in it.
actor!(opens_where_no_path_leads, |stage| {
    std::env::set_current_dir(stage.arg(0)).unwrap();
    sys::own_mounts();
    let procfs = detached();
    open(procfs.as_raw_fd(), "sys/kernel/ostype");
    let below = sys::openat(procfs.as_raw_fd(), c"sys/kernel", libc::O_RDONLY, 0).unwrap();
    open(below.as_raw_fd(), "osrelease");
    open(cloned("source").as_raw_fd(), "inner/cloned");

    sys::mount(None, Path::new("mount"), Some("tmpfs"), 0);
    fs::create_dir("mount/below").unwrap();
    let lazily = File::open("mount/below").unwrap();
    open(lazily.as_raw_fd(), "still-mounted");
    umount2("mount", MntFlags::MNT_DETACH).unwrap();
    open(lazily.as_raw_fd(), "no-longer");

    sys::mount(
        Some(Path::new("source/inner")),
        Path::new("mount"),
        None,
        libc::MS_BIND,
    );
    let moved = File::open("mount/moved/deep").unwrap();
    open(moved.as_raw_fd(), "in-its-place");
    fs::rename("source/inner/moved", "source/elsewhere/moved").unwrap();
    open(moved.as_raw_fd(), "escaped");

    let before = File::open("source").unwrap();
    sys::own_mounts();
    open(before.as_raw_fd(), "of-another-namespace");
    open(AT_FDCWD, "of-this-one");

    nix::unistd::fchdir(&procfs).unwrap();
    chroot(".").unwrap();
    open(AT_FDCWD, "/uptime");
});

#[test]
fn a_directory_that_no_path_leads_to_does_not_look_like_one_that_does() {
    on_each_rung("opensnoop", &["-F"], |rung| {
        let scratch = scratch();
        let root = scratch.path();
        for directory in ["mount", "source/inner/moved/deep", "source/elsewhere"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        for csv in [false, true] {
            let actor = Actor::new("opens_where_no_path_leads").arg(root).start();
            let pid = actor.pid().to_string();
            let format = if csv { "table" } else { "json" };
            let tool = Tool::new("opensnoop").args(["-F", "--probe", rung, "--pid", &pid]);
            let tool = tool.args(["--format", format]).start();
            actor.go();
            actor.finish();
            let run = tool.finish().success();
            // It was moved away.
            fs::rename(
                root.join("source/elsewhere/moved"),
                root.join("source/inner/moved"),
            )
            .unwrap();
            let inside = |below: &str| format!("{}{below}", root.display());
            for (given, shown, whole) in [
                ("sys/kernel/ostype", "sys/kernel/ostype".to_owned(), false),
                ("osrelease", "sys/kernel/osrelease".to_owned(), false),
                ("inner/cloned", "inner/cloned".to_owned(), false),
                ("still-mounted", inside("/mount/below/still-mounted"), true),
                ("no-longer", "below/no-longer".to_owned(), false),
                (
                    "in-its-place",
                    inside("/mount/moved/deep/in-its-place"),
                    true,
                ),
                ("of-this-one", inside("/of-this-one"), true),
                ("/uptime", "uptime".to_owned(), false),
            ] {
                if csv {
                    let mark = if whole { " " } else { " …" };
                    let end = format!("{mark}{shown}");
                    assert!(
                        run.lines().iter().any(|line| line.ends_with(&end)),
                        "{rung}: {end} {:#?}",
                        run.lines()
                    );
                    continue;
                }
                let event = find(&run.events("open"), "path", given).clone();
                assert_eq!(event["full_path"], shown, "{rung}: {event:#}");
                assert_eq!(event["full_path_truncated"], !whole, "{rung}: {event:#}");
            }
            if !csv {
                for given in ["escaped", "of-another-namespace"] {
                    let events = run.events("open");
                    let event = find(&events, "path", given);
                    assert_eq!(event["full_path_truncated"], true, "{rung}: {event:#}");
                    let path = event["full_path"].as_str().unwrap();
                    assert!(!path.starts_with('/') && path.ends_with(given), "{event:#}");
                }
            }
        }
    });
}
