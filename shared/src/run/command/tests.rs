// SPDX-License-Identifier: MIT OR Apache-2.0
//! Holding, releasing and reaping.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{Held, Running, exit_code};
use crate::error::{Error, Kind};

fn held(argv: &[&str]) -> Held {
    Held::start(&argv.iter().map(OsString::from).collect::<Vec<_>>()).unwrap()
}

fn shell(script: &str) -> Held {
    held(&["/bin/sh", "-c", script])
}

fn exit(running: &mut Running) -> u8 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    exit_code(runtime.block_on(running.wait()).unwrap())
}

fn fails(argv: &[&str]) -> Error {
    let argv: Vec<_> = argv.iter().map(OsString::from).collect();
    // Whether its name is none is known before its process is made.
    let ran = Held::start(&argv).and_then(Held::release);
    ran.expect_err("ran")
}

/// A path for a file of this test; not there yet.
fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tracewell-{}-{name}", std::process::id()));
    drop(fs::remove_file(&path));
    path
}

#[test]
fn the_status_is_passed_on() {
    for (script, status) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        ("kill -TERM $$", 143),
        ("kill -PIPE $$", 141),
    ] {
        let mut running = shell(script).release().unwrap();
        assert_eq!(exit(&mut running), status, "{script}");
        assert_eq!(exit(&mut running), status, "{script}, asked again");
        running.signal(Signal::SIGKILL).unwrap();
    }
}

#[test]
fn a_thread_that_is_not_confined_is_known() {
    let argv = ["/bin/true"].map(OsString::from);
    let refused = || Err(Error::new(Kind::Io, "refused"));
    for (mut running, reason) in [
        (held(&["/bin/true"]).release().unwrap(), None),
        (
            Held::start_with(&argv, refused)
                .and_then(Held::release)
                .unwrap(),
            Some("refused"),
        ),
    ] {
        let told = running.unconfined().map(Error::to_string);
        assert_eq!(told.as_deref(), reason);
        // It is waited for all the same.
        assert_eq!(exit(&mut running), 0);
    }
}

#[test]
fn nothing_runs_while_held() {
    let path = scratch("held");
    let held = shell(&format!("echo $$ > {}", path.display()));
    let pid = held.pid();
    // The process exists, and is still this program.
    assert_eq!(
        fs::read_link(format!("/proc/{pid}/exe")).unwrap(),
        fs::read_link("/proc/self/exe").unwrap()
    );
    assert!(!path.exists());

    let mut running = held.release().unwrap();
    assert_eq!(running.pid(), pid);
    assert_eq!(exit(&mut running), 0);
    assert_eq!(fs::read_to_string(&path).unwrap().trim(), pid.to_string());
    fs::remove_file(path).unwrap();
}

#[test]
fn never_released_never_runs() {
    let path = scratch("dropped");
    let held = shell(&format!("echo ran > {}", path.display()));
    let pid = held.pid();
    drop(held);
    assert!(
        !PathBuf::from(format!("/proc/{pid}")).exists(),
        "it is reaped"
    );
    assert!(!path.exists());
}

#[test]
fn the_end_of_the_tool_is_enough() {
    let path = scratch("orphan");
    let mut held = shell(&format!("echo ran > {}", path.display()));
    // What the kernel does when the tool is killed: the end of the pipe closes, with no word on it.
    drop(held.go.take());
    held.thread.take().unwrap().join().unwrap();
    assert!(!path.exists());
}

#[test]
fn a_held_process_may_be_killed() {
    let held = shell("exit 0");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(held.pid().cast_signed()),
        Signal::SIGKILL,
    )
    .unwrap();
    let ended = held.release().map(|mut running| exit(&mut running));
    assert!(matches!(ended, Ok(137)), "{ended:?}");
}

#[test]
fn what_cannot_run_says_so() {
    let error = fails(&["no-such-command-anywhere"]);
    assert_eq!(
        error.to_string(),
        "cannot run 'no-such-command-anywhere': No such file or directory"
    );
    assert_eq!(
        fails(&["/etc/passwd"]).to_string(),
        "cannot run '/etc/passwd': Permission denied"
    );
    assert!(Held::start(&[]).is_err());
    let error = Held::start(&[OsString::from("nul\0")]).expect_err("ran");
    assert!(error.to_string().starts_with("cannot run"), "{error}");
}

#[test]
fn the_command_is_as_if_run_by_the_caller() {
    let path = scratch("state");
    let script = format!(
        "grep -E 'SigIgn|SigBlk' /proc/self/status > {}",
        path.display()
    );
    let mut running = shell(&script).release().unwrap();
    assert_eq!(exit(&mut running), 0);
    let text = fs::read_to_string(&path).unwrap();
    let words: Vec<_> = text.split_whitespace().collect();
    // No signal is blocked, and SIGPIPE (13) is not ignored, though Rust ignores it here.
    assert_eq!(&words[..2], ["SigBlk:", "0000000000000000"]);
    assert_eq!(
        u64::from_str_radix(words[3], 16).unwrap() & (1 << 12),
        0,
        "{text}"
    );
    fs::remove_file(path).unwrap();
}

#[test]
fn our_descriptors_are_not_inherited() {
    let held = held(&["sleep", "60"]);
    let pid = held.pid();
    let running = held.release().unwrap();
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
        // What is no pipe, the command may have opened itself by now.
        let entry = entry.unwrap();
        if !fs::read_link(entry.path())
            .is_ok_and(|target| target.to_string_lossy().starts_with("pipe:"))
        {
            continue;
        }
        // What the caller of this process left open for its children goes on to the command; all that this
        // process opens closes on exec.
        let fd = entry.file_name().into_string().unwrap();
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap();
        let flags = info
            .lines()
            .find_map(|line| line.strip_prefix("flags:"))
            .unwrap();
        let flags = i32::from_str_radix(flags.trim(), 8).unwrap();
        assert_eq!(flags & nix::libc::O_CLOEXEC, 0, "{fd} is inherited");
    }
    running.signal(Signal::SIGKILL).unwrap();
}

#[test]
fn waiting_can_be_given_up_and_taken_up() {
    let mut running = held(&["sleep", "60"]).release().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let early = tokio::time::timeout(Duration::from_millis(20), running.wait()).await;
        assert!(early.is_err(), "{early:?}");
        running.signal(Signal::SIGTERM).unwrap();
        assert_eq!(exit_code(running.wait().await.unwrap()), 143);
    });
}

#[test]
fn a_caller_that_ignores_its_children_does_not_matter() {
    // What is ignored is inherited: this runs another test as such a caller would.
    let script = "trap '' CHLD; exec \"$0\" --exact command::tests::the_status_is_passed_on";
    let this = std::env::current_exe().unwrap();
    let output = std::process::Command::new("/bin/sh")
        .args(["-c", script])
        .arg(this)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
