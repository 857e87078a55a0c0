// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces sync(2), syncfs(2), fsync(2), fdatasync(2), msync(2) and `sync_file_range(2)`: who has what written back, and
//! with what result.
//!
//! One BPF program at the exit of system calls reads the arguments from the caller's registers; on kernels that
//! offer neither typed nor raw tracepoints, a pair of programs at entry and exit of each call does.
//!
//! As a library, it is a stream of typed events:
//!
//! ```no_run
//! use syncsnoop::{Filter, Item, Options, Result, Syncs};
//!
//! # async fn run() -> Result<()> {
//! let filter = Filter { uid: 1000.into(), ..Filter::default() };
//! let options = Options { filter, ..Options::default() };
//! let mut syncs = Syncs { failed_only: true, ..Syncs::default() }.start(&options)?;
//! while let Some(batch) = syncs.next().await? {
//!     for item in batch.items() {
//!         match item {
//!             Item::Event(sync) => println!("{} {:?} {:?} {}", sync.task.pid, sync.call, sync.fd, sync.ret),
//!             Item::Lost(gap) => println!("{} lost: {}", gap.count, gap.cause.words()),
//!         }
//!     }
//!     syncs.stop(); // after the first batch; without it, the stream goes on for ever
//! }
//! println!("{} seen, {}", syncs.account().seen, syncs.account().lost);
//! # Ok(())
//! # }
//! ```

mod args;
mod event;
mod flags;
mod load;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use event::{Call, Synced};
pub use flags::Flags;
pub use tracer::Syncs;
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::event::Event;
pub use tracewell_shared::trace::options::{Buffer, Filter, Options};
pub use tracewell_shared::trace::stream::{Batch, Item, Stream};

use tracewell_shared::confine::privilege;
use tracewell_shared::run::snoop;
use tracewell_shared::tool::{Tool, Trace};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "syncsnoop",
    about: "Trace who has files written back",
    trace: Some(Trace::of::<Syncs, Syncs>(load::syncs)),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: snoop::run::<args::Args>,
};
