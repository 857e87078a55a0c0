// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces the ends of processes: after how long, with which exit code or by which signal, and what they used.
//!
//! One BPF program at `sched_process_exit` tells of each process once, with its last thread; on request of each thread.
//!
//! As a library, it is a stream of typed events:
//!
//! ```no_run
//! use exitsnoop::{Exits, Item, Options, Result};
//!
//! # async fn run() -> Result<()> {
//! let mut exits = Exits { failed_only: true, ..Exits::default() }.start(&Options::default())?;
//! while let Some(batch) = exits.next().await? {
//!     for item in batch.items() {
//!         match item {
//!             Item::Event(exit) => println!("{} {:?} {:?}", exit.pid, exit.ending.exit_code, exit.ending.signal),
//!             Item::Lost(gap) => println!("{} lost: {}", gap.count, gap.cause.words()),
//!         }
//!     }
//!     exits.stop(); // after the first batch; without it, the stream goes on for ever
//! }
//! println!("{} seen, {}", exits.account().seen, exits.account().lost);
//! # Ok(())
//! # }
//! ```

mod args;
mod event;
mod load;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use event::Exit;
pub use tracer::Exits;
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::event::Event;
pub use tracewell_shared::event::ending::{Cpu, Ending};
pub use tracewell_shared::trace::options::{Buffer, Filter, Options};
pub use tracewell_shared::trace::stream::{Batch, Item, Stream};

use tracewell_shared::confine::privilege;
use tracewell_shared::run::snoop;
use tracewell_shared::tool::{Tool, Trace};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "exitsnoop",
    about: "Trace the ends of processes",
    trace: Some(Trace::of::<Exits, Exits>(load::exits)),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: snoop::run::<args::Args>,
};
