// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of a trace of whole processes: their execs, and their beginnings and ends beside these.

use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::{Ladder, Rung};
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::stream::Stream;
use tracewell_shared::trace::tracer::{Hooks, PROCESS_FREED, Tracer};

use crate::skel::types::step_event;
use crate::step::Step;
use crate::tracer::Execs;

/// What to tell of processes.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Processes {
    /// How execs are told; `failed` is left out of account, since these begin nothing.
    pub execs: Execs,
    #[doc(hidden)]
    pub _later: (),
}

impl Processes {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }
}

macro_rules! rung {
    ($label:literal, $exec:literal, $fork:literal, $exit:literal) => {
        Rung {
            label: $label,
            programs: &[$exec, $fork, $exit],
            optional: &[PROCESS_FREED],
            counted_otherwise: &[PROCESS_FREED],
            ..Rung::EMPTY
        }
    };
}

impl Hooks for Processes {
    const NAME: &'static str = Execs::NAME;

    const OBJECT: &'static Object = Execs::OBJECT;

    const LADDER: &'static Ladder = &Ladder {
        subject: "processes",
        rungs: &[
            rung!("tp_btf", "exec_done_btf", "step_fork_btf", "step_exit_btf"),
            rung!("raw_tp", "exec_done_raw", "step_fork_raw", "step_exit_raw"),
        ],
    };

    const FORGETS_FOLLOWED: bool = true;

    fn most_bytes(&self) -> usize {
        self.execs.most_bytes().max(size_of::<step_event>())
    }

    fn configure(&self, rung: &str, object: &mut Opened<'_>) -> Result<()> {
        self.execs.configure(rung, object)
    }
}

impl Tracer for Processes {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Step<'a>> {
        Step::decode(record, self.execs.max_args)
    }
}
