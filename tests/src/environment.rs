// SPDX-License-Identifier: MIT OR Apache-2.0
//! What surrounds the tests: the built tools, arguments that are forced on them, directories of their own.

use std::env;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::gettid;
use tempfile::TempDir;

/// The built tool of this name.
///
/// # Panics
///
/// When there is none.
pub fn program(name: &str) -> PathBuf {
    if let Some(directory) = env::var_os("TRACEWELL_BIN_DIR") {
        let path = PathBuf::from(directory).join(name);
        assert!(
            path.exists(),
            "{} is absent: is TRACEWELL_BIN_DIR right?",
            path.display()
        );
        return path;
    }
    let own = env::current_exe().expect("this test binary has a path");
    own.ancestors()
        .map(|directory| directory.join("release").join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is not built: run make build, or set TRACEWELL_BIN_DIR"))
}

/// Has the command start with each signal as at a prompt, whatever this run of the tests inherited: under nohup(1)
/// `SIGHUP` is ignored, in a script's background job `SIGINT` and `SIGQUIT`.
pub fn signals_as_at_a_prompt(command: &mut Command) {
    let reset = || {
        for ends in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
            // SAFETY: no handler is installed.
            unsafe { signal(ends, SigHandler::SigDfl) }?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes three system calls.
    unsafe { command.pre_exec(reset) };
}

/// The arguments that every run of a tool gets: `TRACEWELL_ARGS`, split at white space.
pub fn extra_args() -> Vec<OsString> {
    let text = env::var("TRACEWELL_ARGS").unwrap_or_default();
    text.split_whitespace().map(OsString::from).collect()
}

/// The value that `TRACEWELL_ARGS` gives this option: `forced("--buffer")`.
pub fn forced(option: &str) -> Option<String> {
    let args = extra_args();
    let mut args = args.iter().map(|arg| arg.to_string_lossy().into_owned());
    let mut value = None;
    while let Some(arg) = args.next() {
        if arg == option {
            value = args.next();
        } else if let Some(given) = arg
            .strip_prefix(option)
            .and_then(|rest| rest.strip_prefix('='))
        {
            value = Some(given.to_owned());
        }
    }
    value
}

/// The rung that is forced on every run, if one is. What a run used is in its summary: see
/// [`Finished::rung`](crate::Finished::rung).
pub fn rung() -> Option<String> {
    forced("--probe").filter(|rung| rung != "auto")
}

/// A directory that only this test uses; removed with what is in it when dropped. It has a path without links.
pub fn scratch() -> TempDir {
    let parent = env::temp_dir().canonicalize().expect("there is a /tmp");
    tempfile::Builder::new()
        .prefix("tracewell-")
        .tempdir_in(parent)
        .expect("cannot make a directory in /tmp")
}

/// The calling thread's id, as an argument.
pub fn own_tid() -> String {
    gettid().to_string()
}

/// Says something where also the output of tests that pass is seen.
pub fn note(text: &str) {
    drop(writeln!(io::stderr(), "note: {text}"));
}

/// Whether a program that is no part of a bare system is there.
///
/// # Panics
///
/// When it is absent on a machine that is not a guest: then something was not installed.
pub fn optional(program: &str) -> bool {
    let quiet = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if quiet.is_ok() {
        return true;
    }
    assert!(
        env::var_os("TRACEWELL_GUEST").is_some(),
        "{program} is not installed (set TRACEWELL_GUEST where it cannot be)"
    );
    note(&format!("skipped what needs {program}: it is absent"));
    false
}

/// Makes a file that can be executed at once, and by everybody: a copy of `from`.
///
/// Another process writes it. One that is written by this process is open in whatever its other threads start meanwhile, and
/// a file that somebody has open to write to cannot be executed (ETXTBSY).
///
/// # Panics
///
/// When that fails.
pub fn executable_copy(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    let mut cp = Command::new("cp");
    let copied = cp.arg("--").arg(from.as_ref()).arg(to.as_ref()).status();
    assert!(copied.expect("cp can be run").success());
    let everybody = Permissions::from_mode(0o755);
    fs::set_permissions(to, everybody).expect("a file of one's own");
}

/// The same, with these contents.
pub fn executable(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) {
    let text = scratch();
    let text = text.path().join("contents");
    fs::write(&text, contents).expect("a file of one's own");
    executable_copy(text, path);
}
