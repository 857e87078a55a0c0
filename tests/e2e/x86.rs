// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls by the 32-bit entry, whose numbers mean other calls and whose pointers are shorter.
#![cfg(target_arch = "x86_64")]

use std::arch::asm;
use std::num::NonZeroUsize;
use std::os::unix::process::ExitStatusExt;
use std::slice;

use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use serde_json::{Value, json};
use tracewell_tests::{Actor, Finished, Tool, actor, note, rung};

/// A system call by `int 0x80`. Its pointers must be below 4 GiB.
fn call(number: u32, args: [u32; 5]) -> i32 {
    let result: u64;
    // SAFETY: the calls that are made here only read what they are pointed at. The compiler keeps rbx for itself, so
    // it is put back; older kernels do not keep r8 to r11.
    unsafe {
        asm!(
            "xchg {first:r}, rbx",
            "int 0x80",
            "xchg {first:r}, rbx",
            first = inout(reg) u64::from(args[0]) => _,
            inlateout("rax") u64::from(number) => result,
            in("rcx") u64::from(args[1]),
            in("rdx") u64::from(args[2]),
            in("rsi") u64::from(args[3]),
            in("rdi") u64::from(args[4]),
            lateout("r8") _,
            lateout("r9") _,
            lateout("r10") _,
            lateout("r11") _,
        );
    }
    result as i32
}

/// Memory that a 32-bit pointer can name; never freed.
struct Low {
    bytes: &'static mut [u8],
    used: usize,
}

impl Low {
    fn new() -> Self {
        let length = NonZeroUsize::new(4096).unwrap();
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let kind = MapFlags::MAP_PRIVATE | MapFlags::MAP_32BIT;
        // SAFETY: it is new memory, of this length, and nobody else has it.
        let bytes = unsafe {
            let start = mmap_anonymous(None, length, access, kind).unwrap();
            slice::from_raw_parts_mut(start.cast().as_ptr(), length.get())
        };
        Self { bytes, used: 0 }
    }

    /// Where a copy of this is.
    fn put(&mut self, bytes: &[u8]) -> u32 {
        let start = self.used.next_multiple_of(8);
        self.used = start + bytes.len();
        self.bytes[start..self.used].copy_from_slice(bytes);
        u32::try_from(self.bytes[start..].as_ptr().addr()).unwrap()
    }
}

const AT_FDCWD: u32 = libc::AT_FDCWD as u32;
const CREATES: u32 = (libc::O_RDWR | libc::O_CREAT) as u32;

actor!(opens_by_32_bit_calls, |stage| {
    let mut low = Low::new();
    for (number, name) in [(5, "open"), (8, "creat"), (295, "openat"), (437, "openat2")] {
        let path = format!("{}/{name}\0", stage.text(0));
        let path = low.put(path.as_bytes());
        let how = low.put(
            [u64::from(CREATES), 0o604, 0]
                .map(u64::to_ne_bytes)
                .as_flattened(),
        );
        let result = match name {
            "open" => call(number, [path, CREATES, 0o601, 0, 0]),
            "creat" => call(number, [path, 0o602, 0, 0, 0]),
            "openat" => call(number, [AT_FDCWD, path, CREATES, 0o603, 0]),
            _ => call(number, [AT_FDCWD, path, how, 24, 0]),
        };
        stage.say(result.to_string());
    }
    // The numbers of other 64-bit calls: 5 is fstat, 8 is lseek. They are no opens.
    // SAFETY: neither call touches memory.
    unsafe {
        libc::syscall(5, -1, 0);
        libc::syscall(8, -1, 0, 0);
    }
    // And the other way round: 2 is fork, 257 remap_file_pages, 85 readlink.
    call(85, [0; 5]);
    call(257, [0; 5]);
});

actor!(execs_by_32_bit_calls, |stage| {
    let mut low = Low::new();
    let path = low.put(stage.text(0).as_bytes());
    let args = ["zero", "", "two words"].map(|arg| low.put(format!("{arg}\0").as_bytes()));
    let list = low.put(
        [args[0], args[1], args[2], 0]
            .map(u32::to_ne_bytes)
            .as_flattened(),
    );
    stage.say(call(11, [path, list, 0, 0, 0]).to_string());
    stage.say(call(358, [AT_FDCWD, path, list, 0, 0]).to_string());
});

/// Plays an actor under a tool; `None` where the kernel has no 32-bit entry.
fn play(tool: &str, name: &str, arg: &str) -> Option<(Finished, Vec<i32>)> {
    let actor = Actor::new(name).arg(arg).start();
    let tool = Tool::new(tool)
        .json()
        .args(["--pid", &actor.pid().to_string()]);
    let tool = if name.starts_with("exec") {
        tool.arg("-x")
    } else {
        tool
    }
    .start();
    actor.go();
    let (status, said) = actor.end();
    let finished = tool.finish().success();
    if status.signal() == Some(libc::SIGSEGV) {
        note("skipped 32-bit calls: this kernel has none");
        return None;
    }
    assert!(status.success(), "{status}");
    Some((
        finished,
        said.lines().map(|line| line.parse().unwrap()).collect(),
    ))
}

#[test]
fn opens_of_32_bit_callers_are_told() {
    let scratch = tracewell_tests::scratch();
    let directory = scratch.path().to_str().unwrap();
    let Some((finished, fds)) = play("opensnoop", "opens_by_32_bit_calls", directory) else {
        return;
    };
    let events = finished.events("open");
    if rung().as_deref() == Some("tracepoint") {
        // Their system calls have no tracepoints.
        assert_eq!(events, Vec::<Value>::new());
        return;
    }
    let created = json!(["O_RDWR", "O_CREAT"]);
    let truncated = json!(["O_WRONLY", "O_CREAT", "O_TRUNC"]);
    let expected = [
        ("open", 0o601, &created),
        ("creat", 0o602, &truncated),
        ("openat", 0o603, &created),
        ("openat2", 0o604, &created),
    ];
    assert_eq!(events.len(), expected.len(), "{events:#?}");
    for ((event, fd), (name, mode, flags)) in events.iter().zip(fds).zip(expected) {
        assert!(fd >= 0);
        assert_eq!(event["fd"], fd, "{name}");
        assert_eq!(event["path"], format!("{directory}/{name}"));
        assert_eq!(
            (&event["mode"], &event["flags"]),
            (&json!(mode), flags),
            "{name}"
        );
        assert_eq!(
            (&event["dirfd"], &event["compat"]),
            (&json!(-100), &json!(true)),
            "{name}"
        );
    }
}

#[test]
fn failed_execs_of_32_bit_callers_are_told() {
    let Some((finished, results)) = play("execsnoop", "execs_by_32_bit_calls", "/absent/file")
    else {
        return;
    };
    assert_eq!(results, [-libc::ENOENT; 2]);
    let events = finished.events("exec");
    if rung().as_deref() == Some("tracepoint") {
        assert_eq!(events, Vec::<Value>::new());
        return;
    }
    assert_eq!(events.len(), 2, "{events:#?}");
    for (event, via) in events.iter().zip(["execve", "execveat"]) {
        assert_eq!(
            (&event["error"], &event["via"]),
            (&json!("ENOENT"), &json!([via]))
        );
        assert_eq!(event["filename"], "/absent/file");
        assert_eq!(event["args"], json!(["zero", "", "two words"]));
        assert_eq!(event["args_truncated"], false);
    }
}
