// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a tool cannot be made to do: a call that is not on its list, write through a link that another user planted,
//! lend its caller what the caller has not.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::errno::Errno;
use nix::libc;
use nix::sys::statvfs::{FsFlags, statvfs};
use tempfile::TempDir;
use tracewell_shared::confine::privilege;
use tracewell_shared::confine::seccomp::{self, Also, Seccomp};
use tracewell_tests::{Actor, Tool, actor, environment, executable_copy, note, own_tid, scratch};

use crate::all_tools;
use crate::privilege::{CAP_BPF, CAP_DAC_READ_SEARCH, CAP_PERFMON, NOBODY, limited, takes};
use crate::sys;

// Its arguments: what becomes of it, and a file that it must not make.
actor!(makes_a_file_in_confinement, |stage| {
    let mode = match stage.text(0) {
        "log" => Seccomp::Log,
        "off" => Seccomp::Off,
        _ => Seccomp::Kill,
    };
    privilege::drop_all().unwrap();
    assert!(seccomp::enter(mode, Also::default()).unwrap());
    stage.say("confined");
    drop(File::create(stage.arg(1)));
});

#[test]
fn a_call_that_is_not_on_the_list_kills() {
    for (seccomp, killed) in [("kill", true), ("log", false), ("off", false)] {
        let directory = scratch();
        let file = directory.path().join("made");
        let actor = Actor::new("makes_a_file_in_confinement");
        let mut actor = actor.arg(seccomp).arg(&file).start();
        actor.go();
        assert_eq!(actor.hear(), "confined");
        let (status, _) = actor.end();
        let signal = killed.then_some(libc::SIGSYS);
        assert_eq!(
            (status.signal(), file.exists()),
            (signal, !killed),
            "{seccomp}"
        );
    }
}

#[test]
fn the_list_can_be_left_out() {
    for (what, mode) in [("kill", "2"), ("log", "2"), ("off", "0")] {
        let tool = Tool::new("opensnoop").args(["--seccomp", what, "--tid", &own_tid()]);
        let tool = tool.start();
        let status = fs::read_to_string(format!("/proc/{}/status", tool.pid())).unwrap();
        assert!(status.contains(&format!("Seccomp:\t{mode}\n")), "{what}");
        assert!(status.contains("NoNewPrivs:\t1\n"), "{what}");
        drop(tool.finish().success());
    }
}

/// A directory that everyone may write to, as `/tmp`.
fn everyones() -> TempDir {
    let directory = scratch();
    let everyone = fs::Permissions::from_mode(0o1777);
    fs::set_permissions(directory.path(), everyone).unwrap();
    directory
}

/// What another user may put in the way, and the file that it is after.
fn traps(directory: &Path) -> [(PathBuf, PathBuf); 4] {
    let own = directory.join("own");
    fs::create_dir_all(&own).unwrap();
    let plant = |target: PathBuf, name: &str, link: &Path| {
        fs::write(&target, "precious").unwrap();
        let planted = directory.join(name);
        symlink(link, &planted).unwrap();
        lchown(&planted, Some(NOBODY), None).unwrap();
        (planted, target)
    };
    let first = own.join("first");
    let link = plant(first.clone(), "link", &first);
    let way = plant(own.join("second"), "way", &own);
    let way = (way.0.join("second"), way.1);
    let linked = own.join("third");
    fs::write(&linked, "precious").unwrap();
    let second_name = directory.join("second-name");
    fs::hard_link(&linked, &second_name).unwrap();
    let theirs = directory.join("theirs");
    fs::write(&theirs, "precious").unwrap();
    lchown(&theirs, Some(NOBODY), None).unwrap();
    [link, way, (second_name, linked), (theirs.clone(), theirs)]
}

#[test]
fn output_does_not_go_into_a_trap() {
    let directory = everyones();
    let traps = traps(directory.path());
    for tool in all_tools() {
        let mut options = vec!["--output"];
        if tool == "biolatency" {
            options.push("--record");
        }
        for option in options {
            for (path, target) in &traps {
                let tool = Tool::new(tool).arg(option).arg(path);
                let said = tool.args(["--duration", "0.01"]).run().ended_with(1).stderr;
                assert!(
                    said.contains("cannot create"),
                    "{option} {}: {said}",
                    path.display()
                );
                assert_eq!(fs::read(target).unwrap(), b"precious", "{}", path.display());
            }
        }
    }
}

#[test]
fn output_does_not_go_into_a_trap_by_another_way() {
    let scratch = scratch();
    let target = scratch.path().join("target");
    let evil = scratch.path().join("evil");
    let group = scratch.path().join("group");
    for directory in [&evil, &group] {
        fs::create_dir_all(directory.join("sub")).unwrap();
        symlink(&target, directory.join("out")).unwrap();
        lchown(directory.join("out"), Some(NOBODY), None).unwrap();
    }
    lchown(&evil, Some(NOBODY), None).unwrap();
    lchown(&group, None, Some(1000)).unwrap();
    fs::set_permissions(&group, fs::Permissions::from_mode(0o775)).unwrap();
    for directory in [&evil, &group] {
        for way in [
            "out",
            "./out",
            "sub/../out",
            "../evil/../group/out",
            "../evil/out",
        ] {
            fs::write(&target, "precious").unwrap();
            let absolute = directory.join(way);
            for path in [Path::new(way), &absolute] {
                for option in ["--output", "--record"] {
                    let mut tool = Tool::new("biolatency").arg(option).arg(path);
                    tool.command().current_dir(directory);
                    let said = tool.args(["--duration", "0.01"]).run().ended_with(1).stderr;
                    let shown = path.display();
                    assert!(said.contains("symbolic link"), "{option} {shown}: {said}");
                    assert_eq!(fs::read(&target).unwrap(), b"precious", "{shown}");
                }
            }
        }
    }
}

#[test]
fn output_named_from_the_root_needs_no_current_directory() {
    let scratch = scratch();
    let (closed, output) = (scratch.path().join("closed"), scratch.path().join("open"));
    for (directory, mode) in [
        (&closed, 0o700),
        (&output, 0o777),
        (&scratch.path().into(), 0o755),
    ] {
        fs::create_dir_all(directory).unwrap();
        fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
    }
    for tool in ["opensnoop", "biolatency"] {
        let path = output.join(tool);
        let mut command = limited(tool, NOBODY, &[CAP_BPF, CAP_PERFMON]).output(&path);
        // Before the user changes.
        command.command().current_dir(&closed);
        drop(command.args(["--duration", "0.01"]).run().success());
        assert_eq!(fs::metadata(&path).unwrap().uid(), NOBODY);
    }
}

#[test]
fn output_is_a_file_of_the_callers_umask() {
    let directory = everyones();
    for (mask, mode) in [("077", 0o600), ("027", 0o640), ("000", 0o666)] {
        let path = directory.path().join(mask);
        let log = directory.path().join(format!("{mask}.hlog"));
        let script = format!("umask {mask}; exec \"$@\"");
        let program = environment::program("biolatency");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script, "sh"]).arg(program);
        command.args(environment::extra_args());
        command
            .args(["--duration", "0.01", "-o"])
            .arg(&path)
            .arg("--record")
            .arg(&log);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        for file in [&path, &log] {
            let metadata = fs::metadata(file).unwrap();
            assert_eq!(metadata.mode() & 0o7777, mode, "{}", file.display());
            assert_eq!(metadata.uid(), 0);
        }
    }
}

/// A copy of a tool that anyone may execute; `None` where files cannot give privileges.
fn copy(name: &str, directory: &Path) -> Option<PathBuf> {
    if statvfs(directory)
        .unwrap()
        .flags()
        .contains(FsFlags::ST_NOSUID)
    {
        note("skipped what needs files that give privileges: the directory is mounted nosuid");
        return None;
    }
    let copy = directory.join(name);
    executable_copy(environment::program(name), &copy);
    Some(copy)
}

/// What setcap(8) does: `struct vfs_cap_data` of `linux/capability.h`, revision 2, permitted and effective.
fn grant(path: &Path, capabilities: &[u32]) {
    let all = capabilities.iter().fold(0_u64, |all, each| all | 1 << each);
    let words = [0x0200_0001, all as u32, 0, (all >> 32) as u32, 0];
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let path = sys::c(path);
    // SAFETY: two strings, and bytes of that length.
    let result = unsafe {
        libc::setxattr(
            path.as_ptr(),
            c"security.capability".as_ptr(),
            bytes.as_ptr().cast(),
            bytes.len(),
            0,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// Has the command run as a user without a name. Its bounding set stays, so that files can give privileges.
fn as_nobody(command: &mut Command) {
    let become_nobody = || {
        // Until 5.11 maps count as locked memory; who gives capabilities there raises its limit, too.
        let unlimited = libc::rlimit {
            rlim_cur: libc::RLIM_INFINITY,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: each is one system call on this process, which reads what it is pointed at.
        unsafe {
            libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const unlimited);
            Errno::result(libc::syscall(libc::SYS_setgroups, 0, 0))?;
            Errno::result(libc::syscall(libc::SYS_setresgid, NOBODY, NOBODY, NOBODY))?;
            Errno::result(libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY))?;
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls only.
    unsafe { command.pre_exec(become_nobody) };
}

#[test]
fn a_command_has_not_what_the_tools_file_was_granted() {
    let directory = everyones();
    for name in all_tools() {
        let Some(program) = copy(name, directory.path()) else {
            return;
        };
        grant(&program, takes(name));
        let mut tool = Tool::at(&program, name).unforced();
        if let Some(file) = tracewell_tests::forced("--btf") {
            tool = tool.args(["--btf", &file]);
        }
        as_nobody(tool.command());
        let output = directory.path().join("output");
        drop(fs::remove_file(&output));
        let tool = tool
            .output(&output)
            .args(["--", "cat", "/proc/self/status"]);
        let finished = tool.run().success();
        let status = String::from_utf8(finished.stdout).unwrap();
        for line in [
            "CapPrm:\t0000000000000000",
            "CapEff:\t0000000000000000",
            "CapAmb:\t0000000000000000",
            "NoNewPrivs:\t0",
            "Seccomp:\t0",
        ] {
            assert!(
                status.lines().any(|each| each == line),
                "{name}: {line} in {status}"
            );
        }
        assert_eq!(fs::metadata(&output).unwrap().uid(), NOBODY);
    }
}

/// What the file was granted for one tool, no other command in it lends its caller.
#[test]
fn a_command_has_not_what_the_file_was_granted_for_a_tool() {
    let directory = everyones();
    let Some(program) = copy("tracewell", directory.path()) else {
        return;
    };
    grant(&program, &[CAP_BPF, CAP_PERFMON, CAP_DAC_READ_SEARCH]);
    let secret = directory.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let closed = directory.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    for (args, path) in [
        (&["hist", "show"][..], secret.clone()),
        (&["--install-links"], closed.join("there")),
    ] {
        let mut command = Command::new(&program);
        as_nobody(&mut command);
        let output = command.args(args).arg(path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("Permission denied"), "{said}");
    }
    // By its rights alone root reads what is no log.
    let output = Command::new(&program)
        .args(["hist", "show"])
        .arg(&secret)
        .output();
    let said = String::from_utf8_lossy(&output.unwrap().stderr).into_owned();
    assert!(!said.contains("Permission denied"), "{said}");
}

#[test]
fn it_does_not_run_setuid() {
    let directory = everyones();
    let Some(program) = copy("opensnoop", directory.path()) else {
        return;
    };
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    let output = directory.path().join("output");
    let mut tool = Tool::at(&program, "opensnoop");
    as_nobody(tool.command());
    let tool = tool.output(&output).args(["--", "id", "-u"]);
    let finished = tool.run().ended_with(1);
    assert!(
        finished.stderr.contains("must not be setuid"),
        "{}",
        finished.stderr
    );
    assert!(finished.stdout.is_empty() && !output.exists());
}
