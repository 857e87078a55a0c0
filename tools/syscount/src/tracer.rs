// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the count, its ladder, and what they do to the BPF object.

use tracewell_shared::data::loss::Cause;
use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::{Ladder, Rung};
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::set::Set;
use tracewell_shared::trace::tally::{Tallied, Tally};
use tracewell_shared::trace::tracer::Hooks;
use tracewell_shared::trace::turns;

use crate::call::Call;
use crate::row::{self, CALLS_MOST, Row};
use crate::skel::types::rodata;

/// `enum call_trait` of the source.
const CALL_UNWANTED: u8 = 1;
const CALL_MAKES_TASK: u8 = 2;

/// Which calls to count, and by what.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// By process, not by call.
    pub by_process: bool,
    /// How long they take is measured too.
    pub timed: bool,
    /// Only calls that end by an error.
    pub failed_only: bool,
    /// Only calls that end by this error.
    pub errno: Option<u32>,
    /// Only calls of these names.
    pub names: Set<String>,
    /// How many processes there is room for in an interval; `None` is 10,240.
    pub room: Option<u32>,
    #[doc(hidden)]
    pub _later: (),
}

impl Calls {
    /// Loads and attaches.
    ///
    /// # Errors
    ///
    /// As [`Tally::start`].
    pub fn start(self, options: &Options) -> Result<Tally<Self>> {
        Tally::start(self, options)
    }

    fn is_choosy(&self) -> bool {
        self.failed_only || self.errno.is_some() || !self.names.is_empty()
    }

    /// What BPF is told of the numbers of one table; the last place stands for all numbers above.
    fn traits(&self, traits: &mut [u8], compat: bool) {
        for (number, traits) in traits.iter_mut().enumerate() {
            let call = Call {
                number: number as u32,
                compat,
            };
            let name = call.name().filter(|_| number < CALLS_MOST);
            let is = |wanted: &String| name == Some(wanted.as_str());
            let wanted = self.names.is_empty() || self.names.lets(is);
            *traits = 0;
            if !wanted {
                *traits |= CALL_UNWANTED;
            }
            if call.makes_task() {
                *traits |= CALL_MAKES_TASK;
            }
        }
    }
}

impl Tallied for Calls {
    type Row = Row;

    fn is_keyed(&self) -> bool {
        self.by_process
    }

    fn rows(&self, by_cpu: &[u64], by_key: &[(Vec<u8>, Vec<u8>)]) -> Option<Vec<Row>> {
        let mut rows = row::by_call(by_cpu)?;
        for (key, value) in by_key {
            let row = row::of_process(key, value)?;
            // One is made just before its first call is counted.
            if row.calls > 0 {
                rows.push(row);
            }
        }
        Some(rows)
    }
}

/// The processes that make calls in one interval: two times some 1 MB.
const ROOM: u32 = 10_240;

/// What no rung sees.
const UNSEEN: &[&str] = &[
    "calls that do not return (exit, exit_group), and the return from signal handlers (rt_sigreturn)",
];

/// The program at the end of a task, whose last call does not return.
const TASK_END: &str = "task_end_raw";

/// A rung: the exits of calls, and for how long each took.
macro_rules! rung {
    ($label:literal, $suffix:literal) => {
        Rung {
            label: $label,
            programs: &[
                concat!("call_exit_", $suffix),
                TASK_END,
                concat!("call_enter_", $suffix),
            ],
            // What it leaves when it is missed, the next call replaces.
            counted_otherwise: &[TASK_END],
            unseen: UNSEEN,
            ..Rung::EMPTY
        }
    };
}

impl Hooks for Calls {
    const NAME: &'static str = "syscount";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &Ladder {
        subject: "system calls",
        rungs: &[
            rung!("tp_btf", "btf"),
            rung!("raw_tp", "raw"),
            rung!("raw_syscalls", "rawsys"),
        ],
    };

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("since", 1)];

    const ON_REQUEST: &'static [&'static str] = &["call_enter_", TASK_END];

    fn requests(&self) -> bool {
        self.timed
    }

    fn bounds(&self) -> &'static [Cause] {
        // What had no entry, or no end, may not have been one to count.
        if self.is_choosy() {
            &[Cause::InflightFull, Cause::CompletionMissed]
        } else {
            &[]
        }
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        let since_most = object.map("since")?.max_entries();
        let knobs = object.knobs::<rodata>()?;
        knobs.by_process = self.by_process;
        knobs.timed = self.timed;
        knobs.failed_only = self.failed_only;
        knobs.wanted_errno = self.errno.unwrap_or(0);
        knobs.picked = !self.names.is_empty();
        self.traits(&mut knobs.native_traits, false);
        self.traits(&mut knobs.other_traits, true);
        // The other half is for calls that are under way at once.
        knobs.since_kept_most = (since_most / 2).into();
        turns::set_room(object, self.by_process.then(|| self.room.unwrap_or(ROOM)))
    }
}
