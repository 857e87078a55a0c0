// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls that a signal interrupts, whose thread is killed, or that a seccomp filter refuses.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::libc::{self, c_int};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use serde_json::{Value, json};
use tracewell_tests::{Actor, Finished, Playing, Running, Tool, actor, scratch};

use crate::execs::TRUE;
use crate::inflight::sleeps_in_open;
use crate::kernel::on_each_rung;
use crate::sys::{self, AT_FDCWD, c};

extern "C" fn nothing(_: c_int) {}

/// Has a handler called every few milliseconds, set with these flags.
fn ring_often(flags: c_int) {
    let every = libc::timeval {
        tv_sec: 0,
        tv_usec: 20_000,
    };
    let timer = libc::itimerval {
        it_interval: every,
        it_value: every,
    };
    // SAFETY: all zeros are an action without a handler and flags.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as *const () as usize;
    action.sa_flags = flags;
    // SAFETY: both are what the calls take, and the handler does nothing.
    unsafe {
        libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut());
        libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut());
    }
}

// Its arguments: a pipe; whether calls are to start again. Says what its open for reading gave.
actor!(waits_under_signals, |stage| {
    let pipe = c(stage.arg(0));
    let restart = stage.text(1) == "restart";
    stage.say("ready");
    stage.wait();
    ring_often(if restart { libc::SA_RESTART } else { 0 });
    let opened = sys::openat(AT_FDCWD, &pipe, libc::O_RDONLY, 0);
    let said = opened.map_or_else(|errno| errno.to_string(), |_| "opened".to_owned());
    stage.say(said);
});

/// The actor, and opensnoop by that rung that traces it from its word on; then it goes on.
fn traced(actor: Actor, rung: &str) -> (Playing, Running) {
    let mut actor = actor.start();
    actor.go();
    actor.hear();
    let tool = Tool::new("opensnoop").json();
    let pid = actor.pid().to_string();
    let tool = tool.args(["--probe", rung, "--pid", &pid]).start();
    actor.go();
    (actor, tool)
}

/// Checks that the actor's open is told once, with what the actor saw.
fn check_told(rung: &str, run: &Finished, pipe: &Path, error: &Value) {
    let mut events = run.events("open");
    events.retain(|event| event["path"] == pipe.to_str().unwrap());
    let told: Vec<_> = events.iter().map(|event| &event["error"]).collect();
    assert_eq!(told, [error], "{rung}: {}", run.summary());
}

#[test]
fn an_open_that_starts_again_is_told_once() {
    let scratch = scratch();
    let pipe = scratch.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    on_each_rung("opensnoop", &[], |rung| {
        let actor = Actor::new("waits_under_signals").arg(&pipe).arg("restart");
        let (actor, tool) = traced(actor, rung);
        let pid = actor.pid();
        sleeps_in_open(pid, &pid.to_string());
        // Signals for the handler, and a stop of the whole process.
        thread::sleep(Duration::from_millis(100));
        for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
            kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
        drop(sys::openat(AT_FDCWD, &c(&pipe), libc::O_WRONLY, 0).unwrap());
        assert_eq!(actor.finish(), "opened\n");
        let run = tool.finish().success();
        check_told(rung, &run, &pipe, &Value::Null);
    });
}

#[test]
fn an_open_that_a_signal_ends_is_told_or_counted() {
    let scratch = scratch();
    let pipe = scratch.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    on_each_rung("opensnoop", &[], |rung| {
        let actor = Actor::new("waits_under_signals").arg(&pipe).arg("end");
        let (actor, tool) = traced(actor, rung);
        assert!(actor.finish().contains("EINTR"));
        let run = tool.finish().success();
        let counted = run.summary().to_string().contains("\"interrupted\":");
        let mut events = run.events("open");
        events.retain(|event| event["path"] == pipe.to_str().unwrap());
        assert_eq!(
            events.len(),
            usize::from(!counted),
            "{rung}: {}",
            run.summary()
        );
        for event in events {
            assert_eq!(event["error"], "EINTR", "{rung}");
        }
    });
}

// Its argument: a pipe.
actor!(waits_for_ever, |stage| {
    stage.say("ready");
    stage.wait();
    drop(sys::openat(AT_FDCWD, &c(stage.arg(0)), libc::O_RDONLY, 0));
});

#[test]
fn an_open_that_its_thread_s_end_cuts_off_is_not_told() {
    let scratch = scratch();
    let pipe = scratch.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    on_each_rung("opensnoop", &[], |rung| {
        let (actor, tool) = traced(Actor::new("waits_for_ever").arg(&pipe), rung);
        let pid = actor.pid();
        sleeps_in_open(pid, &pid.to_string());
        drop(actor);
        let run = tool.finish().success();
        assert_eq!(run.events("open").len(), 0, "{rung}");
        assert_eq!(run.summary()["lost_by"], json!({}), "{rung}");
    });
}

actor!(execs_by_all_threads, |_| {
    let threads: Vec<_> = (0..8)
        .map(|_| {
            // Long lists take the kernel a while to copy.
            let args: Vec<_> = std::iter::once(c(TRUE))
                .chain((1..20_000).map(|index| c(index.to_string())))
                .collect();
            thread::spawn(move || sys::execve(&c(TRUE), &args))
        })
        .collect();
    for thread in threads {
        drop(thread.join());
    }
});

#[test]
fn threads_that_another_one_s_exec_ends_have_not_failed() {
    for _ in 0..20 {
        let actor = Actor::new("execs_by_all_threads").start();
        let pid = actor.pid().to_string();
        let tool = Tool::new("execsnoop").json().args(["-x", "--pid", &pid]);
        let tool = tool.start();
        actor.go();
        actor.finish();
        let run = tool.finish().success();
        let events = run.events("exec");
        let told: Vec<_> = events.iter().map(|event| &event["error"]).collect();
        assert_eq!(told, [&Value::Null]);
    }
}

/// Has the kernel refuse openat(2), unlinkat(2), fsync(2) and execve(2), as a container's profile does.
fn refuse_calls() {
    let filter = |code: u32, yes, no, k: i64| libc::sock_filter {
        code: code.try_into().unwrap(),
        jt: yes,
        jf: no,
        k: k.try_into().unwrap(),
    };
    let is = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let refused = i64::from(libc::SECCOMP_RET_ERRNO) | i64::from(libc::EPERM);
    let mut filters = [
        filter(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        filter(is, 3, 0, libc::SYS_openat),
        filter(is, 2, 0, libc::SYS_unlinkat),
        filter(is, 1, 0, libc::SYS_fsync),
        filter(is, 0, 1, libc::SYS_execve),
        filter(libc::BPF_RET | libc::BPF_K, 0, 0, refused),
        filter(
            libc::BPF_RET | libc::BPF_K,
            0,
            0,
            libc::SECCOMP_RET_ALLOW.into(),
        ),
    ];
    let program = libc::sock_fprog {
        len: filters.len().try_into().unwrap(),
        filter: filters.as_mut_ptr(),
    };
    // SAFETY: the program is as long as it says.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(
            libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program),
            0
        );
    }
}

actor!(calls_that_are_refused, |stage| {
    let file = c(stage.arg(0));
    refuse_calls();
    drop(sys::openat(AT_FDCWD, &file, libc::O_RDONLY, 0));
    sys::unlinkat(AT_FDCWD, &file, 0).unwrap_err();
    sys::fsync(0).unwrap_err();
    stage.say(sys::execve(&file, &[c("zero")]).to_string());
});

#[test]
fn calls_that_seccomp_refuses_are_told_or_counted() {
    for (tool, args, kind) in [
        ("opensnoop", &[][..], "open"),
        ("unlinksnoop", &[], "unlink"),
        ("syncsnoop", &[], "sync"),
        ("execsnoop", &["-x"], "exec"),
    ] {
        on_each_rung(tool, args, |rung| {
            let actor = Actor::new("calls_that_are_refused").arg(PathBuf::from("/absent"));
            let actor = actor.start();
            let pid = actor.pid().to_string();
            let tracing = Tool::new(tool).json().args(args);
            let tracing = tracing.args(["--probe", rung, "--pid", &pid]).start();
            actor.go();
            assert!(actor.finish().contains("EPERM"));
            let run = tracing.finish().success();
            let events = run.events(kind);
            let told: Vec<_> = events.iter().map(|event| &event["error"]).collect();
            let counted = run.summary().to_string().contains("\"entry_missed\":1");
            match rung {
                "tracepoint" if told.is_empty() => assert!(counted, "{tool}: {}", run.summary()),
                // The functions are not called, as the page and doctor say.
                "fentry" | "kprobe" => assert!(told.is_empty(), "{rung}"),
                _ => assert_eq!(told, [&json!("EPERM")], "{tool}, {rung}"),
            }
        });
    }
}
