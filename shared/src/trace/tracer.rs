// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a tool is to the machinery: an object, a ladder, knobs, and for one that prints events their decoding.

use libbpf_rs::skel::SkelBuilder;

use crate::data::loss::Cause;
use crate::error::Result;
use crate::event::EventFamily;
use crate::kernel::minimal_btf::Named;
use crate::kernel::probe::{self, Ladder};

/// The maps that each program of an object names, in functions that it calls too. Build scripts make the list
/// (`tracewell_bpf::build`).
pub type NamedMaps = [(&'static str, &'static [&'static str])];

/// The opened, not yet loaded skeleton of a tracer's object.
pub type Opened<'o, T> = <<T as Hooks>::Object as SkelBuilder<'o>>::Output;

/// A tool's settings, and how to load and attach its object with them.
pub trait Hooks: Send {
    /// The skeleton builder that libbpf-cargo made.
    type Object: for<'o> SkelBuilder<'o> + Default;

    /// The tool's name.
    const NAME: &'static str;

    /// The kernel's types that each program of the object names: the build's `KERNEL_TYPES`.
    const TYPES: &'static Named;

    /// The maps that each program of the object names: the build's `MAPS`. Those that no program of a rung names are not
    /// made. Without a list all are.
    const MAPS: &'static NamedMaps = &[];

    /// The ways to hook what it traces.
    const LADDER: &'static Ladder;

    /// The maps that join the start of an operation with its end, each with the share of operations that it is to
    /// hold: one in so many. [`Options::inflight`](crate::trace::options::Options::inflight) sets their size. Without a word,
    /// that of `pairs.bpf.h`.
    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("inflight", 1)];

    /// Whether what is hooked happens in interrupts too, so that a program may be interrupted by itself. The kernel
    /// refuses the inner run.
    const INTERRUPTED: bool = false;

    /// Labels of the rungs that come after all others where the kernel preempts tasks inside their programs, and
    /// refuses these to other tasks meanwhile (see [`Kernel::preempts`](crate::kernel::Kernel::preempts)). Where an
    /// interrupt may do the same, no rung is better than another.
    const PREEMPTIBLE: &'static [&'static str] = if Self::INTERRUPTED {
        &[]
    } else {
        probe::PREEMPTIBLE
    };

    /// Whether these settings need a program of the ladder; those that none needs are not loaded.
    fn wants(&self, _program: &str) -> bool {
        true
    }

    /// Whether an event is lost where the kernel refuses to run this program; not where that is counted otherwise.
    fn loses(&self, _program: &str) -> bool {
        true
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

    /// Sets the object's own knobs and map sizes for the rung with this label. What is common to all tools is
    /// set already, and which programs are loaded.
    ///
    /// # Errors
    ///
    /// When a setting cannot be met.
    fn configure(&self, rung: &str, object: &mut Opened<'_, Self>) -> Result<()>
    where
        Self: Sized;
}

/// A tool's settings whose result is a stream of events. [`crate::trace::stream::Stream`] runs one.
pub trait Tracer: Hooks + EventFamily {
    /// The event in a record's bytes; `None` when they are not one.
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Self::Event<'a>>;
}
