// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings of the trace, its ladder, and what they do to the BPF object.

use std::time::Duration;

use tracewell_shared::data::loss::Cause;
use tracewell_shared::error::Result;
use tracewell_shared::kernel::probe::Ladder;
use tracewell_shared::ladder;
use tracewell_shared::trace::object::{Object, Opened};
use tracewell_shared::trace::options::Options;
use tracewell_shared::trace::sockets::{self, Sockets};
use tracewell_shared::trace::stream::Stream;
use tracewell_shared::trace::tracer::{Hooks, Tracer};

use crate::event::Connect;
use crate::skel::types::{connect_event, rodata};

/// Which attempts to connect to tell of.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, Default)]
pub struct Connects {
    /// Those with such ends.
    pub sockets: Sockets,
    /// Only those that came to nothing.
    pub failed_only: bool,
    /// Only those that became a connection.
    pub succeeded_only: bool,
    /// Only those that took so long.
    pub min_duration: Duration,
    #[doc(hidden)]
    pub _later: (),
}

impl Connects {
    /// Loads and attaches. Needs a tokio runtime with its I/O and time drivers.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start(self, options: &Options) -> Result<Stream<Self>> {
        Stream::start(self, options)
    }
}

impl Hooks for Connects {
    const NAME: &'static str = "tcpconnlat";

    const OBJECT: &'static Object = &crate::skel::OBJECT;

    const LADDER: &'static Ladder = &ladder! {
        subject: "attempts to connect",
        tracepoints: ["state"],
        counted_otherwise: [],
        unseen: &["attempts that end before a SYN is sent"],
    };

    const IN_FLIGHT: &'static [(&'static str, u32)] = &[("attempts", 1)];

    const STORED: Option<&'static str> = Some("attempts");

    const INTERRUPTED: bool = true;

    fn bounds(&self) -> &'static [Cause] {
        let picks = self.failed_only || self.succeeded_only || !self.min_duration.is_zero();
        // What found no room may not have been to be told.
        if picks || self.sockets != Sockets::default() {
            &[Cause::InflightFull]
        } else {
            &[]
        }
    }

    fn unfit(&self, rung: &str) -> Option<&'static str> {
        sockets::unfit(rung)
    }

    fn most_bytes(&self) -> usize {
        size_of::<connect_event>()
    }

    fn configure(&self, _rung: &str, object: &mut Opened<'_>) -> Result<()> {
        let knobs = object.knobs::<rodata>()?;
        knobs.failed_only = self.failed_only;
        knobs.succeeded_only = self.succeeded_only;
        knobs.min_took_ns = u64::try_from(self.min_duration.as_nanos()).unwrap_or(u64::MAX);
        self.sockets.set(object)
    }
}

impl Tracer for Connects {
    fn decode<'a>(&'a self, record: &'a [u8]) -> Option<Connect<'a>> {
        Connect::decode(record)
    }
}
