// SPDX-License-Identifier: MIT OR Apache-2.0
//! `execsnoop -x`: execs that fail, with what they were called with.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr;
use std::thread;

use nix::errno::Errno;
use nix::unistd::gettid;
use serde_json::{Value, json};
use tracewell_tests::{Actor, Finished, Tool, actor, executable, scratch};

use crate::sys::{self, c};

actor!(fails_to_exec, |stage| {
    let directory = Path::new(stage.arg(0)).to_owned();
    let at = |name: &str| c(directory.join(name));
    let args = ["zero", "", "a b"].map(c);
    let mut say = |errno: Errno| stage.say(format!("{errno:?}"));
    for name in [
        "absent",
        "data",
        "no-program",
        "data/below",
        "no-interpreter",
    ] {
        say(sys::execve(&at(name), &args));
    }
    // No argument may have more than 32 pages (MAX_ARG_STRLEN).
    let too_long = 32 * tracewell_shared::page_bytes();
    say(sys::execve(
        &at("absent"),
        &[c("zero"), c("l".repeat(10_000)), c("last")],
    ));
    say(sys::execve(
        &c("/bin/true"),
        &[c("zero"), c("l".repeat(too_long))],
    ));
    let open = File::open(&directory).unwrap();
    say(sys::execveat(open.as_raw_fd(), &c("absent"), &args, 0));
    say(sys::execve(&at("absent"), &[]));
    // Pointers to nothing: the name, the list, the second argument.
    let bad = ptr::without_provenance(8);
    let first = c("first");
    let list = [first.as_ptr(), bad, ptr::null()];
    say(sys::execve_address(
        bad,
        [first.as_ptr(), ptr::null()].as_ptr(),
    ));
    say(sys::execve_address(c("/bin/true").as_ptr(), bad.cast()));
    say(sys::execve_address(c("/bin/true").as_ptr(), list.as_ptr()));
    say(sys::execve_address(at("absent").as_ptr(), ptr::null()));
    let absent = at("absent");
    let thread = thread::spawn(move || (sys::execve(&absent, &[c("thread")]), gettid()));
    let (errno, tid) = thread.join().unwrap();
    say(errno);
    stage.say(tid.to_string());
    sys::execve(&c("/bin/true"), &[c("true"), c("succeeds")]);
});

/// Plays the actor under execsnoop; gives the run, and what the actor said.
fn play(args: &[&str], directory: &Path) -> (Finished, Vec<String>) {
    File::create(directory.join("data")).unwrap();
    for (name, text) in [
        ("no-program", "text"),
        ("no-interpreter", "#!/absent/interpreter\n"),
    ] {
        executable(directory.join(name), text);
    }
    let actor = Actor::new("fails_to_exec").arg(directory).start();
    let tool = Tool::new("execsnoop")
        .args(["--pid", &actor.pid().to_string()])
        .args(args)
        .start();
    actor.go();
    let said = actor.finish();
    (
        tool.finish().success(),
        said.lines().map(str::to_owned).collect(),
    )
}

#[test]
fn failures_come_with_their_names_and_arguments() {
    let scratch = scratch();
    let (finished, mut said) = play(&["-x", "--format", "json"], scratch.path());
    let thread: u64 = said.pop().unwrap().parse().unwrap();
    let mut events = finished.events("exec");
    let last = events.pop().unwrap();
    assert_eq!(
        (&last["ret"], &last["args"]),
        (&json!(0), &json!(["true", "succeeds"]))
    );

    let at = |name: &str| json!(scratch.path().join(name).to_str());
    let all = json!(["zero", "", "a b"]);
    let cut = |bytes: usize| json!(["zero", "l".repeat(bytes - 5)]);
    // The error, the file, the arguments, whether they are cut.
    let expected = [
        ("ENOENT", at("absent"), all.clone(), false),
        ("EACCES", at("data"), all.clone(), false),
        ("ENOEXEC", at("no-program"), all.clone(), false),
        ("ENOTDIR", at("data/below"), all.clone(), false),
        ("ENOENT", at("no-interpreter"), all.clone(), false),
        ("ENOENT", at("absent"), cut(8192), true),
        ("E2BIG", json!("/bin/true"), cut(8192), true),
        ("ENOENT", json!("absent"), all, false),
        ("ENOENT", at("absent"), json!([]), false),
        ("EFAULT", Value::Null, json!(["first"]), false),
        ("EFAULT", json!("/bin/true"), Value::Null, false),
        ("EFAULT", json!("/bin/true"), json!(["first", null]), false),
        ("ENOENT", at("absent"), json!([]), false),
        ("ENOENT", at("absent"), json!(["thread"]), false),
    ];
    assert_eq!(events.len(), expected.len(), "{events:#?}");
    assert_eq!(said.len(), expected.len());
    let each = events.iter().zip(&said).zip(&expected).enumerate();
    for (index, ((event, said), (error, file, args, cut))) in each {
        assert_eq!(said, error, "{index}");
        assert_eq!(event["error"], *error, "{index}");
        assert_eq!(event["ret"], -event["errno"].as_i64().unwrap(), "{index}");
        assert_eq!(&event["filename"], file, "{index}");
        assert_eq!(shortened(&event["args"]), shortened(args), "{index}");
        assert_eq!(event["args_truncated"], *cut, "{index}");
        let by_thread = index == expected.len() - 1;
        assert_eq!(event["tid"] == event["pid"], !by_thread, "{index}");
        let call = if index == 7 { "execveat" } else { "execve" };
        let via = if by_thread {
            json!([call, "thread"])
        } else {
            json!([call])
        };
        assert_eq!(event["via"], via, "{index}");
    }
    assert_eq!(events[13]["tid"], thread);
}

/// The arguments with their lengths in place of long ones.
fn shortened(args: &Value) -> Value {
    match args.as_array() {
        Some(args) => args
            .iter()
            .map(|arg| match arg.as_str().map_or(0, str::len) {
                length @ 100.. => json!(length),
                _ => arg.clone(),
            })
            .collect(),
        None => args.clone(),
    }
}

#[test]
fn without_the_option_failures_are_not_told() {
    let scratch = scratch();
    let (finished, _) = play(&["--format", "json"], scratch.path());
    let events = finished.events("exec");
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["args"], json!(["true", "succeeds"]));
}

#[test]
fn a_table_names_the_error() {
    let scratch = scratch();
    let (finished, _) = play(&["-x"], scratch.path());
    let lines = finished.lines();
    let path = scratch.path().display();
    assert!(
        lines[1].ends_with(&format!(" -ENOENT {path}/absent \"\" \"a b\"")),
        "{}",
        lines[1]
    );
    assert!(lines[2].contains(" -EACCES "), "{}", lines[2]);
    assert!(
        lines
            .last()
            .unwrap()
            .contains(" 0       /bin/true succeeds"),
        "{lines:?}"
    );
}
