// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a tool is to the machinery: an object, a ladder, knobs, and the decoding of its events.

use libbpf_rs::skel::SkelBuilder;

use crate::error::Result;
use crate::event::EventFamily;
use crate::probe::Ladder;

/// The opened, not yet loaded skeleton of a tracer's object.
pub type Opened<'o, T> = <<T as Tracer>::Object as SkelBuilder<'o>>::Output;

/// A tool's settings, and how to load its object with them. [`crate::stream::Stream`] runs one.
pub trait Tracer: EventFamily + Send {
    /// The skeleton builder that libbpf-cargo made.
    type Object: for<'o> SkelBuilder<'o> + Default;

    /// The tool's name.
    const NAME: &'static str;

    /// How many programs of one rung put events together; each has its own scratch space on each CPU.
    const EMITTERS: u32 = 1;

    /// The ways to hook what it traces.
    const LADDER: &'static Ladder;

    /// Programs that these settings do without.
    fn unwanted(&self) -> &'static [&'static str] {
        &[]
    }

    /// Sets the object's own knobs and map sizes for the rung with this label. What is common to all tools is
    /// set already.
    ///
    /// # Errors
    ///
    /// When a setting cannot be met.
    fn configure(&self, rung: &str, object: &mut Opened<'_, Self>) -> Result<()>
    where
        Self: Sized;

    /// The event in a record's bytes; `None` when they are not one.
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Self::Event<'a>>;
}
