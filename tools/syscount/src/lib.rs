// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts system calls by call or by process, those that failed among them, and the time that they took.
//!
//! One BPF program, at the exit of every system call; one more at the entry where time is asked for. Nothing is sent for a
//! call.
//!
//! As a library, it gives the counts of what came since the last look:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use syscount::{Calls, Options, Result, Subject};
//!
//! # async fn run() -> Result<()> {
//! let mut tally = Calls { timed: true, ..Calls::default() }.start(&Options::default())?;
//! for _ in 0..10 {
//!     tokio::time::sleep(Duration::from_secs(1)).await;
//!     for row in tally.rows()? {
//!         if let Subject::Call(call) = row.subject {
//!             println!("{:?}: {} calls, {} ns", call.name(), row.calls, row.took_ns);
//!         }
//!     }
//! }
//! tally.stop();
//! println!("{}", tally.losses());
//! # Ok(())
//! # }
//! ```

mod args;
mod call;
mod load;
mod report;
mod row;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use call::Call;
pub use report::{Report, Reports};
pub use row::{Row, Subject};
pub use tracer::Calls;
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::trace::options::{Filter, Options};
pub use tracewell_shared::trace::tally::Tally;

use tracewell_shared::confine::privilege;
use tracewell_shared::tool::{Tool, Trace};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "syscount",
    about: "Count system calls",
    trace: Some(Trace::of::<Calls, Reports>(load::calls)),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: args::run,
};
