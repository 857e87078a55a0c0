// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces unlink(2), unlinkat(2) and rmdir(2), and renames that replace a file: who removes what, and what that was.
//!
//! Two programs, at entry and exit of the kernel's function behind the calls, and one at the security hook in
//! between, which sees the file itself; where the kernel lets none of these in, one program at the exit of system
//! calls, as opensnoop's, which sees the call only.
//!
//! As a library, it is a stream of typed events:
//!
//! ```no_run
//! use unlinksnoop::{Filter, Item, Options, Result, Unlinks};
//!
//! # async fn run() -> Result<()> {
//! let filter = Filter { uid: 1000.into(), ..Filter::default() };
//! let options = Options { filter, ..Options::default() };
//! let mut unlinks = Unlinks { full_path: true, ..Unlinks::default() }.start(&options)?;
//! while let Some(batch) = unlinks.next().await? {
//!     for item in batch.items() {
//!         match item {
//!             Item::Event(gone) => println!("{} {:?} {:?}", gone.task.pid, gone.file.path.bytes, gone.object),
//!             Item::Lost(gap) => println!("{} lost: {}", gap.count, gap.cause.words()),
//!         }
//!     }
//!     unlinks.stop(); // after the first batch; without it, the stream goes on for ever
//! }
//! println!("{} seen, {}", unlinks.account().seen, unlinks.account().lost);
//! # Ok(())
//! # }
//! ```

mod args;
mod event;
mod load;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use event::{Object, Op, Probe, Unlink};
pub use tracer::Unlinks;
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::event::Event;
pub use tracewell_shared::trace::options::{Buffer, Filter, Options};
pub use tracewell_shared::trace::stream::{Batch, Item, Stream};

use tracewell_shared::confine::privilege;
use tracewell_shared::run::snoop;
use tracewell_shared::tool::{Tool, Trace};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "unlinksnoop",
    about: "Trace who removes which file",
    trace: Some(Trace::of::<Unlinks, Unlinks>(load::removals)),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: snoop::run::<args::Args>,
};
