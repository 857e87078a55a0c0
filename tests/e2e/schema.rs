// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every line of JSON is as `docs/events.schema.json` says.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::ptr;

use nix::libc::{
    AT_REMOVEDIR, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tracewell_tests::{Actor, Finished, Playing, Tool, actor, scratch};

use crate::sys::{self, AT_FDCWD, How, c};
use crate::validate::{check, schema, validator};

/// Checks all lines of a run, and gives them.
pub(crate) fn check_all(finished: &Finished) -> Vec<Value> {
    let validator = validator();
    let objects = finished.objects();
    objects.iter().for_each(|object| check(&validator, object));
    objects
}

/// Fails where no object has this field, not null.
fn assert_some(objects: &[Value], field: &str) {
    assert!(
        objects.iter().any(|object| !object[field].is_null()),
        "nothing has {field}: the test does not try it"
    );
}

/// The name of a file, or of a program, that is not UTF-8 and not pleasant.
const ODD: &[u8] = b"odd \xff\n\x1b[31m\\\"";

fn odd() -> &'static OsStr {
    OsStr::from_bytes(ODD)
}

// Its argument: a directory.
actor!(opens_all_kinds, |stage| {
    let directory = Path::new(stage.arg(0)).to_owned();
    let odd = c(directory.join(odd()));
    sys::set_comm(b"\xfe\tname");
    drop(sys::openat(
        AT_FDCWD,
        &odd,
        O_WRONLY | O_CREAT | O_TRUNC,
        0o640,
    ));
    drop(sys::openat(
        AT_FDCWD,
        &c(&directory),
        O_DIRECTORY | O_CLOEXEC,
        0,
    ));
    drop(sys::openat(
        AT_FDCWD,
        &c(directory.join("absent")),
        O_RDWR,
        0,
    ));
    drop(sys::openat(AT_FDCWD, &c("x".repeat(5000)), O_RDONLY, 0));
    drop(sys::openat(AT_FDCWD, &c(""), O_RDONLY, 0));
    drop(sys::openat(-7, &c("relative"), !0, 0));
    drop(sys::openat_address(
        AT_FDCWD,
        ptr::without_provenance(8),
        O_RDONLY,
        0,
    ));
    let how = How {
        flags: u64::MAX,
        mode: u64::MAX,
        resolve: 0,
    };
    drop(sys::openat2(AT_FDCWD, &odd, how));
});

#[test]
fn opens_are_as_the_schema_says() {
    for option in [None, Some("-F"), Some("-c")] {
        let directory = scratch();
        let actor = Actor::new("opens_all_kinds").arg(directory.path()).start();
        let pid = actor.pid().to_string();
        let tool = Tool::new("opensnoop")
            .json()
            .args(["--pid", &pid])
            .args(option)
            .start();
        actor.go();
        actor.finish();
        let objects = check_all(&tool.finish().success());
        assert!(objects.len() > 8, "{objects:#?}");
        for field in ["comm_b64", "path_b64", "mode", "fd", "error"] {
            assert_some(&objects, field);
        }
        match option {
            Some("-F") => assert_some(&objects, "full_path_b64"),
            Some("-c") => assert_some(&objects, "callers"),
            _ => {}
        }
        assert!(
            objects
                .iter()
                .any(|object| object["path_truncated"] == true),
            "{objects:#?}"
        );
    }
}

// Its argument: a directory with an odd name for a program.
actor!(execs_all_kinds, |stage| {
    let directory = Path::new(stage.arg(0)).to_owned();
    let program = c(directory.join(odd()));
    let odd = c(odd());
    let absent = c(directory.join("absent"));
    let bad = ptr::without_provenance(8);
    sys::execve(&absent, &[odd.clone(), c(""), c("a b")]);
    sys::execve(&absent, &[]);
    sys::execve(&absent, &[c("a".repeat(20_000)), c("b")]);
    sys::execve(&c("x".repeat(5000)), &[c("long")]);
    sys::execve_address(bad, bad.cast());
    sys::execve_address(absent.as_ptr(), [odd.as_ptr(), bad, ptr::null()].as_ptr());
    sys::execve(&program, &[c("true"), odd]);
});

#[test]
fn execs_are_as_the_schema_says() {
    let directory = scratch();
    symlink("/bin/true", directory.path().join(odd())).expect("a link can be made");
    let actor = Actor::new("execs_all_kinds").arg(directory.path()).start();
    let pid = actor.pid().to_string();
    let tool = Tool::new("execsnoop")
        .json()
        .args(["-x", "--pid", &pid])
        .start();
    actor.go();
    actor.finish();
    let objects = check_all(&tool.finish().success());
    assert_eq!(objects.len(), 8, "{objects:#?}");
    for field in ["comm_b64", "filename_b64", "args_b64", "error", "ppid"] {
        assert_some(&objects, field);
    }
    for field in ["filename_truncated", "args_truncated"] {
        assert!(
            objects.iter().any(|object| object[field] == true),
            "{field}: {objects:#?}"
        );
    }
}

// Its argument: a directory.
actor!(unlinks_all_kinds, |stage| {
    let directory = Path::new(stage.arg(0)).to_owned();
    sys::set_comm(b"\xfe\tname");
    let remove = |path: &Path, flags| _ = sys::unlinkat(AT_FDCWD, &c(path), flags);
    remove(&directory.join(odd()), 0);
    remove(&directory.join("inner"), AT_REMOVEDIR);
    remove(&directory.join("absent"), 0);
    remove(Path::new(&"x".repeat(5000)), 0);
    remove(Path::new(""), 0);
    _ = sys::unlinkat(-7, c"relative", 0);
    _ = sys::unlinkat_address(AT_FDCWD, ptr::without_provenance(8), 0);
});

#[test]
fn unlinks_are_as_the_schema_says() {
    for option in [None, Some("-F")] {
        let directory = scratch();
        std::fs::write(directory.path().join(odd()), "bytes").expect("a file can be made");
        std::fs::create_dir(directory.path().join("inner")).expect("a directory can be made");
        let actor = Actor::new("unlinks_all_kinds")
            .arg(directory.path())
            .start();
        let tool = Tool::new("unlinksnoop")
            .json()
            .args(["--pid", &actor.pid().to_string()])
            .args(option)
            .start();
        actor.go();
        actor.finish();
        let finished = tool.finish().success();
        let objects = check_all(&finished);
        assert_eq!(objects.len(), 8, "{objects:#?}");
        for field in ["comm_b64", "path_b64", "error"] {
            assert_some(&objects, field);
        }
        if option.is_some() {
            assert_some(&objects, "full_path_b64");
        }
        if ["fentry", "kprobe"].contains(&finished.rung().as_str()) {
            for field in ["inode", "size_bytes", "links", "still_open"] {
                assert_some(&objects, field);
            }
        }
        assert!(
            objects
                .iter()
                .any(|object| object["path_truncated"] == true),
            "{objects:#?}"
        );
    }
}

// Its argument: how many opens at a time. It opens as often as it is let go.
actor!(opens_in_bursts, |stage| {
    let count: u32 = stage.text(0).parse().expect("a number");
    loop {
        for _ in 0..count {
            drop(sys::read("/dev/null"));
        }
        stage.say("opened");
        stage.wait();
    }
});

#[test]
fn losses_are_as_the_schema_says() {
    let mut actor = Actor::new("opens_in_bursts").arg("5000").start();
    let pid = actor.pid().to_string();
    let tool = Tool::new("opensnoop")
        .json()
        .args(["--pid", &pid, "--buffer-size", "64k"])
        .start();
    let burst = |actor: &mut Playing, during: &dyn Fn()| {
        tool.stop();
        actor.go();
        actor.hear();
        during();
        tool.signal(Signal::SIGCONT);
    };
    // The first event after a gap tells of it; the last gap has none after it.
    burst(&mut actor, &|| {});
    while !tool.stdout_so_far().contains(r#""event":"lost""#) {
        actor.go();
        actor.hear();
    }
    burst(&mut actor, &|| tool.signal(Signal::SIGINT));
    let finished = tool.wait().success();
    let objects = check_all(&finished);
    let gaps: Vec<_> = objects
        .iter()
        .filter(|object| object["event"] == "lost")
        .collect();
    assert_some(&objects, "cause");
    assert!(gaps.iter().any(|gap| gap["time"].is_null()), "{gaps:#?}");
    assert!(gaps.iter().any(|gap| gap["time"].is_string()), "{gaps:#?}");
    assert_eq!(
        objects.last().map(|last| &last["event"]),
        Some(&json!("summary"))
    );
}

#[test]
fn csv_has_the_fields_of_the_schema() {
    for tool in tracewell::TOOLS {
        let kind = &tool.trace.as_ref().expect("a tool traces").kinds[0];
        let kind = tool.definition(kind);
        let tool =
            Tool::new(tool.name).args(["--format", "csv", "--pid", "1", "--duration", "0.001"]);
        let finished = tool.run().success();
        let header: Vec<_> = finished.lines()[0].split(',').map(str::to_owned).collect();
        let schema = schema();
        let required = &schema["$defs"][&kind]["required"];
        let required: Vec<String> = serde_json::from_value(required.clone()).expect("names");
        assert_eq!(required[0], "event");
        assert_eq!(required[1..], header);
    }
}
