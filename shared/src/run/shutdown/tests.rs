// SPDX-License-Identifier: MIT OR Apache-2.0
//! What ends a tool, and what does not.

use std::fs::File;
use std::future::Future;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{self, raise};
use tokio::time::timeout;

use super::{Reason, Shutdown, is_ignored};

const SOON: Duration = Duration::from_secs(10);
const NOT_YET: Duration = Duration::from_millis(30);

fn block_on(test: impl Future<Output = ()>) {
    // A signal reaches all listeners of the process, so that tests must take turns.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

/// Nothing asks the tool to end until `close` is called, then that does.
async fn ends_with(output: impl AsFd, close: impl FnOnce()) {
    let mut shutdown = Shutdown::new(Some(output.as_fd())).unwrap();
    assert!(timeout(NOT_YET, shutdown.recv()).await.is_err());
    close();
    assert_eq!(timeout(SOON, shutdown.recv()).await, Ok(Reason::ReaderGone));
    assert!(timeout(NOT_YET, shutdown.recv()).await.is_err());
}

#[test]
fn a_closed_pipe_ends() {
    block_on(async {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"an event").unwrap();
        ends_with(&writer, || drop(reader)).await;
        let flags = OFlag::from_bits_truncate(fcntl(&writer, FcntlArg::F_GETFL).unwrap());
        assert!(!flags.contains(OFlag::O_NONBLOCK));
    });
}

#[test]
fn a_closed_socket_ends() {
    block_on(async {
        let (reader, writer) = UnixStream::pair().unwrap();
        // What the reader sends, and that it will send no more, is nothing to us.
        (&reader).write_all(b"input").unwrap();
        reader.shutdown(std::net::Shutdown::Write).unwrap();
        ends_with(&writer, || drop(reader)).await;
    });
}

#[test]
fn files_have_no_reader() {
    block_on(async {
        for path in ["/dev/null", "/proc/self/exe", "/"] {
            let file = File::open(path).unwrap();
            let mut shutdown = Shutdown::new(Some(file.as_fd())).unwrap();
            assert!(timeout(NOT_YET, shutdown.recv()).await.is_err(), "{path}");
        }
    });
}

#[test]
fn signals_end() {
    let asks = [
        (signal::Signal::SIGINT, Reason::Interrupt),
        (signal::Signal::SIGTERM, Reason::Terminate),
        (signal::Signal::SIGHUP, Reason::Hangup),
    ];
    for (signal, reason) in asks {
        block_on(async {
            // This run of the tests may have inherited it so: nohup(1) has SIGHUP ignored.
            if is_ignored(signal).unwrap() {
                // SAFETY: no handler is installed.
                unsafe { signal::signal(signal, signal::SigHandler::SigDfl) }.unwrap();
            }
            let mut shutdown = Shutdown::new(None).unwrap();
            raise(signal).unwrap();
            assert_eq!(timeout(SOON, shutdown.recv()).await, Ok(reason));
        });
    }
}

#[test]
fn rust_ignores_broken_pipes() {
    assert!(is_ignored(signal::Signal::SIGPIPE).unwrap());
    assert!(!is_ignored(signal::Signal::SIGWINCH).unwrap());
}

#[test]
fn outside_of_a_runtime_is_an_error() {
    assert!(Shutdown::new(None).is_err());
}

#[test]
fn nohup_is_respected() {
    const AGAIN: &str = "TRACEWELL_TEST_NOHUP";
    if std::env::var_os(AGAIN).is_none() {
        let script = "trap '' HUP; exec \"$0\" --exact shutdown::tests::nohup_is_respected";
        let this = std::env::current_exe().unwrap();
        let mut command = std::process::Command::new("/bin/sh");
        let output = command
            .args(["-c", script])
            .arg(this)
            .env(AGAIN, "1")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        return;
    }
    block_on(async {
        let mut shutdown = Shutdown::new(None).unwrap();
        raise(signal::Signal::SIGHUP).unwrap();
        assert!(timeout(NOT_YET, shutdown.recv()).await.is_err());
    });
}
