// SPDX-License-Identifier: MIT OR Apache-2.0
//! Shows which processes do block I/O: how many requests they submit to which disk, how many bytes, and how long those
//! took from their issue to the driver to their completion.
//!
//! BPF programs at insertion, issue and completion of a request; nothing is sent for each request.
//!
//! As a library, it gives the counts of what came since the last look:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use biotop::{Options, Result, Submitters};
//!
//! # async fn run() -> Result<()> {
//! let mut tally = Submitters::default().start(&Options::default())?;
//! for _ in 0..10 {
//!     tokio::time::sleep(Duration::from_secs(1)).await;
//!     for row in tally.rows()? {
//!         if let Some(subject) = row.subject {
//!             println!("{} on {}: {} bytes", subject.pid, subject.disk.name(), row.bytes);
//!         }
//!     }
//! }
//! tally.stop();
//! println!("{}", tally.losses());
//! # Ok(())
//! # }
//! ```

mod args;
mod report;
mod row;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use report::{Report, Reports};
pub use row::{Row, Subject};
pub use tracer::Submitters;
pub use tracewell_shared::block::{Disk, Disks, Names, Operation};
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::trace::options::{Filter, Options};
pub use tracewell_shared::trace::tally::Tally;

use tracewell_shared::confine::privilege;
use tracewell_shared::run::tables;
use tracewell_shared::tool::{Tool, Trace, load};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "biotop",
    about: "Show which processes do block I/O",
    trace: Some(Trace::of::<Submitters, Reports>(load::requests)),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: tables::run::<args::Args>,
};
