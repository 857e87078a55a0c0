// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use tracewell_shared::error::{Error, Result};
use tracewell_shared::kernel::probe::Ladder;
use tracewell_shared::ladder;
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::stream::Stream;
use tracewell_shared::trace::tracer::{Hooks, Tracer};

use crate::event::Exec;
use crate::skel::types::{exec_event, rodata};

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

impl Hooks for Execs {
    const NAME: &'static str = "execsnoop";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "execs",
        calls: ["execve", "execveat"],
        optional: [],
        successes: "exec_done" with "exec_prepare_tp",
        of: "failed execs (-x) of",
        refused: "failed execs (-x) that a seccomp filter refuses",
        unseen: [] and ["failed execs (-x) of the kernel's own helpers"],
    };

    // Failures, by any probe.
    const ON_REQUEST: &'static [&'static str] = &["call_exit_", "execve_", "execveat_"];

    fn requests(&self) -> bool {
        self.failed
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

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        if !(16..=Self::MAX_ARGS_BYTES).contains(&self.max_args_bytes) {
            return Err(Error::usage(format!(
                "the bytes of arguments must be from 16 to {}",
                Self::MAX_ARGS_BYTES
            )));
        }
        let knobs = object.knobs::<rodata>()?;
        knobs.max_args_bytes = self.max_args_bytes;
        knobs.piece_bytes = self.piece_bytes();
        // What succeeds is told of elsewhere.
        knobs.failed_only = true;
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
