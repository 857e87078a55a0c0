// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use tracewell_shared::callers::{CALLERS_BYTES, Symbols};
use tracewell_shared::error::{Error, Kind, Result};
use tracewell_shared::event::EventFamily;
use tracewell_shared::loss::Cause;
use tracewell_shared::minimal_btf::Named;
use tracewell_shared::options::Options;
use tracewell_shared::path::{BASE_BYTES, PATH_BYTES};
use tracewell_shared::probe::{Ladder, Rung};
use tracewell_shared::stream::Stream;
use tracewell_shared::tracer::{Hooks, Opened, Tracer};

use crate::event::Open;
use crate::skel::OpensnoopSkelBuilder;
use crate::skel::types::open_event;

/// What to tell of opens.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Opens {
    /// Only the opens that failed.
    pub failed_only: bool,
    /// Where the path starts is read too, for [`Open::full_path`].
    pub full_path: bool,
    /// Who in the program called is read too, for [`Open::callers`]; this gives names to the addresses, where names
    /// are asked for.
    pub callers: Option<Symbols>,
    #[doc(hidden)]
    pub _later: (),
}

impl Opens {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }
}

impl EventFamily for Opens {
    type Event<'a> = Open<'a>;
}

/// The label of the rung at the tracepoints of each call.
const EACH_CALL: &str = "tracepoint";

/// What no program at the exit of system calls sees.
const UNSEEN: &[&str] = &[
    "opens by io_uring",
    "opens by x32 programs",
    "opens inside the kernel, and open_by_handle_at(2)",
];

/// What the tracepoints of each call do not see: they are not run for 32-bit programs.
const UNSEEN_BY_EACH: &[&str] = &[UNSEEN[0], "opens by 32-bit and x32 programs", UNSEEN[2]];

/// What is not seen where an exit takes an entry: there is none of what seccomp refuses.
const UNSEEN_BY_PAIRS: &[&str] = &[
    UNSEEN_BY_EACH[0],
    UNSEEN_BY_EACH[1],
    UNSEEN_BY_EACH[2],
    "opens that a seccomp filter refuses (counted as entry_missed)",
];

impl Hooks for Opens {
    type Object = OpensnoopSkelBuilder;

    const NAME: &'static str = "opensnoop";

    const TYPES: &'static Named = crate::KERNEL_TYPES;

    const LADDER: &'static Ladder = &Ladder {
        subject: "opens",
        rungs: &[
            Rung {
                label: "tp_btf",
                programs: &["open_exit_btf"],
                unseen: UNSEEN,
                ..Rung::EMPTY
            },
            Rung {
                label: "raw_tp",
                programs: &["open_exit_raw"],
                unseen: UNSEEN,
                ..Rung::EMPTY
            },
            Rung {
                label: "raw_syscalls",
                programs: &["open_exit_rawsys"],
                unseen: UNSEEN,
                ..Rung::EMPTY
            },
            Rung {
                label: EACH_CALL,
                programs: &["openat_exit_tp"],
                // arm64 has neither open nor creat; openat2 came with 5.6.
                optional: &["open_exit_tp", "creat_exit_tp", "openat2_exit_tp"],
                unseen: UNSEEN_BY_EACH,
                ..Rung::EMPTY
            },
            // Where the arguments cannot be had at the exit.
            Rung {
                label: EACH_CALL,
                programs: &["openat_exit_pair", "openat_enter_pair"],
                optional: &[
                    "open_exit_pair",
                    "open_enter_pair",
                    "creat_exit_pair",
                    "creat_enter_pair",
                    "openat2_exit_pair",
                    "openat2_enter_pair",
                ],
                unseen: UNSEEN_BY_PAIRS,
                ..Rung::EMPTY
            },
        ],
    };

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("inflight", 1)];

    const PREEMPTIBLE: &'static [&'static str] = &["tp_btf", "raw_tp", EACH_CALL];

    fn bounds(&self) -> &'static [Cause] {
        // What had no entry, or no exit, may have succeeded.
        if self.failed_only {
            &[Cause::InflightFull, Cause::ExitMissed]
        } else {
            &[]
        }
    }

    fn most_bytes(&self) -> usize {
        let base = if self.full_path { BASE_BYTES } else { 0 };
        let callers = if self.callers.is_some() {
            CALLERS_BYTES
        } else {
            0
        };
        size_of::<open_event>() + PATH_BYTES + base + callers
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_, Self>) -> Result<()> {
        let refused = |error: libbpf_rs::Error| {
            Error::new(Kind::Bpf, format!("cannot set up opensnoop: {error}"))
        };
        let knobs = object
            .maps
            .rodata_data
            .as_deref_mut()
            .ok_or_else(|| Error::new(Kind::Bpf, "opensnoop's object has no knobs"))?;
        knobs.failed_only = self.failed_only;
        knobs.full_path = self.full_path;
        knobs.with_callers = self.callers.is_some();
        if !object.progs.openat_enter_pair.autoload() {
            object.maps.inflight.set_max_entries(1).map_err(refused)?;
        }
        Ok(())
    }
}

impl Tracer for Opens {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Open<'a>> {
        Open::decode(record, self.full_path, self.callers.as_ref())
    }
}
