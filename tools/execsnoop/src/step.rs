// SPDX-License-Identifier: MIT OR Apache-2.0
//! One step in the life of a process, from the record's bytes to named fields.

use tracewell_shared::data::record;
use tracewell_shared::event::ending::{Cpu, Ending};
use tracewell_shared::event::path::Path;
use tracewell_shared::event::{Bytes, Event, Moment, Word, as_word};

use crate::event::{Args, Exec};
use crate::processes::Processes;
use crate::skel::types::{exec_event, step_event};

/// `enum exec_detail`.
const IS_FORK: u32 = 512;
const IS_EXIT: u32 = 1024;

/// A process was made, ran another program, or ended.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "step", of = Processes)]
#[non_exhaustive]
pub struct Step<'a> {
    /// When it happened, by the kernel's clock.
    pub time: Moment,
    /// The process, in the initial pid namespace.
    pub pid: u32,
    /// When the process was made: with `pid`, which process it is.
    pub started: Moment,
    /// Its parent at that time: of an orphan, whoever took it in.
    pub ppid: u32,
    /// The real user id, as the initial user namespace sees it; of a fork, that of whoever forked.
    pub uid: u32,
    /// The process's name: after an exec the new one.
    #[field(show = as_word)]
    pub comm: &'a [u8],
    /// What happened.
    pub what: What,
    /// The file that runs from now on, as of [`Exec::filename`].
    #[field(null = "of a fork and of an end", truncated = "The rest is missing.")]
    pub filename: Path<'a>,
    /// Its arguments, as of [`Exec::args`].
    #[field(null = "of a fork and of an end", truncated = "The rest is missing.")]
    pub args: Args<'a>,
    /// How it ended.
    #[field(group)]
    pub ending: Ending,
    /// What it used of the CPU.
    #[field(group)]
    pub cpu: Cpu,
    /// The most memory that was resident at once.
    #[field(null = "where it did not end, or had no memory of its own")]
    pub peak_rss_bytes: Option<Bytes>,
    #[field(skip)]
    pub(crate) record: &'a [u8],
}

/// What happened to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Word)]
pub enum What {
    /// It was made.
    Fork,
    /// It runs another program from now on.
    Exec,
    /// It ended.
    Exit,
}

impl<'a> Step<'a> {
    pub(crate) fn decode(record: &'a [u8], max_args: usize) -> Option<Self> {
        let exec = Exec::decode(record, max_args)?;
        let (raw, _) = record::split::<exec_event>(record)?;
        let what = match (raw.detail & IS_FORK != 0, raw.detail & IS_EXIT != 0) {
            (true, false) => What::Fork,
            (false, true) => What::Exit,
            (false, false) => What::Exec,
            (true, true) => return None,
        };
        let mut step = Self {
            time: exec.time,
            pid: exec.pid,
            started: Moment {
                boot_ns: raw.start_ns,
            },
            ppid: exec.ppid,
            uid: exec.uid,
            comm: exec.comm,
            what,
            filename: exec.filename,
            args: exec.args,
            ending: Ending::UNKNOWN,
            cpu: Cpu::UNKNOWN,
            peak_rss_bytes: None,
            record,
        };
        if what != What::Exec {
            step.filename.bytes = None;
            step.args = Args::NONE;
        }
        if what == What::Exit {
            let (event, _) = record::split::<step_event>(record)?;
            let end = event.end;
            step.ending = Ending::of(end.status);
            if end.cpu_known != 0 {
                step.cpu = Cpu::of(end.cpu_ns, end.user_ns, end.system_ns);
            }
            step.peak_rss_bytes = (end.peak_pages != 0).then(|| {
                Bytes(
                    end.peak_pages
                        .saturating_mul(tracewell_shared::page_bytes() as u64),
                )
            });
        }
        Some(step)
    }
}
