// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processes that do what is to be traced, and cannot be done in the test's own: they change their root, their
//! user, their memory, or end by an exec.
//!
//! An actor is the test binary itself, run again. It stands still until the test lets it go, so that the test can
//! first point a tool at its process.
//!
//! ```ignore
//! tracewell_tests::actor!(opens_a_file, |stage| {
//!     drop(std::fs::File::open(stage.arg(0)));
//!     stage.say("opened");
//! });
//!
//! let actor = Actor::new("opens_a_file").arg("/etc/passwd").start();
//! let tool = Tool::new("opensnoop").args(["--pid", &actor.pid().to_string()]).start();
//! actor.go();
//! assert_eq!(actor.finish(), "opened\n");
//! ```

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio, exit};
use std::sync::Mutex;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::{environment, watchdog};

/// The variable that has this binary be an actor.
pub(crate) const NAME: &str = "TRACEWELL_ACTOR";

/// Defines an actor: its name, unique in the test binary, and what it does once the test lets it [go](crate::Playing::go).
#[macro_export]
macro_rules! actor {
    ($name:ident, $act:expr) => {
        const _: () = {
            extern "C" fn enter() {
                $crate::actor::enter(stringify!($name), $act);
            }
            // The loader calls what is listed here before main, while there is only one thread.
            #[used]
            #[unsafe(link_section = ".init_array")]
            static ENTER: extern "C" fn() = enter;
        };
    };
}

/// Becomes the actor of this name, if this process is to be that. Called by [`actor!`](crate::actor!).
pub fn enter(name: &str, act: fn(&mut Stage)) {
    if env::var_os(NAME).is_none_or(|wanted| wanted != name) {
        return;
    }
    // SAFETY: there is no other thread yet. What the actor starts shall not become one.
    unsafe { env::remove_var(NAME) };
    let mut stage = Stage {
        args: env::args_os().skip(1).collect(),
    };
    let result = catch_unwind(AssertUnwindSafe(|| {
        stage.wait();
        act(&mut stage);
    }));
    exit(if result.is_ok() { 0 } else { 101 });
}

/// The actor's side: what it was told, and how it talks with the test.
#[derive(Debug)]
pub struct Stage {
    args: Vec<OsString>,
}

impl Stage {
    /// An argument from [`Actor::arg`].
    pub fn arg(&self, index: usize) -> &OsStr {
        &self.args[index]
    }

    /// An argument that is text.
    pub fn text(&self, index: usize) -> &str {
        self.arg(index).to_str().expect("a text")
    }

    /// Waits for the test's next [`go`](crate::Playing::go).
    pub fn wait(&mut self) {
        // Byte by byte: what is read ahead would be lost.
        let mut byte = [0];
        let length = io::stdin()
            .lock()
            .read(&mut byte)
            .expect("the test can be heard");
        if length == 0 {
            // The test is over.
            exit(100);
        }
    }

    /// Tells the test something, in one line.
    pub fn say(&mut self, text: impl AsRef<str>) {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{}", text.as_ref()).expect("the test listens");
        stdout.flush().expect("the test listens");
    }
}

/// The test's side of an actor. It is killed when this is dropped.
#[derive(Debug)]
pub struct Actor {
    command: Command,
}

impl Actor {
    /// The [`actor!`](crate::actor!) of this name.
    pub fn new(name: &str) -> Self {
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("actor")
            .env(NAME, name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        environment::signals_as_at_a_prompt(&mut command);
        Self { command }
    }

    /// An argument for it.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// The command itself, for what has no method here: `pre_exec`, `uid`.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Starts it; it stands still.
    pub fn start(mut self) -> Playing {
        let mut child = self.command.spawn().expect("this binary can be run again");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        Playing {
            child,
            go: Mutex::new(stdin.expect("a pipe")),
            said: BufReader::new(stdout.expect("a pipe")),
        }
    }
}

/// An actor that was started.
#[derive(Debug)]
pub struct Playing {
    child: Child,
    go: Mutex<ChildStdin>,
    said: BufReader<ChildStdout>,
}

impl Playing {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it go on from where it [waits](Stage::wait).
    pub fn go(&self) {
        let mut go = self.go.lock().expect("no test panicked with it");
        go.write_all(b"\n").expect("the actor waits");
    }

    /// The next line that it says.
    ///
    /// # Panics
    ///
    /// When it ended instead, or hangs.
    pub fn hear(&mut self) -> String {
        if self.said.buffer().is_empty() {
            let mut said = [PollFd::new(self.said.get_ref().as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(watchdog::patience()).unwrap_or(PollTimeout::MAX);
            let ready = poll(&mut said, timeout).expect("a pipe can be waited for");
            assert!(ready > 0, "the actor says nothing");
        }
        let mut line = String::new();
        self.said
            .read_line(&mut line)
            .expect("the actor can be heard");
        if !line.ends_with('\n') {
            panic!("the actor ended: {:?}", self.child.wait());
        }
        line.pop();
        line
    }

    /// Waits for its end, in success; gives what it had still to say.
    ///
    /// # Panics
    ///
    /// When it failed, or hangs.
    pub fn finish(self) -> String {
        let (status, said) = self.end();
        assert!(status.success(), "the actor ended with {status}: {said}");
        said
    }

    /// Waits for its end, however that is.
    pub fn end(mut self) -> (ExitStatus, String) {
        let mut said = String::new();
        self.said
            .read_to_string(&mut said)
            .expect("the actor can be heard");
        let status = watchdog::wait(&mut self.child);
        (status.expect("the actor ends"), said)
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
