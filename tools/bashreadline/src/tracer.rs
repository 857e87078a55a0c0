// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::Ladder;
use tracewell_shared::ladder;
use tracewell_shared::symbols::{Files, Which};
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::stream::Stream;
use tracewell_shared::trace::tracer::{Hooks, Tracer};

use crate::event::Line;
use crate::shells;
use crate::skel::types::line_event;

/// `LINE_ROOM` of the BPF source.
const LINE_ROOM: usize = 8192 + 2;

/// What to tell of lines.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// Those that are read by which programs or libraries.
    pub shells: Which,
    #[doc(hidden)]
    pub _later: (),
}

impl Lines {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }
}

impl Hooks for Lines {
    const NAME: &'static str = "bashreadline";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "lines",
        user_returns: ["readline"],
        unseen: &[
            "the line that a bash waits for when the trace begins",
            "lines of a bash that nobody runs when the trace begins, and that is not the system's",
            "lines of scripts, and of a bash that reads without readline (--noediting)",
            "lines of 32-bit programs",
        ],
    };

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[];

    const IN_FILES: Option<&'static Files> = Some(&shells::FILES);

    fn files(&self) -> Which {
        self.shells.clone()
    }

    fn most_bytes(&self) -> usize {
        size_of::<line_event>() + LINE_ROOM
    }

    fn configure(&self, _rung: &str, _object: &mut Opened<'_>) -> Result<()> {
        Ok(())
    }
}

impl Tracer for Lines {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Line<'a>> {
        Line::decode(record)
    }
}
