// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use tracewell_shared::data::loss::Cause;
use tracewell_shared::error::Result;
use tracewell_shared::event::path::{BASE_BYTES, PATH_BYTES};
use tracewell_shared::kernel::probe::{AT_FUNCTIONS, Ladder};
use tracewell_shared::ladder;
use tracewell_shared::trace::begins::Begins;
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::stream::Stream;
use tracewell_shared::trace::tracer::{Hooks, Tracer};

use crate::event::Unlink;
use crate::skel::types::{rodata, unlink_event};

/// What to tell of removals.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Unlinks {
    /// Only those that failed.
    pub failed_only: bool,
    /// Only those that succeeded.
    pub succeeded_only: bool,
    /// Where the path starts is read too, for `full_path`.
    pub full_path: bool,
    /// How paths have to begin; `full_path` says of those that come whether they do.
    pub begins: Begins,
    /// Also files that a rename replaced. Only `fentry` and `kprobe` can tell: what a name stood for before a
    /// rename is known inside the kernel alone.
    pub renames: bool,
    #[doc(hidden)]
    pub _later: (),
}

impl Unlinks {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }
}

/// What neither the functions nor the calls show.
const UNSEEN_INSIDE: &str = "removals inside the kernel, such as those of its NFS and SMB servers";

/// What the functions do not show.
const UNSEEN_BY_FUNCTIONS: &[&str] = &[
    UNSEEN_INSIDE,
    "calls that are refused before the function (flags that do not exist, a seccomp filter)",
];

impl Hooks for Unlinks {
    const NAME: &'static str = "unlinksnoop";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "removals",
        functions: {
            // Up to 6.19, and since.
            pairs: ["do_unlinkat", "do_rmdir", "do_renameat2"],
            sessions: ["filename_unlinkat", "filename_rmdir", "filename_renameat2"],
            inside: ["rename_object"],
            // A kernel built without CONFIG_SECURITY has none, and the file is not told of.
            optional: ["unlink_object", "rmdir_object"],
            sweep: "left_behind_exit_raw",
            unseen: UNSEEN_BY_FUNCTIONS,
            unseen_by_fexit: &[
                UNSEEN_BY_FUNCTIONS[0],
                UNSEEN_BY_FUNCTIONS[1],
                "removals by io_uring, where the kernel preempts programs (counted as fexit_missed)",
            ],
        },
        calls: ["unlinkat"],
        optional: ["unlink", "rmdir"],
        of: "removals by",
        refused: "removals that a seccomp filter refuses",
        unseen: [
            "what was removed: inode, size, links left, whether it is still open",
            "files that a rename replaces (--rename)",
            "removals by io_uring",
        ] and [UNSEEN_INSIDE],
    };

    // Of sixteen paths, one may be long.
    const IN_FLIGHT: &'static [(&'static str, u32)] =
        &[("inflight", 1), ("removals", 1), ("long_removals", 16)];

    const ON_REQUEST: &'static [&'static str] =
        &["do_renameat2_", "filename_renameat2_", "rename_object_"];

    fn requests(&self) -> bool {
        self.renames
    }

    fn bounds(&self) -> &'static [Cause] {
        // What had no entry, or no exit, may have had another result, been about another file, or a rename that replaced nothing.
        if self.failed_only || self.succeeded_only || self.renames || !self.begins.is_empty() {
            &[
                Cause::InflightFull,
                Cause::KprobeMissed,
                Cause::FexitMissed,
                Cause::ExitMissed,
            ]
        } else {
            &[]
        }
    }

    fn unfit(&self, rung: &str) -> Option<&'static str> {
        let blind = self.renames && !AT_FUNCTIONS.contains(&rung);
        blind.then_some("it cannot tell which renames replace a file (--rename)")
    }

    fn most_bytes(&self) -> usize {
        let base = if self.full_path { BASE_BYTES } else { 0 };
        size_of::<unlink_event>() + PATH_BYTES + base
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        let preempted = object.loads("left_behind_exit_raw");
        self.begins.set(object)?;
        let knobs = object.knobs::<rodata>()?;
        knobs.failed_only = self.failed_only;
        knobs.succeeded_only = self.succeeded_only;
        knobs.full_path = self.full_path;
        knobs.preempted = preempted;
        Ok(())
    }
}

impl Tracer for Unlinks {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Unlink<'a>> {
        Unlink::decode(record, self)
    }
}

#[cfg(test)]
mod tests;
