// SPDX-License-Identifier: MIT OR Apache-2.0
//! What unlinksnoop says of files on overlayfs, where the inode that a process opens is not the one that a mapping holds,
//! and where a removed name may stand for a file that stays.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{ptr, thread};

use nix::libc::{self, AT_REMOVEDIR};
use tracewell_tests::{note, scratch};

use crate::removed::with_renames;
use crate::storms::guest;
use crate::sys::{self, AT_FDCWD, c};
use crate::unlinks::{Doomed, on_self, told};

/// An overlay of two directories below a scratch one.
struct Layers {
    lower: PathBuf,
    upper: PathBuf,
    merged: PathBuf,
}

impl Layers {
    /// Mounted in a mount namespace that becomes the calling thread's; the lower one has files of these names.
    fn mounted(scratch: &Path, lower_files: &[&str]) -> Self {
        let [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map(|name| {
            let path = scratch.join(name);
            fs::create_dir(&path).unwrap();
            path
        });
        for name in lower_files {
            fs::write(lower.join(name), name).unwrap();
        }
        sys::own_mounts();
        let [low, up, work] = [&lower, &upper, &work].map(|path| path.to_str().unwrap());
        let options = format!("lowerdir={low},upperdir={up},workdir={work}");
        sys::mount_with(
            Some(Path::new("overlay")),
            &merged,
            Some("overlay"),
            0,
            Some(&options),
        );
        Self {
            lower,
            upper,
            merged,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.merged.join(name)
    }
}

/// A mapping of a file's first page that outlives its descriptor.
struct Mapped(*mut libc::c_void);

const PAGE: usize = 4096;

impl Mapped {
    fn of(path: &Path) -> Self {
        let file = File::open(path).unwrap();
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                PAGE,
                libc::PROT_READ,
                libc::MAP_PRIVATE,
                file.as_raw_fd(),
                0,
            )
        };
        assert_ne!(start, libc::MAP_FAILED);
        Self(start)
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: it was mapped, and nobody has a reference into it.
        unsafe { libc::munmap(self.0, PAGE) };
    }
}

/// Whether this kernel, which has to be a guest's, knows overlayfs.
fn has_overlay() -> bool {
    if !guest() {
        // Which rung a machine offers, and whether it lets a test mount, is known of guests only.
        note(
            "skipped removals on overlayfs: they are made in guests, whose kernels all show files to programs",
        );
        return false;
    }
    drop(Command::new("modprobe").arg("overlay").status());
    let known = fs::read_to_string("/proc/filesystems").unwrap();
    let known = known.lines().any(|line| line.ends_with("\toverlay"));
    if !known {
        note("skipped removals on overlayfs: this guest has no such module");
    }
    known
}

fn removals_on_layers() {
    let scratch = scratch();
    let low = ["low", "low-open", "low-mapped", "both"];
    let layers = Layers::mounted(scratch.path(), &low);
    let at = |name: &str| layers.at(name);
    for name in ["high", "high-open", "high-mapped"] {
        fs::write(at(name), name).unwrap();
    }
    fs::hard_link(at("high-mapped"), at("high-mapped-too")).unwrap();
    fs::create_dir(at("directory")).unwrap();
    fs::create_dir(at("directory-open")).unwrap();
    // Copied up: there is one in each layer.
    fs::write(at("both"), "other").unwrap();
    assert_eq!(fs::read(layers.upper.join("both")).unwrap(), b"other");

    let removed: Vec<(&str, u64, Option<bool>, bool)> = vec![
        ("high", 0, Some(false), false),
        ("high-open", 0, Some(true), false),
        ("high-mapped", 1, Some(true), false),
        ("high-mapped-too", 0, Some(true), false),
        // Nothing that these stand for goes: what no one has open as it is named may be mapped by someone.
        ("low", 0, None, false),
        ("low-open", 0, Some(true), false),
        ("low-mapped", 0, None, false),
        // Replaced by a mark that hides the lower one, which is a rename.
        ("both", 0, None, false),
        ("directory", 0, Some(false), true),
        ("directory-open", 0, Some(true), true),
    ];
    let opened =
        ["high-open", "low-open", "directory-open"].map(|name| File::open(at(name)).unwrap());
    let mapped = ["high-mapped", "low-mapped"].map(|name| Mapped::of(&at(name)));
    let doomed: Vec<_> = removed
        .iter()
        .map(|&(name, links, open, _)| Doomed::known(&at(name), links, open))
        .collect();
    let tool = on_self().start();
    for (name, _, _, directory) in &removed {
        let flags = if *directory { AT_REMOVEDIR } else { 0 };
        sys::unlinkat(AT_FDCWD, &c(at(name)), flags).unwrap();
    }
    let finished = tool.finish().success();
    drop((opened, mapped));

    let expected: Vec<_> = removed
        .iter()
        .zip(&doomed)
        .map(|((name, _, _, directory), doomed)| {
            let op = if *directory { "rmdir" } else { "unlink" };
            doomed.event(&finished, op, AT_FDCWD, at(name))
        })
        .collect();
    let events: Vec<_> = finished.events("unlink").iter().map(told).collect();
    assert_eq!(events, expected);
    // The lower layer is as it was.
    for name in low {
        assert_eq!(fs::read_to_string(layers.lower.join(name)).unwrap(), name);
    }
}

fn renames_on_layers() {
    let scratch = scratch();
    let layers = Layers::mounted(scratch.path(), &["low"]);
    let at = |name: &str| layers.at(name);
    let replaced = [
        ("high", Some(false)),
        ("high-mapped", Some(true)),
        ("low", None),
    ];
    for name in ["high", "high-mapped", "new-0", "new-1", "new-2"] {
        fs::write(at(name), name).unwrap();
    }
    let mapped = Mapped::of(&at("high-mapped"));
    let doomed = replaced.map(|(name, open)| Doomed::known(&at(name), 0, open));
    let Some(tool) = with_renames(on_self()) else {
        return;
    };
    for (index, (name, _)) in replaced.iter().enumerate() {
        let new = c(at(&format!("new-{index}")));
        sys::rename(&new, &c(at(name)), 0).unwrap();
    }
    let finished = tool.finish().success();
    drop(mapped);

    let expected: Vec<_> = replaced
        .iter()
        .zip(&doomed)
        .map(|((name, _), doomed)| doomed.event(&finished, "rename", AT_FDCWD, at(name)))
        .collect();
    let events: Vec<_> = finished.events("unlink").iter().map(told).collect();
    assert_eq!(events, expected);
}

/// Runs it on a thread of its own: its mounts are nobody else's, and go with it.
fn apart(test: fn()) {
    if has_overlay() {
        thread::spawn(test).join().unwrap();
    }
}

#[test]
fn what_overlayfs_hides_or_maps_is_not_told_as_freed() {
    apart(removals_on_layers);
}

#[test]
fn what_a_rename_replaces_on_overlayfs_is_told_alike() {
    apart(renames_on_layers);
}
