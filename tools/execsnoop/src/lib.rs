// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces execve(2) and execveat(2): which programs start, by whom, with which arguments.
//!
//! A successful exec is told by one BPF program at `sched_process_exec`, which copies the new arguments in one
//! piece; a failed one by another at the exit of the system call.
//!
//! As a library, it is a stream of typed events:
//!
//! ```no_run
//! use execsnoop::{Execs, Item, Options, Result};
//!
//! # async fn run() -> Result<()> {
//! let mut execs = Execs { failed: true, ..Execs::default() }.start(&Options::default())?;
//! while let Some(batch) = execs.next().await? {
//!     for item in batch.items() {
//!         match item {
//!             Item::Event(exec) => println!("{} {:?} {}", exec.pid, exec.filename.bytes, exec.ret),
//!             Item::Lost(gap) => println!("{} lost: {}", gap.count, gap.cause.words()),
//!         }
//!     }
//!     execs.stop(); // after the first batch; without it, the stream goes on for ever
//! }
//! println!("{} seen, {}", execs.account().seen, execs.account().lost);
//! # Ok(())
//! # }
//! ```

mod args;
mod columns;
mod event;
mod kinds;
mod load;
mod processes;
mod step;
mod tracer;
pub mod tree;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use event::{Args, Exec, Via};
pub use kinds::{Any, Told};
pub use processes::Processes;
pub use step::{Step, What};
pub use tracer::Execs;
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::event::Event;
pub use tracewell_shared::event::ending::{Cpu, Ending};
pub use tracewell_shared::trace::options::{Buffer, Filter, Options};
pub use tracewell_shared::trace::stream::{Batch, Item, Stream};

use tracewell_shared::confine::privilege;
use tracewell_shared::run::{gathered, snoop};
use tracewell_shared::tool::{Tool, Trace};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "execsnoop",
    about: "Trace execve(2) and execveat(2)",
    trace: Some(Trace::of::<Execs, kinds::Told>(load::execs)),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: |matches| match args::asks_for_tree(matches) {
        true => gathered::run::<args::Args>(matches),
        false => snoop::run::<args::Args>(matches),
    },
};
