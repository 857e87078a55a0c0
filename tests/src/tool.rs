// SPDX-License-Identifier: MIT OR Apache-2.0
//! A tool's command line, before it is started.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Uid, pipe2};

use crate::{Finished, Running, patience};
use crate::{actor, environment};

/// A run of a tool that is being set up.
pub struct Tool {
    name: String,
    command: Command,
    args: Vec<OsString>,
    extra: bool,
    stdout: Option<Stdio>,
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool")
            .field("command", &self.command)
            .field("args", &self.args)
            .finish_non_exhaustive()
    }
}

impl Tool {
    /// The built tool of this name. Its standard input is `/dev/null`.
    pub fn new(name: &str) -> Self {
        Self::at(&environment::program(name), name)
    }

    /// The copy of the tool that is there.
    pub fn at(program: &Path, name: &str) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        environment::signals_as_at_a_prompt(&mut command);
        Self {
            name: name.to_owned(),
            command,
            args: Vec::new(),
            extra: true,
            stdout: None,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.args.extend(args);
        self
    }

    /// `--format json`, which most tests judge.
    #[must_use]
    pub fn json(self) -> Self {
        self.args(["--format", "json"])
    }

    /// `--output PATH`.
    #[must_use]
    pub fn output(self, path: &Path) -> Self {
        self.arg("--output").arg(path)
    }

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Standard output, instead of a pipe that is read.
    #[must_use]
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// Leaves `TRACEWELL_ARGS` out: for tests of the options that it forces.
    #[must_use]
    pub fn unforced(mut self) -> Self {
        self.extra = false;
        self
    }

    /// Runs the tool as this user and group, without capabilities unless it is root.
    #[must_use]
    pub fn user(mut self, uid: Uid) -> Self {
        self.command.uid(uid.as_raw()).gid(uid.as_raw());
        self
    }

    /// Has the tool run the [`actor!`](crate::actor!) of this name as its COMMAND; it goes at once, and says nothing.
    #[must_use]
    pub fn actor(mut self, name: &str) -> Self {
        let (stdin, mut go) = io::pipe().expect("a pipe");
        go.write_all(b"\n").expect("a pipe holds a byte");
        self.command.env(actor::NAME, name).stdin(stdin);
        let own = env::current_exe().expect("this test binary has a path");
        self.arg("--").arg(own)
    }

    /// The command itself, for what has no method here: `pre_exec`, `current_dir`.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Starts it, and waits until it traces.
    ///
    /// # Panics
    ///
    /// When it ends before, or hangs.
    pub fn start(self) -> Running {
        let name = self.name.clone();
        let (ready, told) = pipe2(OFlag::O_CLOEXEC).expect("a pipe");
        let fd = told.as_raw_fd();
        let inherit = move || {
            // SAFETY: the pipe's end outlives the start of the process, which this closure is a part of.
            let told = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) };
            fcntl(told, FcntlArg::F_SETFD(FdFlag::empty()))?;
            Ok(())
        };
        let mut running = self.spawn(&["--ready-fd".into(), fd.to_string().into()], inherit);
        drop(told);
        match read_ready(&File::from(ready)) {
            Ready::Yes => running,
            Ready::Hangs => {
                let pid = running.pid();
                running.kill();
                panic!(
                    "{name} ({pid}) was not ready in time; it said:\n{}",
                    running.stderr_so_far()
                );
            }
            Ready::Ended => {
                let finished = running.wait();
                panic!(
                    "{name} ended before it was ready: {}; it said:\n{}",
                    finished.status, finished.stderr
                );
            }
        }
    }

    /// Starts it without waiting for anything: for runs that end by themselves, or never become ready.
    pub fn launch(self) -> Running {
        self.spawn(&[], || Ok(()))
    }

    /// Runs it to its own end.
    pub fn run(self) -> Finished {
        self.launch().wait()
    }

    fn spawn(
        mut self,
        ready: &[OsString],
        inherit: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
    ) -> Running {
        if self.extra {
            self.command.args(environment::extra_args());
        }
        // In front, as the arguments may end in a command.
        self.command.args(ready).args(self.args);
        let piped = self.stdout.is_none();
        self.command
            .stdout(self.stdout.unwrap_or_else(Stdio::piped));
        self.command.stderr(Stdio::piped());
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { self.command.pre_exec(inherit) };
        let child = self.command.spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {}: {error}", self.name));
        Running::new(self.name, child, piped)
    }
}

enum Ready {
    Yes,
    Ended,
    Hangs,
}

fn read_ready(pipe: &File) -> Ready {
    let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(patience()).unwrap_or(PollTimeout::MAX);
    if poll(&mut fds, timeout).expect("a pipe can be polled") == 0 {
        return Ready::Hangs;
    }
    let mut line = [0; 16];
    match nix::unistd::read(pipe, &mut line) {
        Ok(length) if line[..length] == *b"ready\n" => Ready::Yes,
        Ok(0) => Ready::Ended,
        other => panic!("what is no readiness came: {other:?} {line:?}"),
    }
}
