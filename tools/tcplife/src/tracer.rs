// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use tracewell_shared::data::loss::Cause;
use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::Ladder;
use tracewell_shared::ladder;
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::{Filter, Options};
use tracewell_shared::trace::sockets::{self, Sockets};
use tracewell_shared::trace::stream::Stream;
use tracewell_shared::trace::tracer::{Hooks, Tracer};

use crate::event::Life;
use crate::skel::types::life_event;

/// Which connections to tell of.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Lives {
    /// Those with such ends.
    pub sockets: Sockets,
    /// Whether some tasks or cgroups are left out. Starting sets it.
    pub filtered: bool,
    #[doc(hidden)]
    pub _later: (),
}

impl Lives {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }
}

impl Hooks for Lives {
    const NAME: &'static str = "tcplife";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "TCP connections",
        tracepoints: ["state"],
        counted_otherwise: [],
        unseen: &["connections from outside that were never established"],
    };

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("connections", 1)];

    const STORED: Option<&'static str> = Some("connections");

    const INTERRUPTED: bool = true;

    fn bounds(&self) -> &'static [Cause] {
        // Nobody knows whose it was that found no room.
        if self.filtered {
            &[Cause::InflightFull]
        } else {
            &[]
        }
    }

    fn unfit(&self, rung: &str) -> Option<&'static str> {
        sockets::unfit(rung)
    }

    fn most_bytes(&self) -> usize {
        size_of::<life_event>()
    }

    fn prepare(&mut self, options: &Options) {
        self.filtered = options.filter != Filter::default() || options.follows();
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        self.sockets.set(object)
    }
}

impl Tracer for Lives {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Life<'a>> {
        Life::decode(record)
    }
}
