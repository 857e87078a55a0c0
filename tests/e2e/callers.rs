// SPDX-License-Identifier: MIT OR Apache-2.0
//! `opensnoop -c`: which functions of the program called, and never those of another.

mod known;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tracewell_tests::{
    Actor, Finished, Playing, Running, Stage, Tool, actor, executable, executable_copy, scratch,
    until,
};

use self::known::{ABSENT, open_by_known_functions, open_from_depth, tracewell_misleads};
use crate::words;

fn tool(actor: &Playing) -> Tool {
    Tool::new("opensnoop").args(["-c", "--pid", &actor.pid().to_string()])
}

/// The stack of the one open by the known functions.
fn stack(finished: &Finished) -> Value {
    let mut opens = finished.events("open");
    opens.retain(|open| open["path"] == ABSENT.to_str().unwrap());
    assert_eq!(opens.len(), 1, "{opens:#?}");
    opens.remove(0)
}

/// Fails unless the innermost frames are the known functions, of this file.
fn check_known(open: &Value, module: &Path) {
    let callers = open["callers"].as_array().unwrap();
    for (frame, symbol) in callers.iter().zip(["tracewell_opens", "tracewell_calls"]) {
        assert_eq!(frame["symbol"], symbol, "{open:#}");
        assert_eq!(frame["module"], module.to_str().unwrap());
        // Neither function is longer.
        assert!((1..48).contains(&frame["offset"].as_u64().unwrap()));
    }
    assert!(callers.len() >= 2, "{open:#}");
}

/// Fails unless the addresses are there, and no name is.
fn check_nameless(open: &Value) {
    let callers = open["callers"].as_array().unwrap();
    assert!(callers.len() >= 2, "{open:#}");
    for frame in callers {
        assert!(frame["address"].as_u64().unwrap() > 0);
        let names = [&frame["symbol"], &frame["offset"], &frame["module"]];
        assert_eq!(names, [&Value::Null; 3], "{open:#}");
    }
}

/// Has the actor go on while the tool stands still, until it says something or ends.
fn unseen(tool: &Running, actor: &mut Playing, done: impl FnOnce(&mut Playing)) {
    tool.stop();
    actor.go();
    done(actor);
    tool.signal(Signal::SIGCONT);
}

fn opens_and_waits(stage: &mut Stage) {
    open_by_known_functions();
    stage.say("opened");
    stage.wait();
}

actor!(opens_by_known_functions, opens_and_waits);

#[test]
fn functions_are_named() {
    let mut actor = Actor::new("opens_by_known_functions").start();
    let tool = tool(&actor).json().start();
    actor.go();
    actor.hear();
    tool.object(|object| object["event"] == "open");
    let finished = tool.finish().success();
    let exe = fs::read_link(format!("/proc/{}/exe", actor.pid())).unwrap();
    check_known(&stack(&finished), &exe);
    actor.go();
    actor.finish();
}

#[test]
fn without_the_option_there_are_none() {
    let mut actor = Actor::new("opens_by_known_functions").start();
    let pid = actor.pid().to_string();
    let tool = Tool::new("opensnoop").json().args(["--pid", &pid]).start();
    actor.go();
    actor.hear();
    let open = stack(&tool.finish().success());
    assert_eq!(open["callers"], Value::Null);
    assert_eq!(open["callers_truncated"], false);
}

#[test]
fn full_paths_and_callers_go_together() {
    let mut actor = Actor::new("opens_by_known_functions").start();
    let tool = tool(&actor).json().arg("-F").start();
    actor.go();
    actor.hear();
    let open = tool.object(|object| object["event"] == "open");
    assert_eq!(open["full_path"], ABSENT.to_str().unwrap());
    let exe = fs::read_link(format!("/proc/{}/exe", actor.pid())).unwrap();
    check_known(&open, &exe);
}

#[test]
fn a_table_has_them_below_the_row() {
    let mut actor = Actor::new("opens_by_known_functions").start();
    let tool = tool(&actor).start();
    actor.go();
    actor.hear();
    tool.stdout_until(|printed| printed.windows(15).any(|it| it == b"tracewell_calls"));
    let finished = tool.finish().success();
    let lines = finished.lines();
    assert!(lines[0].ends_with(" PATH/CALLER"), "{lines:#?}");
    assert!(lines[1].ends_with(" ENOENT  /nonexistent/callers"));
    let exe = fs::read_link(format!("/proc/{}/exe", actor.pid())).unwrap();
    for (line, symbol) in lines[2..]
        .iter()
        .zip(["tracewell_opens", "tracewell_calls"])
    {
        let parts: Vec<_> = line.split_whitespace().collect();
        assert!(line.starts_with("        0x"), "{line}");
        assert!(parts[1].starts_with(&format!("{symbol}+0x")), "{line}");
        assert_eq!(parts[2], exe.to_str().unwrap());
    }
}

// Its argument: how deep.
actor!(opens_from_depth, |stage| {
    open_from_depth(stage.text(0).parse().unwrap());
    stage.say("opened");
    stage.wait();
});

#[test]
fn a_deep_stack_says_that_it_is_cut() {
    for depth in [16, 1000] {
        let mut actor = Actor::new("opens_from_depth")
            .arg(depth.to_string())
            .start();
        let tool = tool(&actor).json().start();
        actor.go();
        actor.hear();
        let open = tool.object(|object| object["event"] == "open");
        let callers = open["callers"].as_array().unwrap();
        assert_eq!(callers.len(), 16);
        assert_eq!(callers[0]["symbol"], "tracewell_opens");
        let outer = callers[1..].iter();
        assert_eq!(
            outer
                .filter(|it| it["symbol"] == "tracewell_recurses")
                .count(),
            15
        );
        assert_eq!(open["callers_truncated"], true);
    }
}

// Its argument: what stands where a return address would, eight bytes of text or the address of data.
actor!(opens_with_no_frame, |stage| {
    let mut frame = Box::new([0, u64::from_ne_bytes(*b"/etc/pas")]);
    if stage.text(0) == "data" {
        frame[1] = frame.as_ptr() as u64;
    }
    // SAFETY: the path is a string, and the frame two words; the function makes one system call.
    let result = unsafe { tracewell_misleads(ABSENT.as_ptr(), frame.as_ptr()) };
    assert!(result < 0);
    stage.say("opened");
    stage.wait();
});

#[test]
fn words_that_are_no_address_of_code_are_left_out() {
    for word in ["text", "data"] {
        for format in ["json", "table"] {
            let mut actor = Actor::new("opens_with_no_frame").arg(word).start();
            let tool = tool(&actor).args(["--format", format]).start();
            actor.go();
            actor.hear();
            tool.stdout_until(|printed| printed.windows(18).any(|it| it == b"tracewell_misleads"));
            let finished = tool.finish().success();
            if format == "json" {
                let open = stack(&finished);
                assert_eq!(open["callers"].as_array().unwrap().len(), 1, "{open:#}");
                assert_eq!(open["callers"][0]["symbol"], "tracewell_misleads");
                assert_eq!(open["callers_truncated"], true);
            } else {
                let lines = finished.lines();
                assert!(lines[2].contains(" tracewell_misleads+0x"), "{lines:#?}");
                assert_eq!((lines[3], lines.len()), ("        …", 4), "{lines:#?}");
            }
        }
    }
}

actor!(opens_and_ends, |_| open_by_known_functions());

#[test]
fn a_process_that_ended_has_addresses_only() {
    let mut actor = Actor::new("opens_and_ends").start();
    let tool = tool(&actor).json().start();
    unseen(&tool, &mut actor, |actor| {
        // Until it is reaped, its directory is there.
        let maps = format!("/proc/{}/maps", actor.pid());
        until(|| fs::read(&maps).map_or(true, |maps| maps.is_empty()));
    });
    tool.object(|object| object["event"] == "open");
    check_nameless(&stack(&tool.finish().success()));
    actor.finish();
}

/// Becomes another actor, from a file that is this program.
fn become_actor(program: &Path, name: &str) {
    // SAFETY: actors run before there is another thread.
    unsafe { std::env::set_var("TRACEWELL_ACTOR", name) };
    let error = std::os::unix::process::CommandExt::exec(&mut std::process::Command::new(program));
    panic!("{error}");
}

actor!(opens_and_execs, |stage| {
    open_by_known_functions();
    stage.say("next");
    become_actor(Path::new("/proc/self/exe"), "says_and_waits");
});

actor!(says_and_waits, |stage| {
    stage.say("another");
    stage.wait();
});

#[test]
fn a_process_that_runs_another_program_has_addresses_only() {
    let mut actor = Actor::new("opens_and_execs").start();
    let tool = tool(&actor).json().start();
    unseen(&tool, &mut actor, |actor| {
        // The program is the same, but where it is in memory is not.
        assert_eq!(actor.hear(), "next");
        actor.go();
        assert_eq!(actor.hear(), "another");
    });
    tool.object(|object| object["path"] == ABSENT.to_str().unwrap());
    check_nameless(&stack(&tool.finish().success()));
}

// Its argument: the program.
actor!(execs_to_open, |stage| {
    let program = Path::new(stage.arg(0)).to_owned();
    stage.say("next");
    become_actor(&program, "opens_by_known_functions");
});

/// Has it become the program, and open.
fn play(actor: &mut Playing) {
    actor.go();
    assert_eq!(actor.hear(), "next");
    actor.go();
    assert_eq!(actor.hear(), "opened");
}

/// The name of a program that would be a row, an escape and a frame.
const ODD: &[u8] = b"odd\n1      sh  3 0 shadow\n        0x1 main+0x1 sh \x1b[31m\xff";

#[test]
fn a_program_s_name_forges_nothing() {
    let directory = scratch();
    let program = directory.path().join(std::ffi::OsStr::from_bytes(ODD));
    executable_copy(std::env::current_exe().unwrap(), &program);
    for json in [true, false] {
        let mut actor = Actor::new("execs_to_open").arg(&program).start();
        let tool = tool(&actor);
        let tool = if json { tool.json() } else { tool };
        let tool = tool.start();
        play(&mut actor);
        tool.stdout_until(|printed| printed.windows(15).any(|it| it == b"tracewell_calls"));
        let finished = tool.finish().success();
        if json {
            let open = stack(&finished);
            let frame = &open["callers"][0];
            assert_eq!(frame["symbol"], "tracewell_opens");
            // A line of maps has its newlines in octal.
            let mut maps = program.as_os_str().as_bytes().to_vec();
            while let Some(at) = maps.iter().position(|byte| *byte == b'\n') {
                maps.splice(at..=at, *br"\012");
            }
            let exact = data_encoding::BASE64.encode(&maps);
            assert_eq!(frame["module_b64"], json!(exact));
        } else {
            let lines = finished.lines();
            let row = lines
                .iter()
                .position(|line| line.ends_with(ABSENT.to_str().unwrap()))
                .unwrap();
            let line = lines[row + 1];
            assert!(line.is_ascii() && !line.contains('\x1b'), "{line}");
            let parts = words::split(line.trim_start());
            assert_eq!(parts.len(), 3, "{line}");
            assert!(parts[1].starts_with(b"tracewell_opens+0x"), "{line}");
            assert!(parts[2].starts_with(directory.path().as_os_str().as_bytes()));
            assert!(parts[2].ends_with(b"\x1b[31m\xff"));
        }
    }
}

#[test]
fn a_stripped_program_has_addresses_of_its_own_count() {
    let directory = scratch();
    let program = directory.path().join("stripped");
    let mut bytes = fs::read("/proc/self/exe").unwrap();
    // e_shoff, and e_shnum with e_shstrndx: no sections, so no symbols.
    bytes[0x28..0x30].fill(0);
    bytes[0x3c..0x40].fill(0);
    executable(&program, bytes);
    let mut actor = Actor::new("execs_to_open").arg(&program).start();
    let tool = tool(&actor).json().start();
    play(&mut actor);
    let open = tool.object(|object| object["path"] == ABSENT.to_str().unwrap());
    let frame = &open["callers"][0];
    assert_eq!(frame["symbol"], Value::Null);
    assert_eq!(frame["module"], program.to_str().unwrap());
    assert!(frame["offset"].as_u64().unwrap() > 0x1000);
}
