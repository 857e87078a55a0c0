// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use tracewell_shared::error::{Error, Kind, Result};
use tracewell_shared::event::EventFamily;
use tracewell_shared::minimal_btf::Named;
use tracewell_shared::options::Options;
use tracewell_shared::probe::{Ladder, Rung};
use tracewell_shared::stream::Stream;
use tracewell_shared::tracer::{Hooks, Opened, Tracer};

use crate::event::Exec;
use crate::skel::ExecsnoopSkelBuilder;
use crate::skel::types::exec_event;

/// What to tell of execs.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone)]
pub struct Execs {
    /// The execs that failed, too.
    pub failed: bool,
    /// Bytes of arguments to copy at most, from 16 bytes to 8 MiB.
    pub max_args_bytes: u32,
    /// Arguments to give at most.
    pub max_args: usize,
    #[doc(hidden)]
    pub _later: (),
}

impl Execs {
    /// The default of [`max_args_bytes`](Self::max_args_bytes).
    pub const DEFAULT_ARGS_BYTES: u32 = 8192;

    /// The largest [`max_args_bytes`](Self::max_args_bytes): more than the kernel lets an exec have (6 MiB).
    pub const MAX_ARGS_BYTES: u32 = 8 << 20;

    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }
}

impl Default for Execs {
    fn default() -> Self {
        Self {
            failed: false,
            max_args_bytes: Self::DEFAULT_ARGS_BYTES,
            max_args: usize::MAX,
            _later: (),
        }
    }
}

impl EventFamily for Execs {
    type Event<'a> = Exec<'a>;
}

/// The programs that only failed execs need.
const FAIL_PROGRAMS: &[&str] = &[
    "exec_fail_btf",
    "exec_fail_raw",
    "exec_fail_rawsys",
    "execve_exit_tp",
    "execveat_exit_tp",
    "execve_exit_pair",
    "execve_enter_pair",
    "execveat_exit_pair",
    "execveat_enter_pair",
];

/// What no program at the exit of system calls sees. Successes are seen by whomever they are.
const UNSEEN: &[&str] = &[
    "failed execs of x32 programs (-x)",
    "failed execs of the kernel's own helpers (-x)",
];

/// What the tracepoints of each call do not see: they are not run for 32-bit programs.
const UNSEEN_BY_EACH: &[&str] = &["failed execs of 32-bit and x32 programs (-x)", UNSEEN[1]];

/// What is not seen where an exit takes an entry: there is none of what seccomp refuses.
const UNSEEN_BY_PAIRS: &[&str] = &[
    UNSEEN_BY_EACH[0],
    UNSEEN_BY_EACH[1],
    "execs that a seccomp filter refuses (-x; counted as entry_missed)",
];

/// What the labels of two rungs stand for, though their programs at it only tell of failures.
const ALL_CALLS: &[&str] = &["tp/raw_syscalls/sys_exit"];
const EACH_CALL: &[&str] = &["tp/syscalls/sys_exit_execve"];

impl Hooks for Execs {
    type Object = ExecsnoopSkelBuilder;

    const NAME: &'static str = "execsnoop";

    const TYPES: &'static Named = crate::KERNEL_TYPES;

    const LADDER: &'static Ladder = &Ladder {
        subject: "execs",
        rungs: &[
            Rung {
                label: "tp_btf",
                programs: &["exec_done_btf", "exec_fail_btf"],
                unseen: UNSEEN,
                ..Rung::EMPTY
            },
            Rung {
                label: "raw_tp",
                programs: &["exec_done_raw", "exec_fail_raw"],
                unseen: UNSEEN,
                ..Rung::EMPTY
            },
            // sched_prepare_exec came with 6.10. Older kernels preempt no task at a raw tracepoint, and from there a
            // success is told as well.
            Rung {
                label: "raw_syscalls",
                programs: &["exec_prepare_tp", "exec_done_tp", "exec_fail_rawsys"],
                unseen: UNSEEN,
                ..Rung::EMPTY
            },
            Rung {
                label: "raw_syscalls",
                programs: &["exec_done_raw", "exec_fail_rawsys"],
                requires: ALL_CALLS,
                unseen: UNSEEN,
                ..Rung::EMPTY
            },
            Rung {
                label: "tracepoint",
                programs: &[
                    "exec_prepare_tp",
                    "exec_done_tp",
                    "execve_exit_tp",
                    "execveat_exit_tp",
                ],
                unseen: UNSEEN_BY_EACH,
                ..Rung::EMPTY
            },
            Rung {
                label: "tracepoint",
                programs: &["exec_done_raw", "execve_exit_tp", "execveat_exit_tp"],
                requires: EACH_CALL,
                unseen: UNSEEN_BY_EACH,
                ..Rung::EMPTY
            },
            // Where the arguments cannot be had at the exit.
            Rung {
                label: "tracepoint",
                programs: &[
                    "exec_done_pair",
                    "execve_exit_pair",
                    "execve_enter_pair",
                    "execveat_exit_pair",
                    "execveat_enter_pair",
                ],
                requires: EACH_CALL,
                unseen: UNSEEN_BY_PAIRS,
                ..Rung::EMPTY
            },
        ],
    };

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("inflight", 1)];

    const PREEMPTIBLE: &'static [&'static str] = &["tp_btf", "raw_tp", "tracepoint"];

    fn wants(&self, program: &str) -> bool {
        self.failed || !FAIL_PROGRAMS.contains(&program)
    }

    fn most_bytes(&self) -> usize {
        let marks = if self.failed { UNREAD_BYTES } else { 0 };
        size_of::<exec_event>() + FILENAME_BYTES + self.max_args_bytes as usize + marks
    }

    fn room_bytes(&self) -> usize {
        // The layout that the BPF source explains at its scratch map. Kernels such as 5.10 refuse values of more than
        // 4 MiB, so that there is as little as can be.
        let more = if self.failed {
            UNREAD_BYTES + self.piece_bytes() as usize
        } else {
            0
        };
        self.most_bytes() + more
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_, Self>) -> Result<()> {
        let refused = |error: libbpf_rs::Error| {
            Error::new(Kind::Bpf, format!("cannot set up execsnoop: {error}"))
        };
        if !(16..=Self::MAX_ARGS_BYTES).contains(&self.max_args_bytes) {
            return Err(Error::usage(format!(
                "the bytes of arguments must be from 16 to {}",
                Self::MAX_ARGS_BYTES
            )));
        }
        let knobs = object
            .maps
            .rodata_data
            .as_deref_mut()
            .ok_or_else(|| Error::new(Kind::Bpf, "execsnoop's object has no knobs"))?;
        knobs.max_args_bytes = self.max_args_bytes;
        knobs.piece_bytes = self.piece_bytes();
        if !object.progs.execve_enter_pair.autoload() {
            object.maps.inflight.set_max_entries(1).map_err(refused)?;
        }
        if !object.progs.exec_prepare_tp.autoload() {
            object.maps.kinds.set_max_entries(1).map_err(refused)?;
        }
        Ok(())
    }
}

impl Tracer for Execs {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Exec<'a>> {
        Exec::decode(record, self.max_args)
    }
}

/// `PIECES` of the BPF source.
const PIECES: u32 = 8;

impl Execs {
    /// So many that all pieces together, each but the last without a NUL, are more than all arguments may have.
    fn piece_bytes(&self) -> u32 {
        self.max_args_bytes / PIECES + 2
    }
}

/// A bit for each argument of a failed exec, `FAILED_ARGS` of them: set where it could not be read.
pub(crate) const UNREAD_BYTES: usize = 512 / 8;

/// Room for a filename of `PATH_MAX`.
const FILENAME_BYTES: usize = 4096;
