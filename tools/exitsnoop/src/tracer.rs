// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use std::time::Duration;

use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::{Ladder, Rung};
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::stream::Stream;
use tracewell_shared::trace::tracer::{Hooks, PROCESS_FREED, Tracer};

use crate::event::Exit;
use crate::skel::types::{exit_event, rodata};

/// What to tell of ends.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Exits {
    /// Only what ended with an exit code other than 0, or by a signal.
    pub failed_only: bool,
    /// Only those that succeeded.
    pub succeeded_only: bool,
    /// The end of every thread, instead of that of every process.
    pub threads: bool,
    /// When processes made their last exec is kept too, for [`Exit::exec_age_ns`].
    pub exec_times: bool,
    /// Only what lived at least so long.
    pub min_duration: Duration,
    /// A word that each event is to carry, to be told from what other tools print.
    pub label: Option<String>,
    #[doc(hidden)]
    pub _later: (),
}

impl Exits {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }
}

/// A rung at `sched_process_exit`. Where the kernel preempts tasks is asked of the first program alone.
macro_rules! rung {
    ($label:literal, $exit:literal, $exec:literal) => {
        Rung {
            label: $label,
            programs: &[$exit],
            optional: &[$exec, PROCESS_FREED],
            // An exec that is missed is found at the end of the process.
            counted_otherwise: &[$exec, PROCESS_FREED],
            ..Rung::EMPTY
        }
    };
}

impl Hooks for Exits {
    const NAME: &'static str = "exitsnoop";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &Ladder {
        subject: "ends of processes",
        rungs: &[
            rung!("tp_btf", "exit_btf", "exec_raw"),
            rung!("raw_tp", "exit_raw", "exec_raw"),
            rung!("tracepoint", "exit_tp", "exec_tp"),
        ],
    };

    const FORGETS_FOLLOWED: bool = true;

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("execs", 1)];

    // What hears of execs.
    const ON_REQUEST: &'static [&'static str] = &["exec_"];

    fn requests(&self) -> bool {
        self.exec_times
    }

    fn most_bytes(&self) -> usize {
        size_of::<exit_event>()
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        let knobs = object.knobs::<rodata>()?;
        knobs.failed_only = self.failed_only;
        knobs.succeeded_only = self.succeeded_only;
        knobs.threads = self.threads;
        knobs.exec_times = self.exec_times;
        knobs.min_age_ns = u64::try_from(self.min_duration.as_nanos()).unwrap_or(u64::MAX);
        if !self.exec_times {
            object.leave_out("execs")?;
        }
        Ok(())
    }
}

impl Tracer for Exits {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Exit<'a>> {
        Exit::decode(record, self.label.as_deref())
    }
}
