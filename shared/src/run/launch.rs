// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the command lines of all kinds of tools do before they trace, in the order that it must have.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use crate::cli::Common;
use crate::confine::memory;
use crate::confine::privilege::{self, Capability};
use crate::confine::seccomp::{self, Also};
use crate::console;
use crate::data::state::State;
use crate::error::{Error, Result};
use crate::kernel::probe::Passed;
use crate::output::sink::Sink;
use crate::run::command::Held;
use crate::run::ends::{Ends, Watched};
use crate::run::shutdown::{Rotation, Shutdown};
use crate::trace::cgroups::Cgroups;
use crate::trace::libbpf_log;
use crate::trace::options::Options;
use crate::trace::subjects::Subjects;

/// What a run has when it starts to trace.
pub(crate) struct Launched {
    pub(crate) options: Options,
    pub(crate) sink: Sink,
    pub(crate) rotation: Rotation,
    pub(crate) pending: Pending,
}

/// What waits until the programs are attached.
pub(crate) struct Pending {
    held: Option<Held>,
    shutdown: Shutdown,
    subjects: Subjects,
    ready: Option<File>,
}

/// What a run keeps of its trace, and of its privileges.
pub(crate) struct Kept<'a> {
    /// The cgroups that are filtered by, which are followed from now on.
    pub(crate) cgroups: Option<Cgroups>,
    pub(crate) state: Arc<State>,
    pub(crate) capabilities: &'a [Capability],
    /// Whether it writes to its maps, beside those of cgroups.
    pub(crate) updates_maps: bool,
}

impl Pending {
    /// Begins the run of the tool of this name, whose programs are attached. Gives up what it does not need any more:
    /// privileges, the memory of its start, and system calls that are not on the list. Then tells that events are traced,
    /// and lets the command go. `works` says whether the trace can be read without any privilege.
    pub(crate) fn begin(
        self,
        name: &'static str,
        common: &Common,
        kept: Kept<'_>,
        works: impl FnOnce() -> bool,
    ) -> Result<Ends> {
        let Kept {
            cgroups,
            state,
            capabilities,
            updates_maps,
        } = kept;
        privilege::keep_only_unless(capabilities, || {
            works() && cgroups.as_ref().is_none_or(Cgroups::is_changeable)
        })?;
        memory::give_back();
        let also = Also {
            command: self.held.as_ref().map(Held::pid),
            updates_maps: updates_maps || cgroups.is_some(),
        };
        if !seccomp::enter(common.seccomp, also)? && common.verbose {
            console::say(name, "the kernel has no seccomp: no system call is refused");
        }
        tell_ready(self.ready)?;
        let watched = Watched {
            subjects: self.subjects,
            cgroups,
            state,
        };
        Ends::begin(name, common, self.shutdown, self.held, watched)
    }
}

/// Opens the output, holds the command, starts the runtime, listens for signals; then runs `body`. `ready` is where it is
/// told that events are traced.
pub(crate) fn run(
    common: &Common,
    mut options: Options,
    ready: Option<File>,
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
            // The thread that waits for the command needs no more than the one that traces, which says it where the kernel
            // has no seccomp.
            Some(Held::start_with(argv, move || {
                seccomp::enter(seccomp, Also::default()).map(drop)
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
                rotation: Rotation::new()?,
                pending: Pending {
                    held,
                    shutdown,
                    subjects,
                    ready,
                },
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
            console::say(name, format_args!("not {passed}"));
        }
        console::say(name, chosen);
    }
}

/// `--ready-fd`: tells that events are being traced.
fn tell_ready(ready: Option<File>) -> Result<()> {
    match ready {
        Some(mut ready) => ready
            .write_all(b"ready\n")
            .map_err(|error| Error::io("--ready-fd", &error)),
        None => Ok(()),
    }
}
