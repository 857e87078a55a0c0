// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces the lines that bash reads from its users: who typed what.
//!
//! A BPF program at the return of readline(3), in each bash that runs when the trace begins, in whatever container, or in the
//! library that it takes readline from.
//!
//! As a library, it is a stream of typed events:
//!
//! ```no_run
//! use bashreadline::{Item, Lines, Options, Result};
//!
//! # async fn run() -> Result<()> {
//! let mut lines = Lines::default().start(&Options::default())?;
//! while let Some(batch) = lines.next().await? {
//!     for item in batch.items() {
//!         match item {
//!             Item::Event(line) => println!("{} {:?}", line.task.pid, line.line.bytes),
//!             Item::Lost(gap) => println!("{} lost: {}", gap.count, gap.cause.words()),
//!         }
//!     }
//!     lines.stop(); // after the first batch; without it, the stream goes on for ever
//! }
//! println!("{} seen, {}", lines.account().seen, lines.account().lost);
//! # Ok(())
//! # }
//! ```

mod args;
mod event;
mod load;
mod shells;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use event::Line;
pub use tracer::Lines;
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
    name: "bashreadline",
    about: "Trace the lines that bash reads from its users",
    trace: Some(Trace::of::<Lines, Lines>(load::lines)),
    capabilities: &[privilege::TRACING, symbols::CAPABILITIES],
    command: args::command,
    run: snoop::run::<args::Args>,
};
