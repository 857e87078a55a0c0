// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measures how long block I/O takes, as histograms that the kernel's side keeps: from a request's issue to its driver,
//! or from when it was made, to its completion.
//!
//! Two BPF programs, at issue and completion; nothing is sent for each request. Further ones, at insertion and
//! merge, run only where it matters who submits.
//!
//! As a library, it gives histograms of what came since the last look:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use biolatency::{Latencies, Options, Result};
//!
//! # async fn run() -> Result<()> {
//! let latencies = Latencies { by_disk: true, ..Latencies::default() };
//! let mut distribution = latencies.start(&Options::default())?;
//! for _ in 0..10 {
//!     tokio::time::sleep(Duration::from_secs(1)).await;
//!     for part in distribution.parts()? {
//!         let p99 = part.histogram.quantile(0.99).unwrap_or(0);
//!         println!("{}: {} requests, p99 {p99} ns", part.key.disk.name(), part.histogram.count());
//!     }
//! }
//! distribution.stop();
//! println!("{}", distribution.losses());
//! # Ok(())
//! # }
//! ```

mod args;
mod report;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use report::{Flags, Report, Reports};
pub use tracer::{Key, Latencies};
pub use tracewell_shared::block::{Disk, Disks, Names, Operation, charges_requests};
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::hist::Histogram;
pub use tracewell_shared::trace::distribution::{Distribution, Part};
pub use tracewell_shared::trace::options::{Filter, Options};

use tracewell_shared::confine::privilege;
use tracewell_shared::run::histograms;
use tracewell_shared::tool::{Tool, Trace, load};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "biolatency",
    about: "Show how long block I/O takes, as histograms",
    trace: Some(Trace::of::<Latencies, Reports>(load::requests)),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: histograms::run::<args::Args>,
};
