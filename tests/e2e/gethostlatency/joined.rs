// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls within calls, and such as never return.

use super::{CStr, Finished, PathBuf, Tool, c_void, check_all, fs, libc, own_tid, ptr, scratch};
use std::fs::File;
use std::sync::Barrier;
use std::thread;

use nix::unistd::gettid;
use tracewell_shared::tool::load::library;
use tracewell_tests::{Actor, actor};

/// What a function is given: a host, what it is to call, and what with.
type Calls = extern "C" fn(*const libc::c_char, extern "C" fn(*mut c_void), *mut c_void);

/// `sub $8,%rsp; mov %rdx,%rdi; call *%rsi; add $8,%rsp; xor %eax,%eax; ret`
const CODE: [u8; 16] = [
    0x48, 0x83, 0xec, 0x08, 0x48, 0x89, 0xd7, 0xff, 0xd6, 0x48, 0x83, 0xc4, 0x08, 0x31, 0xc0, 0xc3,
];

/// A library whose getaddrinfo calls what it is given, and returns 0.
fn library(folder: &std::path::Path) -> PathBuf {
    let path = folder.join("libc.so");
    let mut bytes = library::bytes("getaddrinfo").unwrap();
    bytes.truncate(library::CODE_AT);
    bytes.extend(CODE);
    // p_filesz and p_memsz of the one segment.
    for at in [64 + 32, 64 + 40] {
        bytes[at..at + 8].copy_from_slice(&(CODE.len() as u64).to_ne_bytes());
    }
    fs::write(&path, bytes).unwrap();
    path
}

/// The function, which stays for as long as the process does.
fn mapped(library: &std::path::Path) -> Calls {
    use std::os::fd::AsRawFd;
    let file = File::open(library).unwrap();
    let access = libc::PROT_READ | libc::PROT_EXEC;
    // SAFETY: new memory, of a file that has the code of such a function there.
    unsafe {
        let at = library::CODE_AT as i64;
        let code = libc::mmap(
            ptr::null_mut(),
            4096,
            access,
            libc::MAP_PRIVATE,
            file.as_raw_fd(),
            at,
        );
        assert_ne!(code, libc::MAP_FAILED);
        std::mem::transmute(code)
    }
}

fn hosts(finished: &Finished) -> Vec<String> {
    check_all(finished);
    let events = finished.events("lookup");
    let host = |event: &serde_json::Value| event["host"].as_str().unwrap().to_owned();
    events.iter().map(host).collect()
}

extern "C" fn nothing(_: *mut c_void) {}

/// Hosts, of which each is looked up inside the lookup of the one before.
struct Within<'h> {
    function: Calls,
    hosts: &'h [&'h CStr],
}

extern "C" fn look_up_within(within: *mut c_void) {
    // SAFETY: the one who called gave it, and waits.
    let within = unsafe { &*within.cast::<Within<'_>>() };
    if let [host, rest @ ..] = within.hosts {
        let mut inner = Within {
            function: within.function,
            hosts: rest,
        };
        (within.function)(host.as_ptr(), look_up_within, (&raw mut inner).cast());
    }
}

#[test]
fn what_a_lookup_calls_itself_is_a_part_of_it() {
    let folder = scratch();
    let path = library(folder.path());
    let function = mapped(&path);
    let tool = Tool::new("gethostlatency").json().arg("-l").arg(&path);
    let tool = tool.args(["--tid", &own_tid()]).start();
    for hosts in [
        &[c"one"][..],
        &[c"two", c"in-two"],
        &[c"three", c"in-three", c"in-that"],
    ] {
        let mut within = Within { function, hosts };
        look_up_within((&raw mut within).cast());
    }
    let finished = tool.finish().success();
    assert_eq!(hosts(&finished), ["one", "two", "three"]);
    finished.adds_up(3, 3);
}

/// Two places to go on at, as of coroutines: one of them on a stack of its own.
struct Jump {
    function: Calls,
    host: &'static CStr,
    home: libc::ucontext_t,
}

extern "C" fn jump_home(jump: *mut c_void) {
    // SAFETY: it lives in a frame that waits for just this.
    unsafe { libc::setcontext(&raw const (*jump.cast::<Jump>()).home) };
}

extern "C" fn begin(high: u32, low: u32) {
    let jump = (u64::from(high) << 32 | u64::from(low)) as *mut Jump;
    // SAFETY: as above.
    let (function, host) = unsafe { ((*jump).function, (*jump).host) };
    function(host.as_ptr(), jump_home, jump.cast());
    unreachable!("it was left by a jump");
}

/// A lookup that is left by a jump, on this stack.
fn abandon(function: Calls, host: &'static CStr, stack: &mut [u8]) {
    // SAFETY: what is asked of the C library is what its functions are for; nothing on that stack is to be dropped.
    unsafe {
        let mut jump = Jump {
            function,
            host,
            home: std::mem::zeroed(),
        };
        let mut there: libc::ucontext_t = std::mem::zeroed();
        libc::getcontext(&raw mut there);
        there.uc_stack.ss_sp = stack.as_mut_ptr().cast();
        there.uc_stack.ss_size = stack.len();
        let address = (&raw mut jump) as u64;
        let begin: extern "C" fn() = std::mem::transmute(begin as extern "C" fn(u32, u32));
        libc::makecontext(
            &raw mut there,
            begin,
            2,
            (address >> 32) as u32,
            address as u32,
        );
        libc::swapcontext(&raw mut jump.home, &raw const there);
    }
}

/// A lookup that is left by a jump has no end. It is counted, and never taken for another one.
#[test]
fn a_lookup_that_is_left_is_lost_and_not_mixed_up() {
    let folder = scratch();
    let path = library(folder.path());
    let function = mapped(&path);
    let mut stack = vec![0; 256 * 1024];
    let tool = Tool::new("gethostlatency").json().arg("-l").arg(&path);
    let tool = tool.args(["--tid", &own_tid()]).start();
    // Each from the same place, so that the next one shows that the one before has no end.
    for host in [c"first", c"second", c"third"] {
        abandon(function, host, &mut stack);
    }
    drop(stack);
    let finished = tool.finish().success();
    assert!(hosts(&finished).is_empty());
    let summary = finished.summary();
    assert_eq!(summary["lost_by"]["exit_missed"], 2, "{summary}");
    assert_eq!(summary["account"], "exact", "{summary}");
}

// Its argument: a library. Ends in the middle of a lookup.
actor!(ends_inside_a_lookup, |stage| {
    extern "C" fn end(_: *mut c_void) {
        std::process::exit(0);
    }
    let function = mapped(stage.arg(0).as_ref());
    // In memory that was written to: this function does not look at it.
    let hosts = [c"before", c"at-the-end"].map(CStr::to_owned);
    function(hosts[0].as_ptr(), nothing, ptr::null_mut());
    function(hosts[1].as_ptr(), end, ptr::null_mut());
});

#[test]
fn what_ends_in_a_lookup_has_no_event() {
    let folder = scratch();
    let path = library(folder.path());
    let actor = Actor::new("ends_inside_a_lookup").arg(&path).start();
    let tool = Tool::new("gethostlatency").json().arg("-l").arg(&path);
    let tool = tool.args(["-p", &actor.pid().to_string()]).start();
    actor.go();
    actor.finish();
    let finished = tool.wait().success();
    assert_eq!(hosts(&finished), ["before"]);
    finished.adds_up(1, 1);
}

extern "C" fn wait_for_others(barrier: *mut c_void) {
    // SAFETY: the one who called gave it, and waits.
    unsafe { &*barrier.cast::<Barrier>() }.wait();
}

/// A lookup that is under way keeps its place from those that there is no room for, and these are counted.
#[test]
fn what_finds_no_room_is_told() {
    let folder = scratch();
    let path = library(folder.path());
    let function = mapped(&path);
    let pid = std::process::id().to_string();
    let tool = Tool::new("gethostlatency").json().arg("-l").arg(&path);
    let tool = tool.args(["--inflight", "1", "-p", &pid]).start();
    let barrier = Barrier::new(3);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let barrier = (&raw const barrier).cast_mut().cast();
                function(c"crowded".as_ptr(), wait_for_others, barrier);
            });
        }
    });
    function(c"alone".as_ptr(), nothing, ptr::null_mut());
    let finished = tool.finish().success();
    assert_eq!(hosts(&finished), ["crowded", "alone"]);
    let summary = finished.summary();
    assert_eq!(summary["lost_at_most_by"]["inflight_full"], 2, "{summary}");
    assert_eq!(finished.events("lookup")[1]["tid"], gettid().as_raw());
    finished.adds_up(2, 4);
}

/// What began before the trace is none of its events, and no loss.
#[test]
fn what_began_before_is_not_told() {
    let folder = scratch();
    let path = library(folder.path());
    let function = mapped(&path);
    let (inside, out) = (Barrier::new(2), Barrier::new(2));
    struct Both<'b>(&'b Barrier, &'b Barrier);
    extern "C" fn wait_twice(both: *mut c_void) {
        // SAFETY: the one who called gave it, and waits.
        let both = unsafe { &*both.cast::<Both<'_>>() };
        both.0.wait();
        both.1.wait();
    }
    let pid = std::process::id().to_string();
    let tool = thread::scope(|scope| {
        scope.spawn(|| {
            let both = Both(&inside, &out);
            let both = (&raw const both).cast_mut().cast();
            function(c"before".as_ptr(), wait_twice, both);
            function(c"after".as_ptr(), nothing, ptr::null_mut());
        });
        inside.wait();
        let tool = Tool::new("gethostlatency").json().arg("-l").arg(&path);
        let tool = tool.args(["-p", &pid]).start();
        out.wait();
        tool
    });
    let finished = tool.finish().success();
    assert_eq!(hosts(&finished), ["after"]);
    finished.adds_up(1, 1);
}
