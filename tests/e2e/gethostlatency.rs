// SPDX-License-Identifier: MIT OR Apache-2.0
//! gethostlatency tells of each lookup once, and gets all of it right. None of these takes a network, or a file.

#[cfg(target_arch = "x86_64")]
mod joined;

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::ptr;
use std::thread;
use std::time::Instant;

use nix::libc;
use nix::unistd::{gettid, getuid};
use serde_json::{Value, json};
use tracewell_tests::environment::program;
use tracewell_tests::{Finished, Tool, optional, own_tid, scratch};

use crate::opens::told;
use crate::schema::check_all;
use crate::storms::scaled;
use crate::sys;
use crate::words;

unsafe extern "C" {
    fn gethostbyname(host: *const c_char) -> *const c_void;
    fn gethostbyname2(host: *const c_char, family: c_int) -> *const c_void;
    fn gethostbyname_r(
        host: *const c_char,
        found: *mut c_void,
        buffer: *mut c_void,
        bytes: usize,
        result: *mut *const c_void,
        error: *mut c_int,
    ) -> c_int;
    fn gethostbyname2_r(
        host: *const c_char,
        family: c_int,
        found: *mut c_void,
        buffer: *mut c_void,
        bytes: usize,
        result: *mut *const c_void,
        error: *mut c_int,
    ) -> c_int;
}

/// What is to be a number, and is none: the C library answers that at once.
const NO_ADDRESS: &CStr = c"1.2.3.4.5";

/// Room for `struct hostent`, and for what it points to.
type Room = [u64; 128];

/// By getaddrinfo(3), of a number; what it returned.
pub(crate) fn number(host: &CStr) -> i32 {
    with(Some(host), None, libc::AI_NUMERICHOST, libc::AF_UNSPEC)
}

fn with(host: Option<&CStr>, service: Option<&CStr>, flags: c_int, family: c_int) -> i32 {
    // SAFETY: all of it is zero in hints that ask for nothing.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_flags = flags;
    hints.ai_family = family;
    let mut found = ptr::null_mut();
    let string = |string: Option<&CStr>| string.map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: strings, and structures that outlive the call.
    unsafe {
        let returned = libc::getaddrinfo(
            string(host),
            string(service),
            &raw const hints,
            &raw mut found,
        );
        if returned == 0 {
            libc::freeaddrinfo(found);
        }
        returned
    }
}

/// By `gethostbyname2_r(3)`, or without a family by `gethostbyname_r`; what it returned, and whether it found anything.
fn reentrant(host: &CStr, family: Option<c_int>, bytes: usize) -> (i32, bool) {
    let (mut found, mut buffer): (Room, Room) = ([0; 128], [0; 128]);
    let (mut result, mut error) = (ptr::null(), 0);
    let (host, found, buffer) = (
        host.as_ptr(),
        (&raw mut found).cast(),
        (&raw mut buffer).cast(),
    );
    // SAFETY: a string, and more room than the C library writes into.
    let returned = unsafe {
        match family {
            Some(family) => gethostbyname2_r(
                host,
                family,
                found,
                buffer,
                bytes,
                &raw mut result,
                &raw mut error,
            ),
            None => gethostbyname_r(host, found, buffer, bytes, &raw mut result, &raw mut error),
        }
    };
    (returned, !result.is_null())
}

fn on_self() -> Tool {
    Tool::new("gethostlatency")
        .json()
        .args(["--tid", &own_tid()])
}

/// The event of a lookup by this thread, but for how long it took.
fn expected(function: &str, host: Option<&str>, differs: &Value) -> Value {
    let mut event = json!({
        "event": "lookup",
        "pid": std::process::id(),
        "tid": gettid().as_raw(),
        "uid": getuid().as_raw(),
        "comm": sys::own_comm(),
        "function": function,
        "ret": 0,
        "failed": false,
        "error": null,
        "host": host,
        "host_truncated": false,
    });
    for (name, value) in differs.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

/// The events as the tests know them, and how long each took.
fn events(finished: &Finished) -> Vec<(Value, u64)> {
    check_all(finished);
    let each = |event: &Value| {
        let mut event = told(event);
        let took = event.as_object_mut().unwrap().remove("duration_ns");
        (event, took.unwrap().as_u64().unwrap())
    };
    finished.events("lookup").iter().map(each).collect()
}

#[test]
fn every_function_is_told_once() {
    const LONG: usize = 1024;
    let tool = on_self().start();
    let mut waited = Vec::new();
    let mut within = |lookup: &dyn Fn()| {
        let began = Instant::now();
        lookup();
        waited.push(began.elapsed().as_nanos());
    };
    within(&|| assert_eq!(number(c"127.0.0.1"), 0));
    // SAFETY: a string.
    within(&|| assert!(!unsafe { gethostbyname(c"127.0.0.2".as_ptr()) }.is_null()));
    // SAFETY: a string.
    within(&|| assert!(!unsafe { gethostbyname2(c"127.0.0.3".as_ptr(), libc::AF_INET) }.is_null()));
    within(&|| assert_eq!(reentrant(c"127.0.0.4", None, LONG), (0, true)));
    within(&|| {
        assert_eq!(
            reentrant(c"127.0.0.5", Some(libc::AF_INET), LONG),
            (0, true)
        )
    });
    let finished = tool.finish().success();

    let none = json!({});
    let pointer = json!({"ret": null});
    let all = [
        expected("getaddrinfo", Some("127.0.0.1"), &none),
        expected("gethostbyname", Some("127.0.0.2"), &pointer),
        expected("gethostbyname2", Some("127.0.0.3"), &pointer),
        expected("gethostbyname_r", Some("127.0.0.4"), &none),
        expected("gethostbyname2_r", Some("127.0.0.5"), &none),
    ];
    let events = events(&finished);
    assert_eq!(events.len(), all.len(), "{events:#?}");
    for (((event, took), expected), waited) in events.iter().zip(&all).zip(waited) {
        assert_eq!(event, expected);
        assert!(
            0 < *took && u128::from(*took) < waited,
            "{event} {took} {waited}"
        );
    }
    finished.adds_up(events.len() as u64, all.len() as u64);
}

#[test]
fn what_fails_says_why() {
    let tool = on_self().arg("-x").start();
    let numeric = libc::AI_NUMERICHOST;
    let failures = [
        (number(c"no-number"), libc::EAI_NONAME, "EAI_NONAME"),
        (
            with(
                Some(c"127.0.0.1"),
                Some(c"no-service"),
                numeric,
                libc::AF_INET,
            ),
            libc::EAI_SERVICE,
            "EAI_SERVICE",
        ),
        (
            with(Some(c"127.0.0.1"), None, numeric, 4711),
            libc::EAI_FAMILY,
            "EAI_FAMILY",
        ),
        (
            with(Some(c"127.0.0.1"), None, 1 << 30, 0),
            libc::EAI_BADFLAGS,
            "EAI_BADFLAGS",
        ),
    ];
    // What succeeds is not told.
    assert_eq!(number(c"::1"), 0);
    // Too little room for the answer, which the caller has to give again.
    let (returned, _) = reentrant(c"127.0.0.1", Some(libc::AF_INET), 1);
    let (absent, found) = reentrant(NO_ADDRESS, None, 1024);
    assert!(!found && absent == 0);
    // SAFETY: a string.
    assert!(unsafe { gethostbyname2(NO_ADDRESS.as_ptr(), libc::AF_INET) }.is_null());
    let finished = tool.finish().success();

    let events = events(&finished);
    assert_eq!(events.len(), failures.len() + 3, "{events:#?}");
    for ((event, _), (returned, number, name)) in events.iter().zip(failures) {
        assert_eq!(returned, number, "{event}");
        assert_eq!(
            (&event["ret"], &event["error"], &event["failed"]),
            (&json!(number), &json!(name), &json!(true))
        );
    }
    let [.., (small, _), (absent, _), (pointer, _)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(returned, libc::ERANGE);
    assert_eq!(small["ret"], libc::ERANGE);
    assert_eq!(
        (&small["error"], &small["failed"]),
        (&json!("NETDB_INTERNAL"), &json!(true))
    );
    assert_eq!(
        (&absent["ret"], &absent["error"]),
        (&json!(0), &json!("HOST_NOT_FOUND"))
    );
    // Its reason stands in a variable of the thread's.
    assert_eq!(
        (&pointer["ret"], &pointer["error"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(pointer["failed"], true);
}

#[test]
fn hosts_are_bytes() {
    let hosts: [&[u8]; 5] = [
        b"",
        b"a\x1b[31m\nb\tc\\",
        b"\xff\xfe",
        "\u{202e}left".as_bytes(),
        b"(lost 5: x)",
    ];
    let look_up = || {
        for host in hosts {
            assert_ne!(number(&CString::new(host).unwrap()), 0);
        }
    };
    let tool = on_self().start();
    look_up();
    let finished = tool.finish().success();
    check_all(&finished);
    let events = finished.events("lookup");
    assert_eq!(events.len(), hosts.len());
    for (event, host) in events.iter().zip(hosts) {
        assert_eq!(words::bytes(event, "host"), host, "{event}");
    }
    let tool = Tool::new("gethostlatency").args(["-t", &own_tid()]).start();
    look_up();
    let finished = tool.finish().success();
    let shown: Vec<_> = finished.lines()[1..]
        .iter()
        .map(|line| {
            line.split_once("EAI_NONAME")
                .unwrap()
                .1
                .trim_start()
                .to_owned()
        })
        .collect();
    let expected = [
        "",
        r"a\x1b[31m\nb\tc\\",
        r"\xff\xfe",
        r"\xe2\x80\xaeleft",
        "(lost 5: x)",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_host_is_whole_or_said_to_be_cut() {
    let tool = on_self().start();
    for bytes in [1023, 1024, 1025, 70_000] {
        let host = CString::new(vec![b'x'; bytes]).unwrap();
        assert_ne!(number(&host), 0);
    }
    assert_eq!(
        with(None, Some(c"80"), libc::AI_NUMERICSERV, libc::AF_INET),
        0
    );
    let finished = tool.finish().success();
    let events = events(&finished);
    let told: Vec<_> = events
        .iter()
        .map(|(event, _)| {
            let bytes = event["host"].as_str().map(str::len);
            (bytes, event["host_truncated"] == true)
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some(1023), false),
            (Some(1024), false),
            (Some(1024), true),
            (Some(1024), true),
            (None, false)
        ]
    );
}

#[test]
fn the_table_has_the_peers_columns() {
    let tool = Tool::new("gethostlatency").args(["-t", &own_tid()]).start();
    sys::set_comm(b"two words");
    assert_eq!(number(c"127.0.0.1"), 0);
    assert_ne!(number(c"no-number"), 0);
    assert_eq!(
        with(None, Some(c"80"), libc::AI_NUMERICSERV, libc::AF_INET),
        0
    );
    // SAFETY: a string.
    assert!(unsafe { gethostbyname2(NO_ADDRESS.as_ptr(), libc::AF_INET) }.is_null());
    let finished = tool.finish().success();
    let lines = finished.lines();
    assert_eq!(
        lines[0],
        "TIME            TID     COMM                  LATms ERR            HOST"
    );
    let ends = [
        ["0", "127.0.0.1"],
        ["EAI_NONAME", "no-number"],
        ["0", "-"],
        ["?", "1.2.3.4.5"],
    ];
    assert_eq!(lines.len(), 1 + ends.len());
    for (line, end) in lines[1..].iter().zip(ends) {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(
            (words[1], words[2]),
            (own_tid().as_str(), "two\\x20words"),
            "{line}"
        );
        let millis: f64 = words[3].parse().unwrap();
        assert!(
            millis >= 0.0 && words[3].split('.').nth(1).unwrap().len() == 3,
            "{line}"
        );
        assert_eq!(words[4..], end, "{line}");
    }
}

#[test]
fn only_what_is_asked_for_is_told() {
    for (options, seen) in [
        (&["--successes"][..], 2),
        (&["-x"], 1),
        (&["--min-duration", "1ns"], 3),
        (&["--min-duration", "1h"], 0),
        (&["--where", "duration_ns > 1h"], 0),
        (&["--where", "error == \"EAI_NONAME\""], 1),
        (
            &["--where", "function == \"getaddrinfo\" && host ~ \"^127\""],
            1,
        ),
        (&["--where", "failed"], 1),
    ] {
        let tool = on_self().args(options).start();
        assert_eq!((number(c"127.0.0.1"), number(c"::1")), (0, 0));
        assert_ne!(number(c"no-number"), 0);
        let finished = tool.finish().success();
        assert_eq!(events(&finished).len(), seen, "{options:?}");
        assert_eq!(finished.summary()["lost"], 0);
    }
}

/// How many threads look up at once, and how often each.
const THREADS: usize = 8;
const EACH: u64 = 500;

#[test]
fn concurrent_lookups_are_each_told_once() {
    let tool = Tool::new("gethostlatency").json();
    let name = format!("host-{}", std::process::id());
    let tool = tool.args(["--comm", &name, "--buffer-size", "4m"]).start();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let name = name.clone();
            thread::spawn(move || {
                sys::set_comm(name.as_bytes());
                for n in 0..scaled(EACH) {
                    assert_ne!(number(&CString::new(format!("x{thread}-{n}")).unwrap()), 0);
                }
                gettid().as_raw()
            })
        })
        .collect();
    let tids: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    let finished = tool.finish().success();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for event in finished.events("lookup") {
        let host = event["host"].as_str().unwrap();
        let (thread, _) = host[1..].split_once('-').unwrap();
        assert_eq!(
            event["tid"],
            tids[thread.parse::<usize>().unwrap()],
            "{event}"
        );
        *seen.entry(host.to_owned()).or_default() += 1;
    }
    assert!(seen.values().all(|times| *times == 1), "some came twice");
    finished.accounts_for(seen.len(), THREADS * scaled(EACH) as usize);
}

/// A program that waits before it looks up, and what it waits for.
struct Waiting {
    program: Child,
    go: std::io::PipeWriter,
}

impl Waiting {
    /// With C libraries of this folder, if it has some.
    fn start(libraries: Option<&Path>) -> Self {
        let (start, go) = std::io::pipe().unwrap();
        let mut program = Command::new(program("storm"));
        program.args(["lookup", "--ops", "3", "--start-fd", "0"]);
        if let Some(libraries) = libraries {
            program.env("LD_LIBRARY_PATH", libraries);
        }
        let program = program.stdin(start).stdout(Stdio::null()).spawn().unwrap();
        let waiting = Self { program, go };
        // It has its libraries.
        waiting.libc();
        waiting
    }

    fn id(&self) -> String {
        self.program.id().to_string()
    }

    /// The C library that it has, once it has one: at first its memory may still be that of the test.
    fn libc(&self) -> PathBuf {
        loop {
            let maps = fs::read_to_string(format!("/proc/{}/maps", self.id())).unwrap();
            let paths = || {
                maps.lines()
                    .filter_map(|line| line.split_whitespace().nth(5))
            };
            let called = |path: &&str, begin| path.rsplit('/').next().unwrap().starts_with(begin);
            if paths().any(|path| called(&path, "storm"))
                && let Some(libc) = paths().find(|path| called(path, "libc"))
            {
                return libc.into();
            }
            thread::yield_now();
        }
    }

    fn go(mut self) {
        self.go.write_all(b"\n").unwrap();
        assert!(self.program.wait().unwrap().success());
    }
}

/// A folder with a C library that nobody else has.
fn own_libc() -> (tempfile::TempDir, PathBuf) {
    let own = Waiting::start(None);
    let from = own.libc();
    own.go();
    let folder = scratch();
    let to = folder.path().join("libc.so.6");
    fs::copy(from, &to).unwrap();
    (folder, to)
}

#[test]
fn the_libraries_of_all_who_run_are_hooked() {
    let (folder, libc) = own_libc();
    let waiting = Waiting::start(Some(folder.path()));
    assert_eq!(waiting.libc(), libc);
    // It is found where it is mapped, whatever has become of its name.
    for removed in [false, true] {
        if removed {
            fs::remove_file(&libc).unwrap();
        }
        let tool = Tool::new("gethostlatency").arg("-v").start();
        let said = tool.finish().success().stderr;
        assert!(
            said.contains(&format!("/{}", "libc.so.6 (getaddrinfo, ")),
            "{said}"
        );
        assert!(said.contains(libc.to_str().unwrap()), "{removed}: {said}");
    }
    let pid = waiting.id();
    let all = Tool::new("gethostlatency").json().start();
    let one = Tool::new("gethostlatency")
        .json()
        .args(["-v", "-p", &pid])
        .start();
    waiting.go();
    // The process has ended, and with it the run.
    let one = one.wait().success();
    let hooked = one
        .stderr
        .lines()
        .filter(|line| line.contains("hooked in "));
    assert_eq!(hooked.count(), 1, "{}", one.stderr);
    for finished in [all.finish().success(), one] {
        let events = finished.events("lookup");
        let own = events
            .iter()
            .filter(|event| event["pid"].as_u64() == pid.parse().ok());
        assert_eq!(own.count(), 3, "{events:#?}");
    }
}

#[test]
fn only_the_library_that_is_named_is_hooked() {
    let (folder, libc) = own_libc();
    let (with, without) = (Waiting::start(Some(folder.path())), Waiting::start(None));
    let (pid, other) = (with.id(), without.id());
    let tool = Tool::new("gethostlatency")
        .json()
        .args(["-l".as_ref(), libc.as_os_str()]);
    let tool = tool
        .arg("-l")
        .arg(without.libc())
        .args(["--pid", &format!("{pid},{other}")]);
    let both = tool.start();
    let tool = Tool::new("gethostlatency")
        .json()
        .args(["-l".as_ref(), libc.as_os_str()]);
    let one = tool.args(["--pid", &format!("{pid},{other}")]).start();
    with.go();
    without.go();
    for (finished, seen) in [(both, 6), (one, 3)] {
        let finished = finished.wait().success();
        assert_eq!(finished.events("lookup").len(), seen);
    }
}

#[test]
fn a_file_that_has_no_such_function_is_refused() {
    let text = scratch();
    let text = text.path().join("text");
    fs::write(&text, "no program").unwrap();
    for (file, says) in [
        (
            text.to_str().unwrap(),
            "neither a program nor a library (not ELF)",
        ),
        ("/absent", "No such file or directory"),
        ("/", "not a regular file"),
        (
            program("storm").to_str().unwrap(),
            "has none of the functions",
        ),
    ] {
        let finished = Tool::new("gethostlatency").args(["-l", file]).run();
        let finished = finished.ended_with(2);
        assert!(finished.stderr.contains(says), "{}", finished.stderr);
        assert!(
            finished.stderr.contains("-l takes a program or library"),
            "{}",
            finished.stderr
        );
    }
}

#[test]
fn a_process_without_a_library_is_told_of() {
    // What runs is the interpreter of a program that waits: the kernel's own threads have no library at all.
    let finished = Tool::new("gethostlatency")
        .args(["-p", "2", "--duration", "0.001"])
        .run();
    if finished.code() == Some(0) {
        assert!(
            finished
                .stderr
                .contains("process 2 has no C library mapped"),
            "{}",
            finished.stderr
        );
    } else {
        // In a pid namespace there may be no such process.
        assert!(finished.stderr.contains("process 2"), "{}", finished.stderr);
    }
}

/// musl's functions are one another by a jump, so that they begin at the same place of the stack.
#[test]
fn musl_is_a_c_library_too() {
    const PROGRAM: &str = r#"
        #include <netdb.h>
        #include <stdio.h>
        int main(void)
        {
            struct addrinfo *found;

            getchar();
            return !gethostbyname("127.0.0.1") || !gethostbyname2("127.0.0.2", 2) ||
                   getaddrinfo("127.0.0.3", 0, 0, &found) || getaddrinfo("::g", 0, &(struct addrinfo){.ai_flags = 4}, &found) != -2;
        }
    "#;
    if !optional("musl-gcc") {
        return;
    }
    let folder = scratch();
    let (source, path) = (folder.path().join("look.c"), folder.path().join("look"));
    fs::write(&source, PROGRAM).unwrap();
    let mut compiler = Command::new("musl-gcc");
    assert!(
        compiler
            .arg("-o")
            .arg(&path)
            .arg(source)
            .status()
            .unwrap()
            .success()
    );
    let mut look = Command::new(path).stdin(Stdio::piped()).spawn().unwrap();
    let maps = format!("/proc/{}/maps", look.id());
    while !fs::read_to_string(&maps).unwrap().contains("musl") {
        thread::yield_now();
    }
    let tool = Tool::new("gethostlatency").json();
    let tool = tool.args(["-p", &look.id().to_string()]).start();
    drop(look.stdin.take());
    assert!(look.wait().unwrap().success());
    let finished = tool.wait().success();
    check_all(&finished);
    let events = finished.events("lookup");
    let of = |field: &str| {
        events
            .iter()
            .map(|event| event[field].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("host"), ["127.0.0.1", "127.0.0.2", "127.0.0.3", "::g"]);
    assert_eq!(
        of("function"),
        [
            "gethostbyname",
            "gethostbyname2",
            "getaddrinfo",
            "getaddrinfo"
        ]
    );
    assert_eq!(of("error")[3], "EAI_NONAME");
    finished.adds_up(4, 4);
}
