// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a tool is to the machinery: an object, a ladder, knobs, and for one that prints events their decoding.

use crate::data::loss::Cause;
use crate::error::Result;
use crate::event::EventFamily;
use crate::kernel::probe::{self, Ladder};
use crate::symbols::{Files, Which};
use crate::trace::object::{Object, Opened};
use crate::trace::options::Options;

/// The program that forgets processes which are gone, of tools with [`Hooks::FORGETS_FOLLOWED`]. That the kernel may refuse to
/// run it does no harm.
pub const PROCESS_FREED: &str = "process_freed_raw";

/// A tool's settings, and how to load and attach its object with them.
pub trait Hooks: Send {
    /// The tool's name.
    const NAME: &'static str;

    /// The BPF object: the build's `skel::OBJECT`.
    const OBJECT: &'static Object;

    /// The ways to hook what it traces.
    const LADDER: &'static Ladder;

    /// The maps that join the start of an operation with its end, each with the share of operations that it is to
    /// hold: one in so many. [`Options::inflight`](crate::trace::options::Options::inflight) sets their size. Without a word,
    /// that of `pairs.bpf.h`.
    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("inflight", 1)];

    /// The map of these whose values end in an event that is begun where an operation starts, and sent where it ends
    /// (`stored.bpf.h`). What stands behind events makes its values larger.
    const STORED: Option<&'static str> = None;

    /// Whether what is hooked happens in interrupts too, so that a program may be interrupted by itself. The kernel
    /// refuses the inner run.
    const INTERRUPTED: bool = false;

    /// Whether its own programs forget the processes that are followed, once these are freed (`process_end.bpf.h`); else the one
    /// of `follow.bpf.h` does it, when they end.
    const FORGETS_FOLLOWED: bool = false;

    /// The kind of file that its programs at functions of programs are attached in, of a tool that has some (`uprobe/NAME`
    /// and `uretprobe/NAME` are the sections of those at the function of that name).
    const IN_FILES: Option<&'static Files> = None;

    /// Which of these files.
    fn files(&self) -> Which {
        Which::default()
    }

    /// Labels of the rungs that come after all others where the kernel preempts tasks inside their programs, and
    /// refuses these to other tasks meanwhile (see [`Kernel::preempts`](crate::kernel::Kernel::preempts)). Where an
    /// interrupt may do the same, no rung is better than another.
    const PREEMPTIBLE: &'static [&'static str] = if Self::INTERRUPTED {
        &[]
    } else {
        probe::PREEMPTIBLE
    };

    /// The programs that only some settings need, by how their names begin.
    const ON_REQUEST: &'static [&'static str] = &[];

    /// Whether these settings need the programs of [`ON_REQUEST`](Self::ON_REQUEST).
    fn requests(&self) -> bool {
        true
    }

    /// Whether these settings need a program of the ladder; those that none needs are not loaded.
    fn wants(&self, program: &str) -> bool {
        let mut on_request = Self::ON_REQUEST.iter();
        self.requests() || !on_request.any(|begin| program.starts_with(begin))
    }

    /// Whether an event is lost where the kernel refuses to run this program; not where that is counted otherwise.
    fn loses(&self, program: &str) -> bool {
        !Self::LADDER.counts_otherwise(program)
    }

    /// Causes whose counts are no more than bounds with these settings: what was lost may not have been to be told.
    fn bounds(&self) -> &'static [Cause] {
        &[]
    }

    /// Why the rung with this label cannot do what these settings ask for; `None` where it can.
    fn unfit(&self, _rung: &str) -> Option<&'static str> {
        None
    }

    /// How many bytes an event can have at most; 0 for a tool without events. A ring whose size nobody asked for is made
    /// large enough; that a buffer is too small is said at the start, and perf buffers are refused where no record of
    /// theirs can carry so much.
    fn most_bytes(&self) -> usize {
        0
    }

    /// How many bytes a program needs to put an event together in.
    fn room_bytes(&self) -> usize {
        self.most_bytes()
    }

    /// Learns what the trace is told, before it is configured: whether tasks are filtered, for one.
    fn prepare(&mut self, _options: &Options) {}

    /// The map of what is under way on the rung with this label, if what is left there can be told from what has ended
    /// unseen. Its values begin with the time of the start, which is 0 once the end was seen.
    fn under_way_in(&self, _rung: &str) -> Option<&'static str> {
        None
    }

    /// How many the kernel says are under way; `None` where it does not count them all.
    fn under_way(&self) -> Option<u64> {
        None
    }

    /// Sets the object's own knobs and map sizes for the rung with this label. What is common to all tools is
    /// set already, and which programs are loaded.
    ///
    /// # Errors
    ///
    /// When a setting cannot be met.
    fn configure(&self, rung: &str, object: &mut Opened<'_>) -> Result<()>;
}

/// What of a tool does not depend on its settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) name: &'static str,
    pub(crate) object: &'static Object,
    pub(crate) ladder: &'static Ladder,
    pub(crate) in_flight: &'static [(&'static str, u32)],
    pub(crate) stored: Option<&'static str>,
    pub(crate) interrupted: bool,
    pub(crate) forgets_followed: bool,
    pub(crate) preemptible: &'static [&'static str],
    pub(crate) in_files: Option<&'static Files>,
}

/// The [`Hooks`] of any tool: what goes down a ladder with them is compiled once, not for each.
pub(crate) trait AnyHooks: Send {
    fn facts(&self) -> Facts;
    fn files(&self) -> Which;
    fn wants(&self, program: &str) -> bool;
    fn loses(&self, program: &str) -> bool;
    fn bounds(&self) -> &'static [Cause];
    fn unfit(&self, rung: &str) -> Option<&'static str>;
    fn most_bytes(&self) -> usize;
    fn room_bytes(&self) -> usize;
    fn configure(&self, rung: &str, object: &mut Opened<'_>) -> Result<()>;
}

impl<T: Hooks> AnyHooks for T {
    fn facts(&self) -> Facts {
        Facts {
            name: T::NAME,
            object: T::OBJECT,
            ladder: T::LADDER,
            in_flight: T::IN_FLIGHT,
            stored: T::STORED,
            interrupted: T::INTERRUPTED,
            forgets_followed: T::FORGETS_FOLLOWED,
            preemptible: T::PREEMPTIBLE,
            in_files: T::IN_FILES,
        }
    }

    fn files(&self) -> Which {
        Hooks::files(self)
    }

    fn wants(&self, program: &str) -> bool {
        Hooks::wants(self, program)
    }

    fn loses(&self, program: &str) -> bool {
        Hooks::loses(self, program)
    }

    fn bounds(&self) -> &'static [Cause] {
        Hooks::bounds(self)
    }

    fn unfit(&self, rung: &str) -> Option<&'static str> {
        Hooks::unfit(self, rung)
    }

    fn most_bytes(&self) -> usize {
        Hooks::most_bytes(self)
    }

    fn room_bytes(&self) -> usize {
        Hooks::room_bytes(self)
    }

    fn configure(&self, rung: &str, object: &mut Opened<'_>) -> Result<()> {
        Hooks::configure(self, rung, object)
    }
}

/// A tool's settings whose result is a stream of events. [`crate::trace::stream::Stream`] runs one.
pub trait Tracer: Hooks + EventFamily {
    /// The event in a record's bytes; `None` when they are not one.
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Self::Event<'a>>;
}
