// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--exe`: the file that the process behind each event runs, wherever it lies, and whether or not either is still there.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{chroot, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use data_encoding::BASE64;
use nix::libc::{self, O_CREAT, O_RDWR};
use nix::mount::{MntFlags, umount2};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tracewell_tests::{
    Actor, Finished, Tool, actor, buffers, executable, executable_copy, scratch,
};

use crate::bashreadline::readline;
use crate::disk::{Disk, read_one_block};
use crate::event_tools;
use crate::gethostlatency::number;
use crate::schema::check_all;
use crate::sockets::talk;
use crate::sys::{self, AT_FDCWD, c, find};
use crate::unreached::cloned;

/// A program that does what it is told under any name.
fn shell() -> PathBuf {
    fs::canonicalize("/bin/sh").unwrap()
}

/// A shell's line that opens a file of this name, which is nowhere.
fn opens(name: &str) -> String {
    format!(": </absent/{name}")
}

/// A shell at this path that runs a line.
fn shell_at(path: impl AsRef<OsStr>, line: &str) -> Command {
    let mut command = Command::new(path);
    command.args(["-c", line]).stderr(Stdio::null());
    command
}

/// Waits until a shell has run its line, whatever came of it.
fn run(command: &mut Command) {
    command.status().unwrap();
}

/// A name with bytes that a terminal takes for its own, that end a line, and that are no text.
const ODD: &[u8] = b"odd \xff\n\x1b[31m\",\\";

/// The path from the root to what a detached mount has of the file that this process runs.
fn own() -> PathBuf {
    fs::read_link("/proc/self/exe").unwrap()
}

// Its argument: a directory. In a mount namespace of its own runs a shell from many places in there.
actor!(runs_from_many_places, |stage| {
    let root = PathBuf::from(stage.arg(0));
    let at = |name: &str| root.join(name);
    sys::own_mounts();
    // It was started in another mount namespace.
    drop(sys::read("/absent/itself"));

    run(&mut shell_at(
        root.join(OsStr::from_bytes(ODD)),
        &opens("odd"),
    ));
    run(&mut shell_at(at("link"), &opens("link")));
    run(Command::new(at("script")).stderr(Stdio::null()));

    sys::mount(None, &at("memory"), Some("tmpfs"), 0);
    executable_copy(at("plain"), at("memory/plain"));
    run(&mut shell_at(at("memory/plain"), &opens("memory")));
    sys::mount(Some(&at("source")), &at("bound"), None, libc::MS_BIND);
    run(&mut shell_at(at("bound/plain"), &opens("bound")));
    sys::mount(Some(&at("plain")), &at("file"), None, libc::MS_BIND);
    run(&mut shell_at(at("file"), &opens("file")));

    let line = format!("rm -- \"$0\"; {}", opens("removed"));
    run(shell_at(at("removed"), &line).arg(at("removed")));
    let line = format!("mv -f -- \"$1\" \"$0\"; {}", opens("replaced"));
    run(shell_at(at("replaced"), &line).args([at("replaced"), at("replacement")]));
    let line = format!("mv -- \"$0\" \"$1\"; {}", opens("renamed"));
    run(shell_at(at("renamed"), &line).args([at("renamed"), at("called-otherwise")]));

    // A root of its own, which shows the same.
    sys::mount(
        Some(Path::new("/")),
        &at("jail"),
        None,
        libc::MS_BIND | libc::MS_REC,
    );
    let jail = at("jail");
    let mut jailed = shell_at(shell(), &opens("jailed"));
    // SAFETY: what is called there takes no lock, and this process has one thread.
    unsafe {
        jailed.pre_exec(move || {
            chroot(&jail)?;
            std::env::set_current_dir("/")
        });
    }
    run(&mut jailed);

    // What no path leads to.
    let memory = memfd_create(c"in memory", MFdFlags::empty()).unwrap();
    let contents = fs::read(shell()).unwrap();
    fs::File::from(memory.try_clone().unwrap())
        .write_all(&contents)
        .unwrap();
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    run(&mut shell_at(path, &opens("memfd")));

    let tree = cloned(at("source").to_str().unwrap());
    let args = ["sh", "-c", &opens("cloned")].map(c);
    let mut detached = Command::new("/bin/true");
    // SAFETY: as above.
    unsafe {
        detached
            .pre_exec(move || Err(sys::execveat(tree.as_raw_fd(), &c("plain"), &args, 0).into()));
    }
    run(detached.stderr(Stdio::null()));

    sys::mount(None, &at("lazy"), Some("tmpfs"), 0);
    fs::create_dir(at("lazy/below")).unwrap();
    executable_copy(at("plain"), at("lazy/below/plain"));
    let line = format!("read line; {}", opens("lazy"));
    let mut lazy = shell_at(at("lazy/below/plain"), &line)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    umount2(&at("lazy"), MntFlags::MNT_DETACH).unwrap();
    lazy.stdin.take().unwrap().write_all(b"\n").unwrap();
    lazy.wait().unwrap();
});

#[test]
fn a_program_has_its_path_wherever_it_lies() {
    for buffer in buffers() {
        let scratch = scratch();
        let root = fs::canonicalize(scratch.path()).unwrap();
        for name in ["memory", "source", "bound", "jail", "lazy"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        for name in [
            "plain",
            "source/plain",
            "removed",
            "replaced",
            "replacement",
            "renamed",
        ] {
            executable_copy(shell(), root.join(name));
        }
        executable_copy(shell(), root.join(OsStr::from_bytes(ODD)));
        fs::write(root.join("file"), "").unwrap();
        symlink("plain", root.join("link")).unwrap();
        executable(
            root.join("script"),
            format!("#! /bin/sh\n{}\n", opens("script")),
        );

        let actor = Actor::new("runs_from_many_places").arg(&root).start();
        let pid = actor.pid().to_string();
        let tool = Tool::new("opensnoop").json();
        let tool = tool.args([
            "--exe",
            "--buffer",
            &buffer,
            "--children",
            "--wait-all",
            "--pid",
            &pid,
        ]);
        let tool = tool.start();
        // Not one of the processes is there any more when the first event is read, and no file either.
        tool.stop();
        actor.go();
        actor.finish();
        drop(scratch);
        tool.signal(Signal::SIGCONT);
        let finished = tool.wait().success();
        check_all(&finished);

        let events = finished.events("open");
        let event = |name: &str| find(&events, "path", &format!("/absent/{name}"));
        let exe = |name: &str| {
            let event = event(name);
            (event["exe"].clone(), event["exe_truncated"].clone())
        };
        let whole = |path: &Path| (json!(path.to_str().unwrap()), json!(false));
        let inside = |path: &str| whole(&root.join(path));
        assert_eq!(exe("itself"), whole(&own()), "{buffer}");
        assert_eq!(exe("link"), inside("plain"), "{buffer}");
        assert_eq!(exe("script"), whole(&shell()), "{buffer}");
        assert_eq!(exe("memory"), inside("memory/plain"), "{buffer}");
        assert_eq!(exe("bound"), inside("bound/plain"), "{buffer}");
        assert_eq!(exe("file"), inside("file"), "{buffer}");
        assert_eq!(exe("removed"), inside("removed"), "{buffer}");
        assert_eq!(exe("replaced"), inside("replaced"), "{buffer}");
        assert_eq!(exe("renamed"), inside("called-otherwise"), "{buffer}");
        let jailed = shell().strip_prefix("/").unwrap().to_owned();
        assert_eq!(
            exe("jailed"),
            whole(&root.join("jail").join(jailed)),
            "{buffer}"
        );
        let part = |path: &str| (json!(path), json!(true));
        assert_eq!(exe("memfd"), part("memfd:in memory"), "{buffer}");
        assert_eq!(exe("cloned"), part("plain"), "{buffer}");
        assert_eq!(exe("lazy"), part("below/plain"), "{buffer}");
        let odd = root.join(OsStr::from_bytes(ODD));
        let odd = BASE64.encode(odd.as_os_str().as_bytes());
        assert_eq!(event("odd")["exe_b64"], odd, "{buffer}");
    }
}

// Its arguments: a directory, a disk. Does something of which each tool tells.
actor!(does_a_little_of_all, |stage| {
    let path = c(Path::new(stage.arg(0)).join("file"));
    let file = sys::openat(AT_FDCWD, &path, O_CREAT | O_RDWR, 0o600).unwrap();
    sys::fdatasync(file.as_raw_fd()).unwrap();
    sys::unlink(&path).unwrap();
    assert_eq!(number(c"127.0.0.1"), 0);
    assert!(!readline(c"a line".as_ptr()).is_null());
    read_one_block(Path::new(stage.arg(1)));
    talk();
    run(&mut Command::new("/bin/true"));
});

/// Whether the memory of a process that ends is still there when its end is told: since Linux 6.16 ("exit: move and extend
/// `sched_process_exit()` tracepoint").
fn ends_with_memory() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(|sign: char| !sign.is_ascii_digit());
    let mut next = || numbers.next().unwrap().parse::<u32>().unwrap();
    (next(), next()) >= (6, 16)
}

#[test]
fn every_tool_tells_it() {
    let runs_true = fs::canonicalize("/bin/true").unwrap();
    let disk = Disk::new();
    let device = disk.device();
    for tool in event_tools() {
        for buffer in buffers() {
            let scratch = scratch();
            let actor = Actor::new("does_a_little_of_all");
            let actor = actor.arg(scratch.path()).arg(device).start();
            let pid = actor.pid();
            let mut run = Tool::new(tool).json();
            if tool == "bashreadline" {
                run = run.arg("-s").arg(std::env::current_exe().unwrap());
            }
            let run = run.args(["--exe", "--buffer", &buffer, "--children", "--pid"]);
            let run = run.arg(pid.to_string()).start();
            actor.go();
            actor.finish();
            let finished = run.wait().success();
            check_all(&finished);
            let mut events = finished.objects();
            events.retain(|event| event.get("pid").is_some());
            assert!(!events.is_empty(), "{tool}");
            for event in &events {
                let runs = match event["pid"] == pid {
                    true => own(),
                    // The child may open files before its exec, and does once it is true(1).
                    false if tool == "opensnoop" && event["exe"] == json!(own()) => own(),
                    false => runs_true.clone(),
                };
                let told = tool != "exitsnoop" || ends_with_memory();
                let exe = told.then_some(runs);
                assert_eq!(event["exe"], json!(exe), "{tool} {buffer}: {event}");
                assert_eq!(event["exe_truncated"], false, "{tool} {buffer}: {event}");
                // Who asks for this asks for nothing else.
                for other in ["cgroup", "unit", "container", "user", "ancestors"] {
                    assert_eq!(event[other], Value::Null, "{tool}: {event}");
                }
            }
        }
    }
}

// Its arguments: how many directories, how long their names are. Runs a shell so far below the working directory.
actor!(runs_from_deep_down, |stage| {
    let count: usize = stage.text(1).parse().unwrap();
    let length: usize = stage.text(2).parse().unwrap();
    std::env::set_current_dir(stage.arg(0)).unwrap();
    let name = "d".repeat(length);
    for _ in 0..count {
        fs::create_dir(&name).unwrap();
        std::env::set_current_dir(&name).unwrap();
    }
    executable_copy(shell(), "plain");
    run(&mut shell_at("./plain", &opens("deep")));
});

#[test]
fn a_path_that_is_too_long_or_deep_lacks_its_start() {
    for (count, length, is_whole) in [
        (100, 1, true),
        (140, 1, false),
        (15, 250, true),
        (17, 250, false),
        (15, 255, true),
        (16, 255, false),
    ] {
        let scratch = scratch();
        let root = fs::canonicalize(scratch.path()).unwrap();
        let actor = Actor::new("runs_from_deep_down").arg(&root);
        let actor = actor.arg(count.to_string()).arg(length.to_string());
        let actor = actor.start();
        let pid = actor.pid().to_string();
        let run = Tool::new("opensnoop").json();
        let run = run.args([
            "--exe",
            "--names",
            "--ancestors",
            "--children",
            "--pid",
            &pid,
        ]);
        let run = run.start();
        actor.go();
        actor.finish();
        let finished = run.wait().success();
        let events = finished.events("open");
        let event = find(&events, "path", "/absent/deep");
        let below = format!("/{}", "d".repeat(length)).repeat(count);
        let path = format!("{}{below}/plain", root.display());
        let exe = event["exe"].as_str().unwrap();
        assert_eq!(event["exe_truncated"], !is_whole, "{count} {length}");
        if is_whole {
            assert_eq!(exe, path);
        } else {
            assert!(path.ends_with(&format!("/{exe}")), "{exe}");
            assert!(exe.len() > 250, "{exe}");
        }
        // What stands before it is whole all the same.
        assert!(event["ancestors"].is_array(), "{event}");
    }
}

/// What opensnoop says with these options of shells that open a file, one of which is called `odd`.
fn told(args: &[&str]) -> Finished {
    let scratch = scratch();
    let root = fs::canonicalize(scratch.path()).unwrap();
    for name in ["one", "other one"] {
        executable_copy(shell(), root.join(name));
    }
    let line = format!(
        "cd {}; ./one -c '{}'; ./one -c '{}'; './other one' -c '{}'; :",
        root.display(),
        opens("a"),
        opens("b"),
        opens("c")
    );
    let run = Tool::new("opensnoop").args(args);
    let run = run.args(["--", "sh", "-c", &line]);
    run.run().success()
}

#[test]
fn a_name_in_another_option_asks_for_it() {
    let paths = |finished: &Finished| {
        let events = finished.events("open");
        let paths = events.iter().map(|event| event["path"].as_str().unwrap());
        let mut paths: Vec<_> = paths.map(str::to_owned).collect();
        paths.retain(|path| path.starts_with("/absent/"));
        paths
    };
    let finished = told(&["--json", "--where", "exe ~ '/one$'"]);
    assert_eq!(paths(&finished), ["/absent/a", "/absent/b"]);
    let finished = told(&["--json", "--where", "exe ~ '/other one$' && !exe_truncated"]);
    assert_eq!(paths(&finished), ["/absent/c"]);
    assert!(paths(&told(&["--json", "--where", "exe == null"])).is_empty());

    let counted = told(&[
        "--json",
        "--where",
        "path ~ '^/absent/'",
        "--count-by",
        "exe",
    ]);
    let rows = counted.events("count");
    let exe = rows[0]["by"]["exe"].as_str().unwrap();
    assert!(exe.ends_with("/one"), "{rows:?}");
    assert_eq!((rows.len(), &rows[0]["count"]), (2, &json!(2)));

    let table = told(&["--where", "path ~ '^/absent/'", "--columns", "exe,path"]);
    let lines = table.lines();
    assert!(lines[0].starts_with("EXE "), "{lines:?}");
    assert!(lines[3].contains("/other\\x20one"), "{lines:?}");
    assert_eq!(lines[3].split_whitespace().count(), 2, "{lines:?}");

    let table = told(&["--exe", "--names", "--where", "path ~ '^/absent/'"]);
    let lines = table.lines();
    let headers: Vec<_> = lines[0].split_whitespace().collect();
    let last = ["USER", "UNIT", "CONTAINER", "EXE", "PATH"];
    assert!(headers.ends_with(&last), "{lines:?}");
    assert!(lines[1].contains("/one "), "{lines:?}");
}

#[test]
fn nobody_is_told_it_who_did_not_ask() {
    for args in [&["--json"][..], &["--json", "--names"]] {
        let finished = told(args);
        let events = finished.events("open");
        let event = find(&events, "path", "/absent/a");
        assert_eq!(event["exe"], Value::Null, "{event}");
        assert_eq!(event["cgroup"].is_string(), args.len() > 1, "{event}");
    }
}

actor!(execs_what_is_absent, |stage| {
    sys::execve(&c(stage.arg(0)), &[c("absent")]);
});

#[test]
fn an_exec_that_failed_has_that_of_its_caller() {
    let actor = Actor::new("execs_what_is_absent")
        .arg("/absent/program")
        .start();
    let pid = actor.pid().to_string();
    let run = Tool::new("execsnoop").json();
    let run = run.args(["-x", "--exe", "--pid", &pid]).start();
    actor.go();
    actor.finish();
    let finished = run.wait().success();
    let events = finished.events("exec");
    let event = find(&events, "filename", "/absent/program");
    assert_eq!(event["exe"], json!(own()), "{event}");
}

#[test]
fn a_tree_takes_it_for_an_option_of_single_execs() {
    let refused = Tool::new("execsnoop").args(["--tree", "--exe"]).run();
    let refused = refused.ended_with(2);
    let says = "--tree: --exe is about single execs";
    assert!(refused.stderr.contains(says), "{}", refused.stderr);
}
