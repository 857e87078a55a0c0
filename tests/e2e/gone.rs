// SPDX-License-Identifier: MIT OR Apache-2.0
//! `execsnoop -x` where what an exec was called with cannot be read: it is not in memory, or the memory has become the
//! new program's.

use std::ffi::CString;
use std::fs::{self, File};
use std::path::Path;
use std::ptr;

use nix::libc::{self, c_char};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};
use serde_json::{Value, json};
use tracewell_tests::{Actor, Finished, Tool, actor, executable, scratch};

use crate::execs::TRUE;
use crate::kernel::on_each_rung;
use crate::sys::{self, c};

/// Plays an actor under `execsnoop -x` on each rung. `of` is the filter that takes the actor's id, and `check` is given
/// the rung and the run.
fn play(name: &str, directory: &Path, of: &str, args: &[&str], check: fn(&str, Finished)) {
    on_each_rung("execsnoop", &["-x"], |rung| {
        let actor = Actor::new(name).arg(directory).start();
        let pid = actor.pid().to_string();
        let tool = Tool::new("execsnoop").args(["-x", "--probe", rung, of, &pid]);
        let tool = tool.args(args).start();
        actor.go();
        actor.finish();
        check(rung, tool.finish().success());
    });
}

/// Runs this in a child, and waits for the child to end.
fn in_a_child(run: impl FnOnce()) {
    // SAFETY: an actor has one thread when it is let go.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            run();
            // SAFETY: to leave is always possible.
            unsafe { libc::_exit(1) }
        }
        ForkResult::Parent { child } => drop(waitpid(child, None).unwrap()),
    }
}

// No room for the new program's memory.
actor!(execs_without_room, |_| {
    in_a_child(|| {
        let limit = libc::rlimit {
            rlim_cur: 200 << 10,
            rlim_max: 200 << 10,
        };
        // SAFETY: the limit is one.
        unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) };
        sys::execve(&c(TRUE), &[c("true"), c("arg")]);
    });
});

/// Where the caller has the words of its exec, and the new program others.
const WORDS: usize = 0x1000_0000;
const WORDS_BYTES: usize = 0x1_0000;
const NAME_AT: usize = 0x100;
const ARG_AT: usize = 0x300;
const LIST_AT: usize = 0x500;

/// A program whose first part puts `forged` where [`lay_out`] has a name and an argument, and whose second part no
/// kernel takes: more bytes in the file than in memory.
fn forger() -> Vec<u8> {
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let machine: u16 = if cfg!(target_arch = "x86_64") {
        62
    } else if cfg!(target_arch = "aarch64") {
        183
    } else {
        243
    };
    for half in [2, machine] {
        elf.extend(half.to_le_bytes());
    }
    elf.extend(1_u32.to_le_bytes());
    // Entry, program headers, section headers.
    for word in [WORDS as u64, 64, 0] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, 2, 0, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    let bytes = WORDS_BYTES as u64;
    // What lies behind the file's part is cleared, so that the kernel brings the page into memory.
    for (offset, at, in_file, in_memory) in [
        (bytes, WORDS as u64, 0x800, bytes),
        (0, WORDS as u64 + 0x10 * bytes, 2 * bytes, bytes),
    ] {
        elf.extend(1_u32.to_le_bytes());
        elf.extend(6_u32.to_le_bytes());
        for word in [offset, at, at, in_file, in_memory, bytes] {
            elf.extend(word.to_le_bytes());
        }
    }
    elf.resize(WORDS_BYTES, 0);
    let mut words = vec![0; WORDS_BYTES];
    lay_out(&mut words, b"/forged/name", b"forged");
    elf.extend(words);
    elf
}

/// Puts a name, an argument, and a list of it into what lies at `WORDS`.
fn lay_out(words: &mut [u8], name: &[u8], arg: &[u8]) {
    words[NAME_AT..][..name.len()].copy_from_slice(name);
    words[ARG_AT..][..arg.len()].copy_from_slice(arg);
    words[LIST_AT..][..8].copy_from_slice(&(WORDS + ARG_AT).to_ne_bytes());
}

// Its argument: a directory with the forger in it, where it stands.
actor!(execs_a_forger, |stage| {
    std::env::set_current_dir(stage.arg(0)).unwrap();
    in_a_child(|| {
        // SAFETY: nothing of this program lies there: it would be refused.
        let words = unsafe {
            libc::mmap(
                ptr::without_provenance_mut(WORDS),
                WORDS_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
                -1,
                0,
            )
        };
        assert_ne!(words, libc::MAP_FAILED);
        // SAFETY: it was mapped, and is this function's alone.
        let words = unsafe { std::slice::from_raw_parts_mut(words.cast::<u8>(), WORDS_BYTES) };
        lay_out(words, b"./forger", b"caller");
        let (name, list) = (&raw const words[NAME_AT], &raw const words[LIST_AT]);
        sys::execve_address(name.cast(), list.cast());
    });
});

/// Checks that there is one failure, of which nothing but the error is told.
fn check_unknown(rung: &str, finished: Finished) {
    let events = finished.events("exec");
    assert_eq!(events.len(), 1, "{rung}: {events:#?}");
    let event = &events[0];
    assert!(event["errno"].as_u64() > Some(0), "{rung}: {event:#}");
    assert_eq!(
        (&event["filename"], &event["args"]),
        (&Value::Null, &Value::Null),
        "{rung}: {event:#}"
    );
    assert_eq!(event["args_truncated"], false, "{rung}");
    assert_eq!(event["via"], json!(["execve"]), "{rung}");
}

#[test]
fn an_exec_that_fails_when_its_caller_is_gone_shows_nothing_of_the_new_program() {
    let scratch = scratch();
    let path = scratch.path().join("forger");
    executable(&path, forger());
    for actor in ["execs_a_forger", "execs_without_room"] {
        let json = ["--format", "json"];
        play(actor, scratch.path(), "-P", &json, check_unknown);
    }
    play(
        "execs_without_room",
        scratch.path(),
        "-P",
        &[],
        |rung, run| {
            assert!(
                run.lines()[1].ends_with("-ENOMEM … …"),
                "{rung}: {:?}",
                run.lines()
            );
        },
    );
}

/// Strings in a file that is mapped, and has not been touched.
fn cold(directory: &Path) -> *const c_char {
    let file = File::open(directory.join("cold")).unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&file);
    let bytes = tracewell_shared::page_bytes();
    // SAFETY: a new mapping, which nobody else has.
    let at = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_READ,
            libc::MAP_PRIVATE,
            fd,
            0,
        )
    };
    assert_ne!(at, libc::MAP_FAILED);
    at.cast::<c_char>()
}

const MANY: usize = 400;

fn numbered() -> Vec<CString> {
    (0..MANY).map(|index| c(index.to_string())).collect()
}

// Its argument: a directory with the file `cold` in it. An empty name is refused before anything else is looked at.
actor!(execs_with_cold_arguments, |stage| {
    let directory = Path::new(stage.arg(0)).to_owned();
    let [zero, empty, last] = ["zero", "", "a b"].map(c);
    let name = c("");
    let nothing = cold(&directory);
    let list = [
        zero.as_ptr(),
        nothing,
        empty.as_ptr(),
        nothing,
        last.as_ptr(),
        ptr::null(),
    ];
    sys::execve_address(name.as_ptr(), list.as_ptr());
    let list = [nothing, ptr::null()];
    sys::execve_address(name.as_ptr(), list.as_ptr());
    let args = numbered();
    let mut list: Vec<_> = args.iter().map(|arg| arg.as_ptr()).collect();
    for place in list.iter_mut().step_by(3) {
        *place = nothing;
    }
    list.push(ptr::null());
    sys::execve_address(name.as_ptr(), list.as_ptr());
});

#[test]
fn arguments_that_are_not_in_memory_keep_their_places() {
    let scratch = scratch();
    fs::write(scratch.path().join("cold"), "cold\0").unwrap();
    let play = |args: &[&str], check| {
        play(
            "execs_with_cold_arguments",
            scratch.path(),
            "--pid",
            args,
            check,
        );
    };
    play(&["--format", "json"], |rung, finished| {
        let events = finished.events("exec");
        let args: Vec<_> = events.iter().map(|event| &event["args"]).collect();
        assert_eq!(args.len(), 3, "{rung}: {events:#?}");
        assert_eq!(*args[0], json!(["zero", null, "", null, "a b"]), "{rung}");
        assert_eq!(*args[1], json!([null]), "{rung}");
        let many = (0..MANY).map(|index| match index % 3 {
            0 => Value::Null,
            _ => json!(index.to_string()),
        });
        assert_eq!(*args[2], many.collect::<Value>(), "{rung}");
        for event in &events {
            assert_eq!(event["args_truncated"], false, "{rung}");
        }
    });
    play(&[], |rung, finished| {
        let line = &finished.lines()[1];
        assert!(line.ends_with(" \"\" … \"\" … \"a b\""), "{rung}: {line}");
    });
    // Text that stands on both sides of what is missing is in no line of arguments.
    play(&["-l", "zero  ", "--format", "json"], |rung, finished| {
        assert_eq!(finished.events("exec").len(), 0, "{rung}");
    });
    play(&["-l", "1 2", "--format", "json"], |rung, finished| {
        assert_eq!(finished.events("exec").len(), 1, "{rung}");
    });
}
