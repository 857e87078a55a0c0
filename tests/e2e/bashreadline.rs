// SPDX-License-Identifier: MIT OR Apache-2.0
//! bashreadline tells of each line that is read once: those of a real bash in a terminal of its own, and those of a library of
//! the tests' own.

use std::ffi::{CString, c_char};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::ptr;

use nix::pty::openpty;
use nix::unistd::getuid;
use serde_json::{Value, json};
use tracewell_shared::tool::load::library::{self, Function};
use tracewell_tests::{Tool, executable_copy, optional, own_tid, scratch};

use crate::opens::told;
use crate::schema::check_all;
use crate::sys;
use crate::words;

/// A function of the tests' own program, which the tool can be pointed at.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn readline(line: *const c_char) -> *const c_char {
    std::hint::black_box(line)
}

/// A library in this folder whose readline gives back what it is given.
pub(crate) fn library(folder: &Path) -> PathBuf {
    let path = folder.join("readline");
    fs::write(
        &path,
        library::bytes("readline").expect("code for this machine"),
    )
    .unwrap();
    path
}

fn mapped(library: &Path) -> Function {
    Function::map(&File::open(library).unwrap()).unwrap()
}

/// The tool on that library, for this thread.
fn on_library(library: &Path) -> Tool {
    let tool = Tool::new("bashreadline").json().arg("-s").arg(library);
    tool.args(["--tid", &own_tid()])
}

/// A bash that somebody types into.
struct Shell {
    bash: Child,
    terminal: File,
    /// What it has said and nobody has looked at.
    said: Vec<u8>,
    folder: tempfile::TempDir,
}

impl Shell {
    /// Ready to be typed into.
    fn start(bash: &Path) -> Self {
        let folder = scratch();
        let settings = folder.path().join("inputrc");
        let bytes = "set convert-meta off\nset input-meta on\nset output-meta on\nset enable-bracketed-paste off\n";
        fs::write(&settings, bytes).unwrap();
        let pty = openpty(None, None).unwrap();
        let (terminal, slave) = (File::from(pty.master), File::from(pty.slave));
        let mut command = Command::new(bash);
        command
            .args(["--norc", "--noprofile", "-i"])
            .env("INPUTRC", settings)
            .env("PS1", "at-the-prompt ")
            .env("TERM", "dumb")
            .env("HISTFILE", "/dev/null")
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave);
        use std::os::unix::process::CommandExt;
        // SAFETY: between fork and exec the closure makes two system calls.
        unsafe {
            command.pre_exec(|| {
                nix::unistd::setsid()?;
                nix::libc::ioctl(0, nix::libc::TIOCSCTTY, 0);
                Ok(())
            })
        };
        let mut shell = Self {
            bash: command.spawn().unwrap(),
            terminal,
            said: Vec::new(),
            folder,
        };
        drop(command);
        shell.until("at-the-prompt ");
        shell
    }

    fn id(&self) -> u32 {
        self.bash.id()
    }

    /// Reads on until it has said this.
    fn until(&mut self, text: &str) {
        loop {
            let found = memchr_find(&self.said, text.as_bytes());
            if let Some(at) = found {
                self.said.drain(..at + text.len());
                return;
            }
            let mut piece = [0; 4096];
            let length = self.terminal.read(&mut piece).unwrap_or(0);
            assert!(
                length > 0,
                "bash ended: {}",
                String::from_utf8_lossy(&self.said)
            );
            self.said.extend_from_slice(&piece[..length]);
        }
    }

    /// Types a line, and waits for the next prompt.
    fn line(&mut self, line: &[u8]) {
        self.terminal.write_all(line).unwrap();
        self.terminal.write_all(b"\n").unwrap();
        self.until("at-the-prompt ");
    }

    /// Ends its input.
    fn end(mut self) {
        self.terminal.write_all(b"\x04").unwrap();
        let mut rest = Vec::new();
        // Once nobody has the other end, reading fails.
        drop(self.terminal.read_to_end(&mut rest));
        self.bash.wait().unwrap();
        drop(self.folder);
    }
}

fn memchr_find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}

fn lines(events: &[Value]) -> Vec<Vec<u8>> {
    events
        .iter()
        .map(|event| words::bytes(event, "line"))
        .collect()
}

#[test]
fn what_is_typed_into_bash_is_told() {
    if !optional("bash") {
        return;
    }
    let mut shell = Shell::start(Path::new("bash"));
    let pid = shell.id();
    // Whoever it is, all of them, and this one.
    let all = Tool::new("bashreadline").json().start();
    let one = Tool::new("bashreadline")
        .json()
        .args(["-p", &pid.to_string()])
        .start();
    let typed: [&[u8]; 5] = [
        b"echo one",
        b"",
        "echo \u{e9}".as_bytes(),
        b"echo \xff",
        b": \x16\x1b[31m",
    ];
    // It was waited for before the trace began.
    shell.line(b"echo waiting");
    for line in typed {
        shell.line(line);
    }
    // The end of the input is no line.
    shell.end();
    let one = one.wait().success();
    check_all(&one);
    let expected = [
        &b"echo one"[..],
        b"",
        "echo \u{e9}".as_bytes(),
        b"echo \xff",
        b": \x1b[31m",
    ];
    assert_eq!(lines(&one.events("line")), expected);
    one.adds_up(5, 5);
    let mut others = all.finish().success().events("line");
    others.retain(|event| event["pid"] == pid);
    assert_eq!(lines(&others), expected);
    for event in others {
        assert_eq!(
            (&event["comm"], &event["uid"]),
            (&json!("bash"), &json!(getuid().as_raw()))
        );
    }
}

/// As in a container: the file is found where the process has it mapped, though its name is gone.
#[test]
fn another_bash_is_found_where_it_runs() {
    if !optional("bash") {
        return;
    }
    let folder = scratch();
    let own = folder.path().join("bash");
    let from = ["/bin/bash", "/usr/bin/bash"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    executable_copy(from.unwrap(), &own);
    let mut shell = Shell::start(&own);
    fs::remove_file(&own).unwrap();
    let pid = shell.id();
    let tool = Tool::new("bashreadline").json().arg("-v").start();
    shell.line(b"echo waiting");
    shell.line(b"echo found");
    shell.end();
    let finished = tool.finish().success();
    let path = own.to_str().unwrap();
    assert!(finished.stderr.contains(path), "{}", finished.stderr);
    let mut events = finished.events("line");
    events.retain(|event| event["pid"] == pid);
    assert_eq!(lines(&events), [b"echo found"]);
}

#[test]
fn a_line_has_who_read_it() {
    let folder = scratch();
    let path = library(folder.path());
    let readline = mapped(&path);
    let tool = on_library(&path).start();
    readline.give(c"a line").unwrap();
    // The end of the input, and what is no memory.
    assert!(readline.call(ptr::null()).is_null());
    readline.call(ptr::without_provenance::<c_char>(1));
    let finished = tool.finish().success();
    check_all(&finished);
    let event = |line: Option<&str>| {
        json!({
            "event": "line",
            "pid": std::process::id(),
            "tid": nix::unistd::gettid().as_raw(),
            "uid": getuid().as_raw(),
            "comm": sys::own_comm(),
            "line": line,
            "line_truncated": false,
        })
    };
    let events: Vec<_> = finished.events("line").iter().map(told).collect();
    assert_eq!(events, [event(Some("a line")), event(None)]);
    finished.adds_up(2, 2);
}

#[test]
fn lines_are_bytes() {
    let folder = scratch();
    let path = library(folder.path());
    let readline = mapped(&path);
    let given: [&[u8]; 5] = [
        b"",
        b"a\x1b[31m\nb\tc\\",
        b"\xff\xfe",
        "\u{202e}left".as_bytes(),
        b"(lost 5: x)",
    ];
    let read = || {
        for line in given {
            readline.give(&CString::new(line).unwrap()).unwrap();
        }
    };
    let tool = on_library(&path).start();
    read();
    let finished = tool.finish().success();
    check_all(&finished);
    assert_eq!(lines(&finished.events("line")), given);

    let tool = Tool::new("bashreadline")
        .arg("-s")
        .arg(&path)
        .args(["-t", &own_tid()]);
    let tool = tool.start();
    read();
    let finished = tool.finish().success();
    let table = finished.lines();
    assert_eq!(table[0], "TIME            TID     COMMAND");
    let shown: Vec<_> = table[1..]
        .iter()
        .map(|line| line.split_once(&format!(" {:<7} ", own_tid())).unwrap().1)
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
fn a_line_is_whole_or_said_to_be_cut() {
    let folder = scratch();
    let path = library(folder.path());
    let readline = mapped(&path);
    let tool = on_library(&path).start();
    for bytes in [8191, 8192, 8193, 1 << 20] {
        readline
            .give(&CString::new(vec![b'x'; bytes]).unwrap())
            .unwrap();
    }
    let finished = tool.finish().success();
    let told: Vec<_> = finished
        .events("line")
        .iter()
        .map(|event| {
            let bytes = event["line"].as_str().unwrap().len();
            (bytes, event["line_truncated"] == true)
        })
        .collect();
    assert_eq!(
        told,
        [(8191, false), (8192, false), (8192, true), (8192, true)]
    );
}

#[test]
fn only_the_library_that_is_named_is_hooked() {
    let (folder, other) = (scratch(), scratch());
    let (path, second) = (library(folder.path()), library(other.path()));
    let (readline, beside) = (mapped(&path), mapped(&second));
    let tool = on_library(&path).start();
    let both = on_library(&path).arg("-s").arg(&second).start();
    readline.give(c"of the first").unwrap();
    beside.give(c"of the second").unwrap();
    let (one, both) = (tool.finish().success(), both.finish().success());
    assert_eq!(lines(&one.events("line")), [b"of the first"]);
    assert_eq!(
        lines(&both.events("line")),
        [&b"of the first"[..], b"of the second"]
    );
}

#[test]
fn a_file_without_readline_is_refused() {
    let finished = Tool::new("bashreadline").args(["-s", "/etc/passwd"]).run();
    let said = finished.ended_with(2).stderr;
    assert!(
        said.contains("-s takes a program or library for this machine that has readline"),
        "{said}"
    );
}

#[test]
fn a_process_that_is_no_bash_is_told_of() {
    if !optional("bash") {
        return;
    }
    let mut other = Command::new("sleep")
        .arg("1000")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let pid = other.id().to_string();
    let tool = Tool::new("bashreadline").args(["-p", &pid]).start();
    other.kill().unwrap();
    other.wait().unwrap();
    let said = tool.wait().success().stderr;
    assert!(
        said.contains(&format!("process {pid} has no bash mapped")),
        "{said}"
    );
}
