// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use tracewell_shared::error::{Error, Kind, Result};
use tracewell_shared::event::EventFamily;
use tracewell_shared::loss::Cause;
use tracewell_shared::options::Options;
use tracewell_shared::probe::{Ladder, Rung};
use tracewell_shared::stream::Stream;
use tracewell_shared::tracer::{Hooks, Opened, Tracer};

use crate::event::Unlink;
use crate::skel::UnlinksnoopSkelBuilder;
use crate::skel::types::unlink_event;

/// What to tell of removals.
#[derive(Debug, Clone, Default)]
pub struct Unlinks {
    /// Only those that failed.
    pub failed_only: bool,
    /// Where the path starts is read too, for [`Unlink::full_path`].
    pub full_path: bool,
    /// Also files that a rename replaced. Only `fentry` and `kprobe` can tell: what a name stood for before a
    /// rename is known inside the kernel alone.
    pub renames: bool,
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

/// The label of the rung that joins entry and exit of system calls by a map.
const PAIRS: &str = "tracepoint";

/// A rung at the functions of these names.
macro_rules! functions {
    (fentry, $unlink:literal, $rmdir:literal, $rename:literal) => {
        functions!("fentry", "fexit", "fentry", [], $unlink, $rmdir, $rename)
    };
    (kprobe, $unlink:literal, $rmdir:literal, $rename:literal) => {
        functions!(
            "kprobe",
            "kretprobe",
            "kprobe",
            ["left_behind_exit_raw", "left_behind_exit_full_raw"],
            $unlink,
            $rmdir,
            $rename
        )
    };
    ($label:literal, $exit:literal, $enter:literal, [$($more:literal),*], $unlink:literal, $rmdir:literal, $rename:literal) => {
        Rung {
            label: $label,
            programs: &[
                concat!($unlink, "_exit_", $exit),
                concat!($unlink, "_exit_full_", $exit),
                concat!($unlink, "_enter_", $enter),
                concat!($rmdir, "_exit_", $exit),
                concat!($rmdir, "_exit_full_", $exit),
                concat!($rmdir, "_enter_", $enter),
                concat!($rename, "_exit_", $exit),
                concat!($rename, "_exit_full_", $exit),
                concat!($rename, "_enter_", $enter),
                concat!("rename_object_", $enter),
                $($more),*
            ],
            // A kernel built without CONFIG_SECURITY has no such hooks: the file is not told of.
            optional: &[
                concat!("unlink_object_", $enter),
                concat!("rmdir_object_", $enter),
            ],
        }
    };
}

impl Hooks for Unlinks {
    type Object = UnlinksnoopSkelBuilder;

    const NAME: &'static str = "unlinksnoop";

    const LADDER: &'static Ladder = &Ladder {
        subject: "removals",
        rungs: &[
            functions!(fentry, "do_unlinkat", "do_rmdir", "do_renameat2"),
            functions!(
                fentry,
                "filename_unlinkat",
                "filename_rmdir",
                "filename_renameat2"
            ),
            functions!(kprobe, "do_unlinkat", "do_rmdir", "do_renameat2"),
            functions!(
                kprobe,
                "filename_unlinkat",
                "filename_rmdir",
                "filename_renameat2"
            ),
            Rung {
                label: "tp_btf",
                programs: &["unlink_exit_btf", "unlink_exit_full_btf"],
                optional: &[],
            },
            Rung {
                label: "raw_tp",
                programs: &["unlink_exit_raw", "unlink_exit_full_raw"],
                optional: &[],
            },
            Rung {
                label: "raw_syscalls",
                programs: &["unlink_exit_rawsys", "unlink_exit_full_rawsys"],
                optional: &[],
            },
            Rung {
                label: PAIRS,
                programs: &["unlinkat_exit_tp", "unlinkat_enter_tp"],
                // arm64 has neither unlink nor rmdir.
                optional: &[
                    "unlink_exit_tp",
                    "unlink_enter_tp",
                    "rmdir_exit_tp",
                    "rmdir_enter_tp",
                ],
            },
        ],
    };

    // Of sixteen paths, one may be long.
    const IN_FLIGHT: &'static [(&'static str, u32)] =
        &[("inflight", 1), ("removals", 1), ("long_removals", 16)];

    const PREEMPTIBLE: &'static [&'static str] = &["tp_btf", "raw_tp"];

    fn emitters(&self, rung: &str) -> u8 {
        match rung {
            // The exits of unlinkat and rmdir, and of renames.
            "fentry" => 2 + u8::from(self.renames),
            // And of those that a kretprobe missed.
            "kprobe" => 4,
            _ => 1,
        }
    }

    fn wants(&self, program: &str) -> bool {
        // The pairs have a knob for the full path, the other exits are two programs.
        let exit = program.contains("_exit_") && !program.ends_with("_tp");
        let renames = program.contains("rename");
        (self.renames || !renames) && (!exit || program.contains("_full_") == self.full_path)
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
        // The pairs have the code for it, whether it runs or not.
        if !self.full_path && rung != PAIRS {
            maps.scratch
                .set_value_size(SCRATCH_BYTES)
                .map_err(refused)?;
        }
        if rung != PAIRS {
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

/// Room for an event, a path of `PATH_MAX`, and the byte that shows a longer one.
const SCRATCH_BYTES: u32 = size_of::<unlink_event>() as u32 + 4096 + 1;

#[cfg(test)]
#[path = "ladder_tests.rs"]
mod tests;
