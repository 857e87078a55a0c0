// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces lookups of hosts by getaddrinfo(3), gethostbyname(3), gethostbyname2(3) and the last two's `_r` forms: who looked
//! for which host, how long it took, and how it failed, if it did.
//!
//! Two BPF programs, at the entry and the return of each of these functions in the C library. It traces the C libraries that
//! processes have mapped when it begins, in whatever container they run, and the system's own.
//!
//! As a library, it is a stream of typed events:
//!
//! ```no_run
//! use gethostlatency::{Item, Lookups, Options, Result};
//!
//! # async fn run() -> Result<()> {
//! let mut lookups = Lookups { failed_only: true, ..Lookups::default() }.start(&Options::default())?;
//! while let Some(batch) = lookups.next().await? {
//!     for item in batch.items() {
//!         match item {
//!             Item::Event(lookup) => println!("{} {:?} {:?}", lookup.task.pid, lookup.host.bytes, lookup.failure),
//!             Item::Lost(gap) => println!("{} lost: {}", gap.count, gap.cause.words()),
//!         }
//!     }
//!     lookups.stop(); // after the first batch; without it, the stream goes on for ever
//! }
//! println!("{} seen, {}", lookups.account().seen, lookups.account().lost);
//! # Ok(())
//! # }
//! ```

mod args;
mod event;
mod libc;
mod load;
mod names;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use event::{Failure, Function, Lookup, Numbered, Reason};
pub use tracer::Lookups;
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::event::Event;
pub use tracewell_shared::event::text::Text;
pub use tracewell_shared::symbols::Which;
pub use tracewell_shared::trace::options::{Buffer, Filter, Options};
pub use tracewell_shared::trace::stream::{Batch, Item, Stream};

use tracewell_shared::confine::privilege;
use tracewell_shared::run::snoop;
use tracewell_shared::symbols;
use tracewell_shared::tool::{Tool, Trace};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "gethostlatency",
    about: "Trace lookups of hosts, and how long they take",
    trace: Some(Trace::of::<Lookups, Lookups>(load::lookups)),
    capabilities: &[privilege::TRACING, symbols::CAPABILITIES],
    command: args::command,
    run: snoop::run::<args::Args>,
};
