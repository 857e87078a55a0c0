// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Disks, meant_in};
use crate::block::disk::Disk;
use crate::block::sysfs::Sysfs;

/// A tree of `/sys` and `/proc` of a test's own.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("biolatency-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&root));
        fs::create_dir_all(root.join("sys/dev/block")).unwrap();
        fs::create_dir_all(root.join("sys/class/block")).unwrap();
        fs::create_dir_all(root.join("proc")).unwrap();
        Self(root)
    }

    fn sysfs(&self) -> Sysfs {
        Sysfs::below(&self.0)
    }

    /// Files below the disk's directory; a name that ends in a slash is a directory.
    fn disk(&self, name: &str, files: &[(&str, &str)]) {
        let place = self.0.join("sys/devices").join(name);
        fs::create_dir_all(&place).unwrap();
        for (file, text) in files {
            let path = place.join(file);
            if file.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        fs::create_dir_all(self.0.join("sys/block")).unwrap();
        self.link(&place, &format!("block/{name}"));
        self.link(&place, &format!("class/block/{name}"));
        if let Some((_, numbers)) = files.iter().find(|(file, _)| *file == "dev") {
            self.link(&place, &format!("dev/block/{}", numbers.trim()));
        }
    }

    fn partition(&self, disk: &str, name: &str) {
        let place = self.0.join("sys/devices").join(disk).join(name);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("partition"), "1\n").unwrap();
        self.link(&place, &format!("class/block/{name}"));
    }

    fn link(&self, to: &Path, at: &str) {
        symlink(to, self.0.join("sys").join(at)).unwrap();
    }

    fn meant(&self, name: &str) -> Result<Vec<String>, String> {
        let disks = meant_in(&self.sysfs(), OsStr::new(name))?;
        Ok(disks.into_iter().map(Disk::name).collect())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn disk(name: &str) -> Disk {
    Disk::named(name).unwrap()
}

#[test]
fn a_multipath_disk_means_its_paths() {
    let tree = Tree::new("multipath");
    let head = [("dev", "259:0\n")];
    let path = [("mq/0/", "")];
    tree.disk("nvme1n1", &head);
    tree.disk("nvme1n12", &head[..0]);
    // Hidden disks have no number in sysfs.
    for name in ["nvme1c0n1", "nvme1c1n1", "nvme1c1n12", "nvme11c1n1"] {
        tree.disk(name, &path);
    }
    assert_eq!(
        tree.meant("nvme1n1").unwrap(),
        ["nvme1c0n1", "nvme1c1n1"],
        "all paths to it, and no other"
    );
    assert_eq!(tree.meant("/dev/nvme1n12").unwrap(), ["nvme1c1n12"]);
    assert_eq!(tree.meant("nvme1c1n1").unwrap(), ["nvme1c1n1"]);
    // Without multipath a disk of that name has requests itself.
    tree.disk("nvme11n1", &[("dev", "259:9\n"), ("mq/0/", "")]);
    assert_eq!(tree.meant("nvme11n1").unwrap(), ["nvme11n1"]);
}

#[test]
fn a_hidden_disk_has_its_number_in_diskstats() {
    let tree = Tree::new("diskstats");
    tree.disk("nvme1c1n1", &[("mq/0/", "")]);
    tree.disk("nvme1c2n1", &[("mq/0/", "")]);
    let stats = " 259       1 nvme1c1n1 1 0 8 0 0 0\n   0       0 nvme1c2n1 1 0 8 0 0 0\n";
    fs::write(tree.0.join("proc/diskstats"), stats).unwrap();
    let sysfs = tree.sysfs();
    assert_eq!(sysfs.numbers_of(OsStr::new("nvme1c1n1")), Some((259, 1)));
    assert_eq!(sysfs.name_of(259, 1).unwrap(), "nvme1c1n1");
    // Kernels before 5.18 know none there.
    assert_eq!(sysfs.numbers_of(OsStr::new("nvme1c2n1")), None);
    assert_eq!(sysfs.name_of(259, 2), None);
}

#[test]
fn a_disk_without_requests_is_told_with_what_lies_below() {
    let tree = Tree::new("below");
    tree.disk("sda", &[("dev", "8:0\n"), ("mq/0/", "")]);
    tree.disk("sdb", &[("dev", "8:16\n"), ("mq/0/", "")]);
    tree.partition("sda", "sda2");
    tree.disk(
        "dm-0",
        &[
            ("dev", "254:0\n"),
            ("slaves/sda2/", ""),
            ("slaves/sdb/", ""),
        ],
    );
    tree.disk("zram0", &[("dev", "253:0\n"), ("slaves/", "")]);
    // Request-based device mapper has requests, and what is below as well.
    tree.disk("dm-1", &[("mq/0/", ""), ("slaves/sda/", "")]);
    let said = tree.meant("dm-0").unwrap_err();
    assert!(said.contains("requests of sda and sdb"), "{said}");
    assert!(said.contains("--disk sda,sdb"), "{said}");
    let said = tree.meant("zram0").unwrap_err();
    assert!(said.contains("zram0 has no requests"), "{said}");
    assert_eq!(tree.meant("dm-1").unwrap(), ["dm-1"]);
    let said = tree.meant("sda2").unwrap_err();
    assert!(
        said.contains("partition") && said.ends_with("sda"),
        "{said}"
    );
}

#[test]
fn a_slash_is_an_exclamation_mark_in_sysfs() {
    let tree = Tree::new("slash");
    tree.disk("cciss!c0d0", &[("dev", "104:0\n"), ("mq/0/", "")]);
    for name in ["cciss/c0d0", "cciss!c0d0", "/dev/cciss/c0d0"] {
        assert_eq!(tree.meant(name).unwrap(), ["cciss/c0d0"]);
    }
}

#[test]
fn names_that_are_no_disk_s_are_told() {
    let tree = Tree::new("none");
    for bad in ["", ".", "..", "/dev/", "no such disk", "../../etc", "null"] {
        assert!(tree.meant(bad).is_err(), "{bad}");
    }
    assert_eq!(tree.meant("no-disk").unwrap(), ["no-disk"]);
}

#[test]
fn disks_are_a_set() {
    let [a, b, c] = ["sda", "sdb", "sdc"].map(disk);
    let passes = |disks: &Disks| [a, b, c].map(|disk| disks.pass(disk));
    let none: [Disk; 0] = [];
    let chosen = |wanted: &[Disk], unwanted: &[Disk]| {
        Disks::chosen(wanted.iter().copied(), unwanted.iter().copied())
    };
    assert_eq!(passes(&Disks::default()), [true; 3]);
    assert_eq!(passes(&chosen(&[a, b], &[]).unwrap()), [true, true, false]);
    assert_eq!(passes(&chosen(&[], &[a]).unwrap()), [false, true, true]);
    assert_eq!(
        passes(&chosen(&[a, b], &[b]).unwrap()),
        [true, false, false]
    );
    assert_eq!(passes(&chosen(&[a], &[c]).unwrap()), [true, false, false]);
    // Nothing is left: never all of them instead.
    assert!(chosen(&[a], &[a]).is_err());
    assert!(Disks::all_but(none).are_all());
    let many: Vec<_> = (0..=Disks::MOST)
        .map(|n| disk(&format!("dm-{n}")))
        .collect();
    assert!(chosen(&many, &[]).is_err());
    assert!(chosen(&many[1..], &[]).is_ok());
}

#[test]
fn the_disks_of_this_machine_have_their_names() {
    let sysfs = Sysfs::default();
    for name in sysfs.disks() {
        let numbers = sysfs.numbers_of(&name);
        if let Some((major, minor)) = numbers {
            assert_eq!(sysfs.name_of(major, minor).as_deref(), Some(&*name));
            let shown = name.to_string_lossy().replace('!', "/");
            assert_eq!(Disk::numbered(major, minor).name(), shown);
        }
        if sysfs.has_requests(&name) {
            assert_eq!(
                meant_in(&sysfs, &name).unwrap(),
                [Disk::named(&name).unwrap()]
            );
        } else {
            drop(meant_in(&sysfs, &name));
        }
    }
}
