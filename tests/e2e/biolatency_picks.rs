// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which requests biolatency counts, and what it says where none is counted.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread::scope;

use nix::libc::{self, ioctl};
use tracewell_tests::{Finished, Tool, note, rung, scratch};

use crate::biolatency::{adds_up, counted, of, reader, submitters_are_hidden};
use crate::cgroups::Cgroup;
use crate::disk::Disk;
use crate::storms::{guest, scaled};

/// The name of the thread that [`reader`] reads with.
fn name_of_reader() -> &'static str {
    if guest() { "storm" } else { "dd" }
}

fn run(disk: &Disk, blocks: u32) {
    let words = reader(disk, blocks);
    let status = std::process::Command::new(&words[0])
        .args(&words[1..])
        .status();
    assert!(status.unwrap().success());
}

/// Each request of a disk is used again and again, by anybody.
#[test]
fn a_verdict_is_of_one_request() {
    let options = ["--comm", name_of_reader()];
    if submitters_are_hidden(&options) {
        return;
    }
    let disk = Disk::new();
    for scheduler in ["mq-deadline", "none"] {
        if !disk.schedule(scheduler) {
            continue;
        }
        // With statistics a request has a time of its making, without it has none.
        for statistics in ["1", "0"] {
            disk.set("iostats", statistics);
            let tool = of(&disk).json().args(options).start();
            // Somebody else, with all requests that the disk has.
            scope(|scope| {
                for _ in 0..16 {
                    scope.spawn(|| disk.open().read(scaled(500)));
                }
            });
            run(&disk, 400);
            adds_up(&tool.finish().success(), 400);
        }
    }
    disk.set("iostats", "1");
}

/// How many requests of which disks were counted.
fn by_disk(finished: &Finished, disk: &Disk) -> (u64, u64) {
    (
        counted(finished, |object| object["disk"] == disk.name()),
        counted(finished, |object| object["disk"] != disk.name()),
    )
}

#[test]
fn disks_are_a_set() {
    let disk = Disk::new();
    let others = fs::read_dir("/sys/block").unwrap();
    let others = others.map(|entry| entry.unwrap());
    let other = others
        .filter(|entry| entry.path().join("mq").exists() && entry.file_name() != disk.name())
        .map(|entry| entry.file_name().into_string().unwrap())
        .next();
    let own = disk.name().to_owned();
    let mut wanted = vec![
        vec![own.clone()],
        vec![format!("no-disk,{own}")],
        vec![own.clone(), "no-disk".to_owned()],
        vec!["!no-disk".to_owned(), own.clone()],
    ];
    let mut unwanted = vec![vec![format!("!{own}")], vec!["no-disk".to_owned()]];
    match other {
        Some(other) => {
            wanted.push(vec![own.clone(), other.clone()]);
            wanted.push(vec![format!("{own},{other}")]);
            wanted.push(vec![format!("!{other},{own}")]);
            unwanted.push(vec![format!("{own},{other}"), format!("!{own}")]);
            unwanted.push(vec![format!("!{own},!{other}")]);
        }
        None => note("with one disk only: this machine has no other with requests"),
    }
    // The last but one names a disk that it also excludes.
    let count = |lists: &[String]| {
        let options = lists.iter().flat_map(|list| ["--disk", list]);
        let mut tool = Tool::new("biolatency").json().arg("-D").args(options);
        if lists.len() == 2 && lists[1] == format!("!{own}") {
            let said = tool.run().ended_with(2).stderr;
            assert!(said.contains("asked for and excluded"), "{said}");
            return None;
        }
        tool = tool.arg("--duration").arg("60");
        let tool = tool.start();
        disk.open().read(50);
        let finished = tool.finish().success();
        let lost = finished.summary()["lost"].as_u64().unwrap();
        Some((by_disk(&finished, &disk), lost))
    };
    for lists in &wanted {
        let ((own, _), lost) = count(lists).unwrap();
        assert!(own <= 50 && own + lost >= 49, "{lists:?}: {own}");
    }
    for lists in &unwanted {
        if let Some(((own, _), _)) = count(lists) {
            assert_eq!(own, 0, "{lists:?}");
        }
    }
}

#[test]
fn a_link_to_a_disk_is_the_disk() {
    let disk = Disk::new();
    let scratch = scratch();
    let link = scratch.path().join("by-id");
    symlink(disk.device(), &link).unwrap();
    for name in [disk.device(), link.to_str().unwrap()] {
        let tool = Tool::new("biolatency").json().args(["-d", name]).start();
        disk.open().read(50);
        adds_up(&tool.finish().success(), 50);
    }
    let said = Tool::new("biolatency")
        .unforced()
        .args(["-d", "/dev/null"])
        .run()
        .ended_with(2)
        .stderr;
    assert!(said.contains("/dev/null is not a disk"), "{said}");
}

/// The argument of `NVME_IOCTL_ADMIN_CMD`, `struct nvme_passthru_cmd`.
#[repr(C)]
#[derive(Default)]
struct Admin {
    opcode: u8,
    flags: u8,
    reserved: u16,
    namespace: u32,
    words: [u32; 2],
    metadata: u64,
    address: u64,
    metadata_bytes: u32,
    bytes: u32,
    arguments: [u32; 6],
    timeout_ms: u32,
    result: u32,
}

/// `_IOWR('N', 0x41, struct nvme_passthru_cmd)`
const NVME_IOCTL_ADMIN_CMD: u64 = 0xc048_4e41;

/// The operation that asks an `NVMe` controller what it is, and one that no controller knows.
pub(crate) const IDENTIFY: u8 = 6;
pub(crate) const UNKNOWN: u8 = 0x7f;

/// Has an `NVMe` controller do this; whether it did.
pub(crate) fn command(controller: &fs::File, opcode: u8) -> bool {
    let mut answer = vec![0_u8; 4096];
    let mut command = Admin {
        opcode,
        address: answer.as_mut_ptr() as u64,
        bytes: 4096,
        arguments: [1, 0, 0, 0, 0, 0],
        ..Admin::default()
    };
    // SAFETY: the kernel writes the answer into memory that is there, and the result into the command.
    let done = unsafe {
        ioctl(
            controller.as_raw_fd(),
            NVME_IOCTL_ADMIN_CMD,
            &raw mut command,
        )
    };
    done == 0
}

#[test]
fn commands_to_a_controller_have_no_disk() {
    let Ok(controller) = fs::File::open("/dev/nvme0") else {
        note("not tried: this machine has no NVMe controller");
        return;
    };
    for options in [&["-D"][..], &["-D", "-d", "no-disk"]] {
        let tool = Tool::new("biolatency").json().args(options).start();
        for _ in 0..20 {
            assert!(command(&controller, IDENTIFY));
        }
        let finished = tool.finish().success();
        let count = counted(&finished, |object| object["disk"] == "no-disk");
        let lost = finished.summary()["lost"].as_u64().unwrap();
        // All commands have the same place on the rung that knows no more.
        let clash = rung().as_deref() == Some("tracepoint");
        assert!(count + lost >= 20 || clash, "{count}, {lost} lost");
    }
}

/// The last line that people are told.
fn last_words(finished: &Finished) -> &str {
    finished.stderr.lines().last().unwrap_or_default()
}

#[test]
fn idle_intervals_print_nothing_and_the_end_says_why() {
    let disk = Disk::new();
    let idle = of(&disk).args(["0.02", "3"]).run().success();
    assert_eq!(idle.lines().len(), 1, "{:?}", idle.lines());
    let said = last_words(&idle);
    assert!(said.contains("had no request meanwhile"), "{said}");
    // The times, where they are asked for.
    let idle = of(&disk).args(["-T", "0.02", "3"]).run().success();
    let clocks = idle.lines();
    let clocks = clocks.iter().filter(|line| line.len() == 15);
    assert_eq!(clocks.count(), 3, "{:?}", idle.lines());
    // Nothing is said of a run that counted something.
    let tool = of(&disk).start();
    disk.open().read(5);
    let busy = tool.finish().success();
    assert!(last_words(&busy).contains(" lost"), "{}", busy.stderr);
}

#[test]
fn filters_that_let_nothing_pass_are_named_as_the_reason() {
    let options = ["--comm", "nobody at all"];
    if submitters_are_hidden(&options) {
        return;
    }
    let disk = Disk::new();
    let tool = of(&disk).args(options).start();
    disk.open().read(7);
    let finished = tool.finish().success();
    let said = last_words(&finished);
    assert!(said.contains("did 7 operations"), "{said}");
    assert!(said.contains("the filters"), "{said}");
    // A queue without statistics does not say how many there were.
    disk.set("iostats", "0");
    let tool = of(&disk).args(options).start();
    disk.open().read(7);
    let finished = tool.finish().success();
    disk.set("iostats", "1");
    let said = last_words(&finished);
    assert!(said.contains("the filters"), "{said}");
}

#[test]
fn a_disk_without_requests_is_told_at_the_start() {
    let without = fs::read_dir("/sys/block").unwrap().find_map(|entry| {
        let entry = entry.unwrap();
        let has = entry.path().join("mq").exists();
        (!has).then(|| entry.file_name().into_string().unwrap())
    });
    let Some(name) = without else {
        note("not tried: each disk of this machine has requests");
        return;
    };
    for value in [name.clone(), format!("!{name}"), format!("/dev/{name}")] {
        if value.starts_with('/') && !Path::new(&value).exists() {
            continue;
        }
        let said = Tool::new("biolatency")
            .unforced()
            .args(["-d", &value])
            .run()
            .ended_with(2)
            .stderr;
        assert!(said.contains("has no requests"), "{said}");
    }
}

/// The kernel's own accounts (`io.stat`) charge what is written back to the cgroup that wrote it.
#[test]
fn what_is_written_back_belongs_to_who_wrote_it() {
    if submitters_are_hidden(&["-C"]) {
        return;
    }
    let cgroup = Cgroup::new();
    let controllers = cgroup.path().parent().unwrap();
    let controllers = controllers.join("cgroup.subtree_control");
    if !guest() || fs::write(controllers, "+io +memory").is_err() {
        note("not tried: only a guest is told to charge I/O to cgroups, and not every kernel does");
        return;
    }
    let disk = Disk::new();
    // As long as it is open, its pages are written back when they are told to be.
    let open = fs::File::open(disk.device()).unwrap();
    let tool = of(&disk).json().args(["-C", "-F"]).start();
    let path = cgroup.path().to_str().unwrap();
    let only = |value: &str| of(&disk).json().args(["-C", "-F", "-c", value]).start();
    let filtered = [only(path), only(&format!("!{path}"))];
    let line = format!(
        "echo $$ > {}/cgroup.procs && exec dd if=/dev/zero of={} bs=4k count=256 conv=notrunc",
        cgroup.path().display(),
        disk.device()
    );
    let wrote = std::process::Command::new("sh")
        .args(["-c", &line])
        .output();
    assert!(wrote.unwrap().status.success());
    open.sync_all().unwrap();
    let finished = tool.finish().success();
    let [wanted, excluded] = filtered.map(|tool| tool.finish().success());
    // A cgroup's id is the number of its directory's inode.
    let id = std::fs::metadata(cgroup.path()).unwrap().ino();
    // A disk's pages stay charged to the cgroup that has written to it before: an earlier run of this test. Until 5.14
    // ("writeback, cgroup: release dying cgwbs by switching attached inodes") also when that is gone; since then to the
    // one above it, which the kernel's own account shows, too.
    let account = fs::read_to_string(cgroup.path().join("io.stat")).unwrap();
    let numbers = fs::metadata(disk.device()).unwrap().rdev();
    let numbers = format!("{}:{} ", libc::major(numbers), libc::minor(numbers));
    let is_charged = account
        .lines()
        .any(|line| line.starts_with(&numbers) && !line.contains(" wios=0 "));
    let is_its =
        |object: &serde_json::Value| object["cgroup_id"] == id || object["cgroup"].is_null();
    let writes = |finished: &Finished, is_meant: &dyn Fn(&serde_json::Value) -> bool| {
        counted(finished, |object| {
            object["op"] == "write" && is_meant(object)
        })
    };
    let lost = |finished: &Finished| finished.summary()["lost"].as_u64().unwrap();
    let its = writes(&finished, &is_its);
    let others = writes(&finished, &|object| !is_its(object));
    assert!(its + others + lost(&finished) > 0, "{finished:?}");
    if is_charged || its > 0 {
        assert_eq!(others, 0, "{finished:?}");
    } else {
        note(
            "a cgroup that is gone has written to this disk: what is written back is not charged to the new one",
        );
    }
    // The filter means the cgroup that is shown.
    let is_shown = |object: &serde_json::Value| object["cgroup_id"] == id;
    let shown = writes(&finished, &is_shown);
    let passed = writes(&wanted, &|_| true);
    assert_eq!(passed, writes(&wanted, &is_shown), "{wanted:?}");
    assert!(
        passed <= shown + lost(&finished) && passed + lost(&wanted) >= shown,
        "{shown}: {wanted:?}"
    );
    assert_eq!(writes(&excluded, &is_shown), 0, "{excluded:?}");
}
