// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which privileges tracing takes, and that none is kept.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use tracewell_tests::{Tool, own_tid, patience, scratch};

use crate::disk::Disk;

/// Numbers of linux/capability.h.
pub(crate) const CAP_DAC_READ_SEARCH: u32 = 2;
const CAP_SYS_PTRACE: u32 = 19;
const CAP_SYS_ADMIN: u32 = 21;
pub(crate) const CAP_PERFMON: u32 = 38;
pub(crate) const CAP_BPF: u32 = 39;
const CAP_CHECKPOINT_RESTORE: u32 = 40;

/// A user without a name.
pub(crate) const NOBODY: u32 = 65534;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Has the calling process be `uid`, with these capabilities only, also after an exec.
fn become_limited(uid: u32, capabilities: &[u32]) -> io::Result<()> {
    let check = |result: libc::c_long| Errno::result(result).map(drop).map_err(io::Error::from);
    let mut halves = [Half {
        effective: 0,
        permitted: 0,
        inheritable: 0,
    }; 2];
    for capability in capabilities {
        let half = &mut halves[*capability as usize / 32];
        let bit = 1 << (capability % 32);
        half.effective |= bit;
        half.permitted |= bit;
        half.inheritable |= bit;
    }
    let header = Header {
        version: 0x2008_0522,
        pid: 0,
    };
    // Until 5.11 maps count as locked memory; who gives capabilities there raises its limit, too.
    let unlimited = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: each is one system call on this process, which reads what it is pointed at.
    unsafe {
        // Refused where root may not, and then not needed either.
        libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const unlimited);
        for capability in 0.. {
            // Root's exec would give back what is in the bounding set.
            if !capabilities.contains(&capability)
                && libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(capability)) != 0
            {
                break;
            }
        }
        check(libc::prctl(libc::PR_SET_KEEPCAPS, 1).into())?;
        check(libc::syscall(libc::SYS_setgroups, 0, 0))?;
        check(libc::syscall(libc::SYS_setresgid, uid, uid, uid))?;
        check(libc::syscall(libc::SYS_setresuid, uid, uid, uid))?;
        check(libc::syscall(
            libc::SYS_capset,
            &raw const header,
            &raw const halves,
        ))?;
        for capability in capabilities {
            let raise = libc::PR_CAP_AMBIENT_RAISE;
            check(
                libc::prctl(
                    libc::PR_CAP_AMBIENT,
                    raise,
                    libc::c_ulong::from(*capability),
                    0,
                    0,
                )
                .into(),
            )?;
        }
    }
    Ok(())
}

/// The tool, run as `uid` with these capabilities; without what the environment forces, which may take more.
pub(crate) fn limited(name: &str, uid: u32, capabilities: &'static [u32]) -> Tool {
    let mut tool = Tool::new(name).unforced();
    // A kernel that hides its BTF is nothing without the file.
    if let Some(file) = tracewell_tests::forced("--btf") {
        tool = tool.args(["--btf", &file]);
    }
    limit(tool.command(), uid, capabilities);
    tool
}

pub(crate) fn limit(command: &mut Command, uid: u32, capabilities: &'static [u32]) {
    // SAFETY: the closure makes system calls only.
    unsafe { command.pre_exec(move || become_limited(uid, capabilities)) };
}

#[test]
fn two_capabilities_suffice() {
    let tid = own_tid();
    let tool = limited("opensnoop", NOBODY, &[CAP_BPF, CAP_PERFMON]).json();
    let tool = tool.args(["--tid", &tid]).start();
    for _ in 0..100 {
        drop(File::open("/etc/passwd"));
    }
    let finished = tool.finish().success();
    assert_eq!(finished.events("open").len(), 100);
    assert_eq!(finished.summary()["lost"], 0);

    let directory = scratch();
    let path = directory.path().join("removed");
    let tool = limited("unlinksnoop", NOBODY, &[CAP_BPF, CAP_PERFMON]).json();
    let tool = tool.args(["--tid", &tid]).start();
    for _ in 0..100 {
        drop(File::create(&path).unwrap());
        fs::remove_file(&path).unwrap();
    }
    let finished = tool.finish().success();
    assert_eq!(finished.events("unlink").len(), 100);
    assert_eq!(finished.summary()["lost"], 0);

    for failing in [&[][..], &["-x"]] {
        let own = std::process::id().to_string();
        let tool = limited("execsnoop", NOBODY, &[CAP_BPF, CAP_PERFMON]).json();
        let tool = tool.args(["--ppid", &own]).args(failing).start();
        let mark = format!("tracewell-{tid}");
        assert!(
            Command::new("/bin/true")
                .arg(&mark)
                .status()
                .unwrap()
                .success()
        );
        let execs = tool.finish().success().events("exec");
        let marked = execs.iter().filter(|exec| exec["args"][1] == mark.as_str());
        assert_eq!(marked.count(), 1, "{execs:?}");
    }
}

#[test]
fn two_capabilities_suffice_for_disks() {
    let disk = Disk::new();
    let tool = limited("biolatency", NOBODY, &[CAP_BPF, CAP_PERFMON]).json();
    let tool = tool.args(["-d", disk.name(), "--tid", &own_tid()]).start();
    disk.open().read(50);
    let finished = tool.finish().success();
    assert_eq!(finished.events("histogram")[0]["count"], 50);
    assert_eq!(finished.summary()["lost"], 0);
}

#[test]
fn what_is_missing_is_named() {
    for name in crate::all_tools() {
        for uid in [0, NOBODY] {
            for (capabilities, lacks, has) in [
                (&[][..], &["CAP_BPF", "CAP_PERFMON"][..], None),
                (&[CAP_BPF], &["CAP_PERFMON"], Some("CAP_BPF")),
                (&[CAP_PERFMON], &["CAP_BPF"], Some("CAP_PERFMON")),
            ] {
                let finished = limited(name, uid, capabilities).run().ended_with(1);
                let first = finished.stderr.lines().next().unwrap_or_default();
                assert!(
                    lacks.iter().all(|lack| first.contains(lack)),
                    "{uid} {capabilities:?}: {first}"
                );
                assert!(
                    has.is_none_or(|has| !first.contains(has)),
                    "{uid} {capabilities:?}: {first}"
                );
                assert!(finished.stderr.contains("setcap"), "{}", finished.stderr);
            }
        }
    }
}

#[test]
fn help_takes_none() {
    for name in crate::all_tools() {
        for option in ["-h", "--help", "-V"] {
            let finished = limited(name, NOBODY, &[]).arg(option).run().success();
            assert!(finished.stdout.len() > 8, "{finished:?}");
        }
    }
}

/// What a thread may still do beside the capabilities that it may keep, as lines of its status.
fn privileges(task: &Path, may_keep: u64) -> Vec<String> {
    let status = fs::read_to_string(task.join("status")).unwrap_or_default();
    let sets = ["CapInh:\t", "CapPrm:\t", "CapEff:\t", "CapAmb:\t"];
    let held = status.lines().filter(|line| {
        let set = sets.iter().find_map(|set| line.strip_prefix(set));
        let set = set.and_then(|set| u64::from_str_radix(set, 16).ok());
        set.is_some_and(|set| set & !may_keep != 0)
            || *line == "NoNewPrivs:\t0"
            || *line == "Seccomp:\t0"
    });
    held.map(str::to_owned).collect()
}

/// What a tool takes: at functions of programs more than elsewhere.
pub(crate) fn takes(name: &str) -> &'static [u32] {
    let tool = tracewell::TOOLS.iter().find(|tool| tool.name == name);
    let trace = tool.and_then(|tool| tool.trace.as_ref()).expect("a tool");
    if trace.ladder.labels().contains(&"uprobe") {
        &[CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN]
    } else {
        &[CAP_BPF, CAP_PERFMON]
    }
}

#[test]
fn functions_of_programs_take_one_more() {
    let finished = limited("gethostlatency", NOBODY, &[CAP_BPF, CAP_PERFMON]).run();
    let said = finished.ended_with(1).stderr;
    assert!(
        said.contains("tracing functions of programs takes CAP_SYS_ADMIN"),
        "{said}"
    );
}

/// One of a thread's sets of capabilities.
fn set_of(task: &Path, set: &str) -> u64 {
    let status = fs::read_to_string(task.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(set));
    u64::from_str_radix(line.unwrap(), 16).unwrap()
}

#[test]
fn none_is_kept() {
    for name in crate::all_tools() {
        for (tool, as_root) in [
            (Tool::new(name), true),
            (limited(name, NOBODY, takes(name)), false),
        ] {
            let tool = tool.start();
            let process = format!("/proc/{}", tool.pid());
            let process = Path::new(&process);
            // Ready means that the one thread that matters has given up all.
            // What counts in the kernel reads maps while it runs, and biosnoop at its end what is under way: that takes
            // CAP_BPF before 5.19.
            let reads = name == "biosnoop" || !crate::event_tools().any(|tool| tool == name);
            let kept = if !reads { 0 } else { 1 << CAP_BPF };
            assert_eq!(privileges(process, kept), Vec::<String>::new());
            // To shrink the bounding set takes a capability of its own.
            let bounding = set_of(process, "CapBnd:\t");
            assert!(!as_root || bounding & !kept == 0, "{bounding:x}");
            // Others may be on their way.
            all_threads_give_up(process, kept);
            drop(tool.finish().success());
        }
    }
}

#[test]
fn none_is_kept_beside_a_command() {
    let (reader, writer) = io::pipe().unwrap();
    let mut tool = Tool::new("opensnoop").args(["--", "cat"]);
    tool.command().stdin(reader);
    let tool = tool.start();
    let process = format!("/proc/{}", tool.pid());
    assert_eq!(privileges(Path::new(&process), 0), Vec::<String>::new());
    // The thread that waits for the command included.
    all_threads_give_up(Path::new(&process), 0);
    drop(writer);
    drop(tool.wait().success());
}

#[test]
fn what_names_callers_is_kept_where_it_is_there() {
    let names = [CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE];
    let all = names
        .iter()
        .fold(0_u64, |mask, capability| mask | 1 << capability);
    for (tool, kept) in [
        (Tool::new("opensnoop"), all),
        (limited("opensnoop", NOBODY, &[CAP_BPF, CAP_PERFMON]), 0),
    ] {
        let tool = tool.args(["-c", "--tid", &own_tid()]).json().start();
        let process = format!("/proc/{}", tool.pid());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        for set in ["CapInh:\t", "CapAmb:\t", "CapPrm:\t", "CapEff:\t"] {
            let held = set_of(Path::new(&process), set);
            let expected = if set == "CapPrm:\t" || set == "CapEff:\t" {
                kept
            } else {
                0
            };
            assert_eq!(held, expected, "{set}");
        }
        assert!(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"));
        drop(File::open("/etc/passwd"));
        let mut opens = tool.finish().success().events("open");
        opens.retain(|open| open["path"] == "/etc/passwd");
        assert_eq!(opens.len(), 1);
        let frame = &opens[0]["callers"][0];
        assert!(frame["address"].as_u64().unwrap() > 0);
        assert_eq!(frame["module"].is_string(), kept != 0, "{frame}");
    }
}

fn all_threads_give_up(process: &Path, may_keep: u64) {
    let until = Instant::now() + patience();
    loop {
        let tasks = fs::read_dir(process.join("task")).unwrap();
        let held: Vec<_> = tasks
            .flat_map(|task| privileges(&task.unwrap().path(), may_keep))
            .collect();
        if held.is_empty() {
            return;
        }
        assert!(Instant::now() < until, "kept: {held:?}");
        sleep(Duration::from_millis(5));
    }
}
