// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the command lines of all kinds of tools do before they trace, in the order that it must have.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::fd::BorrowedFd;

use crate::cgroups::Cgroups;
use crate::cli::Common;
use crate::command::Held;
use crate::error::{Error, Result};
use crate::libbpf_log;
use crate::memory;
use crate::options::Options;
use crate::output::sink::Sink;
use crate::privilege;
use crate::probe::Passed;
use crate::seccomp::{self, Also};
use crate::shutdown::{Rotation, Shutdown};
use crate::subjects::Subjects;
use crate::tool;

/// What a run has when it starts to trace.
pub(crate) struct Launched {
    pub(crate) options: Options,
    pub(crate) sink: Sink,
    pub(crate) held: Option<Held>,
    pub(crate) shutdown: Shutdown,
    pub(crate) rotation: Rotation,
    pub(crate) subjects: Subjects,
}

/// Gives up what a run does not need any more: the memory of its start, and system calls that are not on the list.
/// Privileges have gone before.
pub(crate) fn confine(
    name: &str,
    common: &Common,
    held: Option<&Held>,
    cgroups: Option<&Cgroups>,
) -> Result<()> {
    memory::give_back();
    let also = Also {
        command: held.map(Held::pid),
        updates_maps: cgroups.is_some(),
    };
    if !seccomp::enter(common.seccomp, also)? && common.verbose {
        tool::say(name, "the kernel has no seccomp: no system call is refused");
    }
    Ok(())
}

/// Opens the output, holds the command, starts the runtime, listens for signals; then runs `body`.
pub(crate) fn run(
    common: &Common,
    mut options: Options,
    body: impl AsyncFnOnce(Launched) -> Result<u8>,
) -> Result<u8> {
    libbpf_log::silence();
    privilege::refuse_other_ids()?;
    // Before the output is emptied for a run that cannot be.
    let subjects = Subjects::find(&options.filter)?;
    let mut sink = match &common.output {
        Some(path) => Sink::named(path)?,
        None => Sink::stdout(),
    };
    sink.keep_reopenable()?;
    // Forked while the process has the caller's privileges and nothing open that the command could inherit.
    let held = match common.command.as_slice() {
        [] => None,
        argv => {
            let seccomp = common.seccomp;
            // The thread that waits for the command needs no more than the one that traces.
            Some(Held::start_with(argv, move || {
                drop(seccomp::enter(seccomp, Also::default()));
            })?)
        }
    };
    options.follow = held.as_ref().map(Held::traced_pid);
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| Error::io("cannot start the runtime", &error))?
        .block_on(async {
            let watched = sink.raw_fd();
            // SAFETY: the sink's descriptor is open now, and only looked at in this call.
            let shutdown = Shutdown::new(Some(unsafe { BorrowedFd::borrow_raw(watched) }))?;
            body(Launched {
                options,
                sink,
                held,
                shutdown,
                rotation: Rotation::new()?,
                subjects,
            })
            .await
        })
}

/// `-v`: what was chosen, and why not the better.
pub(crate) fn report_plan(
    name: &str,
    common: &Common,
    passed: &[Passed],
    chosen: impl fmt::Display,
) {
    if common.verbose {
        for passed in passed {
            tool::say(name, format_args!("not {passed}"));
        }
        tool::say(name, chosen);
    }
}

/// `--ready-fd`: tells that events are being traced.
pub(crate) fn tell_ready(ready: Option<File>) -> Result<()> {
    match ready {
        Some(mut ready) => ready
            .write_all(b"ready\n")
            .map_err(|error| Error::io("--ready-fd", &error)),
        None => Ok(()),
    }
}
