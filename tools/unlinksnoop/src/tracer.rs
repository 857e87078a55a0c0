// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use tracewell_shared::error::{Error, Kind, Result};
use tracewell_shared::event::EventFamily;
use tracewell_shared::loss::Cause;
use tracewell_shared::minimal_btf::Named;
use tracewell_shared::options::Options;
use tracewell_shared::path::{BASE_BYTES, PATH_BYTES};
use tracewell_shared::probe::{Ladder, Rung};
use tracewell_shared::stream::Stream;
use tracewell_shared::tracer::{Hooks, Opened, Tracer};

use crate::event::Unlink;
use crate::skel::UnlinksnoopSkelBuilder;
use crate::skel::types::unlink_event;

/// What to tell of removals.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Unlinks {
    /// Only those that failed.
    pub failed_only: bool,
    /// Where the path starts is read too, for [`Unlink::full_path`].
    pub full_path: bool,
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

impl EventFamily for Unlinks {
    type Event<'a> = Unlink<'a>;
}

/// The labels of the rungs at the kernel's functions, which see the file.
const FUNCTIONS: [&str; 2] = ["fentry", "kprobe"];

/// The label of the rung at the tracepoints of each call.
const EACH_CALL: &str = "tracepoint";

/// What takes away, and tells, what an exit that was not seen has left.
const SWEEPS: &[&str] = &["left_behind_exit_raw"];

/// What the functions behind the system calls do not see.
const UNSEEN_BY_FUNCTIONS: &[&str] = &[
    "removals inside the kernel, such as those of its NFS and SMB servers",
    "calls that are refused before the function (flags that do not exist, a seccomp filter)",
];

/// What is not seen where entry and exit of a function are two programs that the kernel may refuse.
const UNSEEN_BY_FEXIT: &[&str] = &[
    UNSEEN_BY_FUNCTIONS[0],
    UNSEEN_BY_FUNCTIONS[1],
    "removals by io_uring, where the kernel preempts programs (counted as fexit_missed)",
];

/// What programs at the exit of system calls do not see.
const UNSEEN: &[&str] = &[
    "what was removed: inode, size, links left, whether it is still open",
    "files that a rename replaces (--rename)",
    "removals by io_uring",
    "removals by x32 programs",
    UNSEEN_BY_FUNCTIONS[0],
];

/// What the tracepoints of each call do not see: they are not run for 32-bit programs.
const UNSEEN_BY_EACH: &[&str] = &[
    UNSEEN[0],
    UNSEEN[1],
    UNSEEN[2],
    "removals by 32-bit and x32 programs",
    UNSEEN[4],
];

/// What is not seen where an exit takes an entry: there is none of what seccomp refuses.
const UNSEEN_BY_PAIRS: &[&str] = &[
    UNSEEN_BY_EACH[0],
    UNSEEN_BY_EACH[1],
    UNSEEN_BY_EACH[2],
    UNSEEN_BY_EACH[3],
    UNSEEN_BY_EACH[4],
    "removals that a seccomp filter refuses (counted as entry_missed)",
];

/// A rung at the functions of these names, by the suffixes of its programs: those that are one for entry and exit, or
/// one for each, and those at the security hooks. These are optional: a kernel built without `CONFIG_SECURITY` has none,
/// and the file is not told of.
macro_rules! functions {
    ($label:literal, $session:literal, $hook:literal, $unlink:literal, $rmdir:literal, $rename:literal) => {
        Rung {
            label: $label,
            programs: &[
                concat!($unlink, "_", $session),
                concat!($rmdir, "_", $session),
                concat!($rename, "_", $session),
                concat!("rename_object_", $hook),
            ],
            optional: &[
                concat!("unlink_object_", $hook),
                concat!("rmdir_object_", $hook),
            ],
            unseen: UNSEEN_BY_FUNCTIONS,
            ..Rung::EMPTY
        }
    };
    ($label:literal, $exit:literal, $enter:literal, [$($more:literal),*], $guards:expr, $unseen:expr, $unlink:literal, $rmdir:literal, $rename:literal) => {
        Rung {
            label: $label,
            programs: &[
                concat!($unlink, "_exit_", $exit),
                concat!($unlink, "_enter_", $enter),
                concat!($rmdir, "_exit_", $exit),
                concat!($rmdir, "_enter_", $enter),
                concat!($rename, "_exit_", $exit),
                concat!($rename, "_enter_", $enter),
                concat!("rename_object_", $enter),
                $($more),*
            ],
            optional: &[
                concat!("unlink_object_", $enter),
                concat!("rmdir_object_", $enter),
            ],
            where_preempted: $guards,
            unseen: $unseen,
            ..Rung::EMPTY
        }
    };
}

impl Hooks for Unlinks {
    type Object = UnlinksnoopSkelBuilder;

    const NAME: &'static str = "unlinksnoop";

    const TYPES: &'static Named = crate::KERNEL_TYPES;

    const LADDER: &'static Ladder = &Ladder {
        subject: "removals",
        rungs: &[
            functions!(
                "fentry",
                "fexit",
                "fentry",
                [],
                SWEEPS,
                UNSEEN_BY_FEXIT,
                "do_unlinkat",
                "do_rmdir",
                "do_renameat2"
            ),
            functions!(
                "fentry",
                "fsession",
                "fentry",
                "filename_unlinkat",
                "filename_rmdir",
                "filename_renameat2"
            ),
            functions!(
                "kprobe",
                "kretprobe",
                "kprobe",
                ["left_behind_exit_raw"],
                &[],
                UNSEEN_BY_FUNCTIONS,
                "do_unlinkat",
                "do_rmdir",
                "do_renameat2"
            ),
            functions!(
                "kprobe",
                "ksession",
                "kprobe",
                "filename_unlinkat",
                "filename_rmdir",
                "filename_renameat2"
            ),
            Rung {
                label: "tp_btf",
                programs: &["unlink_exit_btf"],
                unseen: UNSEEN,
                ..Rung::EMPTY
            },
            Rung {
                label: "raw_tp",
                programs: &["unlink_exit_raw"],
                unseen: UNSEEN,
                ..Rung::EMPTY
            },
            Rung {
                label: "raw_syscalls",
                programs: &["unlink_exit_rawsys"],
                unseen: UNSEEN,
                ..Rung::EMPTY
            },
            Rung {
                label: EACH_CALL,
                programs: &["unlinkat_exit_tp"],
                // arm64 has neither unlink nor rmdir.
                optional: &["unlink_exit_tp", "rmdir_exit_tp"],
                unseen: UNSEEN_BY_EACH,
                ..Rung::EMPTY
            },
            // Where the arguments cannot be had at the exit.
            Rung {
                label: EACH_CALL,
                programs: &["unlinkat_exit_pair", "unlinkat_enter_pair"],
                optional: &[
                    "unlink_exit_pair",
                    "unlink_enter_pair",
                    "rmdir_exit_pair",
                    "rmdir_enter_pair",
                ],
                unseen: UNSEEN_BY_PAIRS,
                ..Rung::EMPTY
            },
        ],
    };

    // Of sixteen paths, one may be long.
    const IN_FLIGHT: &'static [(&'static str, u32)] =
        &[("inflight", 1), ("removals", 1), ("long_removals", 16)];

    const PREEMPTIBLE: &'static [&'static str] = &["fentry", "tp_btf", "raw_tp", EACH_CALL];

    fn wants(&self, program: &str) -> bool {
        self.renames || !program.contains("rename")
    }

    fn loses(&self, program: &str) -> bool {
        // What the entry counted, only an exit takes back; and without the hook, an event comes with less in it.
        let exit = ["_fexit", "_kretprobe"]
            .iter()
            .any(|end| program.ends_with(end));
        !exit && !program.contains("_object_") && !program.starts_with("left_behind")
    }

    fn bounds(&self) -> &'static [Cause] {
        // What had no entry, or no exit, may have succeeded, or been a rename that replaced nothing.
        if self.failed_only || self.renames {
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
        let blind = self.renames && !FUNCTIONS.contains(&rung);
        blind.then_some("it cannot tell which renames replace a file (--rename)")
    }

    fn most_bytes(&self) -> usize {
        let base = if self.full_path { BASE_BYTES } else { 0 };
        size_of::<unlink_event>() + PATH_BYTES + base
    }

    fn configure(&self, rung: &str, object: &mut Opened<'_, Self>) -> Result<()> {
        let refused = |error: libbpf_rs::Error| {
            Error::new(Kind::Bpf, format!("cannot set up unlinksnoop: {error}"))
        };
        let maps = &mut object.maps;
        let knobs = maps
            .rodata_data
            .as_deref_mut()
            .ok_or_else(|| Error::new(Kind::Bpf, "unlinksnoop's object has no knobs"))?;
        knobs.failed_only = self.failed_only;
        knobs.full_path = self.full_path;
        knobs.preempted = object.progs.left_behind_exit_raw.autoload();
        if !object.progs.unlinkat_enter_pair.autoload() {
            maps.inflight.set_max_entries(1).map_err(refused)?;
        }
        if !FUNCTIONS.contains(&rung) {
            maps.removals.set_max_entries(1).map_err(refused)?;
            maps.long_removals.set_max_entries(1).map_err(refused)?;
        }
        Ok(())
    }
}

impl Tracer for Unlinks {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Unlink<'a>> {
        Unlink::decode(record, self.full_path)
    }
}

#[cfg(test)]
#[path = "ladder_tests.rs"]
mod tests;
