// SPDX-License-Identifier: MIT OR Apache-2.0
//! A tool that runs.

use std::io::Read;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use serde_json::Value;

use crate::{Finished, patience, watchdog};

/// A tool that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    stdout: Option<Reader>,
    stderr: Option<Reader>,
}

impl Running {
    pub(crate) fn new(name: String, mut child: Child, piped: bool) -> Self {
        let stdout = child.stdout.take().filter(|_| piped).map(Reader::start);
        let stderr = child.stderr.take().map(Reader::start);
        Self {
            name,
            child,
            stdout,
            stderr,
        }
    }

    /// The tool's process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().cast_signed()), signal).expect("the tool can be signalled");
    }

    /// Stops it, and waits until it has: a signal is only on its way when `kill` returns. `SIGCONT` lets it go on.
    ///
    /// # Panics
    ///
    /// When it ended instead.
    pub fn stop(&self) {
        self.signal(Signal::SIGSTOP);
        let pid = Id::Pid(Pid::from_raw(self.pid().cast_signed()));
        let stopped = waitid(
            pid,
            WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT,
        );
        assert!(
            matches!(stopped, Ok(WaitStatus::Stopped(..))),
            "{} did not stop: {stopped:?}",
            self.name
        );
    }

    /// Waits until what it has printed so far satisfies `enough`; gives that.
    ///
    /// # Panics
    ///
    /// When the tool ends or hangs without.
    pub fn stdout_until(&self, enough: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
        let reader = self.stdout.as_ref().expect("standard output is a pipe");
        self.until(reader, enough)
    }

    /// Waits until what it has said so far on standard error satisfies `enough`; gives that.
    ///
    /// # Panics
    ///
    /// When the tool ends or hangs without.
    pub fn stderr_until(&self, enough: impl Fn(&str) -> bool) -> String {
        let reader = self.stderr.as_ref().expect("standard error is a pipe");
        let said = self.until(reader, |bytes| enough(&String::from_utf8_lossy(bytes)));
        String::from_utf8_lossy(&said).into_owned()
    }

    fn until(&self, reader: &Reader, enough: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
        reader.until(enough).unwrap_or_else(|bytes| {
            panic!(
                "{} has not told what was waited for, but:\n{}\nand said:\n{}",
                self.name,
                String::from_utf8_lossy(&bytes),
                self.stderr_so_far()
            )
        })
    }

    /// Waits until it has printed a JSON object that satisfies `wanted`; gives that.
    pub fn object(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut found = None;
        self.stdout_until(|printed| {
            let whole = printed.split_inclusive(|byte| *byte == b'\n');
            let mut objects = whole
                .filter(|line| line.ends_with(b"\n"))
                .map(|line| serde_json::from_slice(line).expect("a line of JSON"));
            found = objects.find(&wanted);
            found.is_some()
        });
        found.expect("it was waited for")
    }

    /// What it has printed on standard output.
    pub fn stdout_so_far(&self) -> String {
        so_far(self.stdout.as_ref())
    }

    /// What it has said on standard error.
    pub fn stderr_so_far(&self) -> String {
        so_far(self.stderr.as_ref())
    }

    /// Ends it by SIGINT, and waits.
    pub fn finish(self) -> Finished {
        self.signal(Signal::SIGINT);
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// When it hangs.
    pub fn wait(mut self) -> Finished {
        let Some(status) = watchdog::wait(&mut self.child) else {
            self.kill();
            panic!(
                "{} did not end in time; it said:\n{}",
                self.name,
                self.stderr_so_far()
            );
        };
        let all = |reader: Option<Reader>| reader.map(Reader::finish).unwrap_or_default();
        Finished {
            name: self.name.clone(),
            status,
            stdout: all(self.stdout.take()),
            stderr: String::from_utf8_lossy(&all(self.stderr.take())).into_owned(),
        }
    }

    pub(crate) fn kill(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A thread that reads a pipe to its end.
#[derive(Debug)]
struct Reader {
    shared: Arc<(Mutex<State>, Condvar)>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

impl Reader {
    fn start(mut pipe: impl Read + Send + 'static) -> Self {
        let shared: Arc<(Mutex<State>, Condvar)> = Arc::default();
        let writer = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let length = pipe.read(&mut buffer).unwrap_or(0);
                let (state, changed) = &*writer;
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.bytes.extend_from_slice(&buffer[..length]);
                state.ended = length == 0;
                changed.notify_all();
                if length == 0 {
                    return;
                }
            }
        });
        Self { shared, thread }
    }

    fn so_far(&self) -> Vec<u8> {
        let state = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes.clone()
    }

    /// What was read once it is enough; as an error, if it never will be.
    fn until(&self, mut enough: impl FnMut(&[u8]) -> bool) -> Result<Vec<u8>, Vec<u8>> {
        let (state, changed) = &*self.shared;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if enough(&state.bytes) {
                return Ok(state.bytes.clone());
            }
            if state.ended {
                return Err(state.bytes.clone());
            }
            let (next, waited) = changed
                .wait_timeout(state, patience())
                .unwrap_or_else(PoisonError::into_inner);
            if waited.timed_out() {
                return Err(next.bytes.clone());
            }
            state = next;
        }
    }

    fn finish(self) -> Vec<u8> {
        self.thread.join().expect("the reader does not fail");
        let mut state = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.bytes)
    }
}

fn so_far(reader: Option<&Reader>) -> String {
    let bytes = reader.map(Reader::so_far).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
