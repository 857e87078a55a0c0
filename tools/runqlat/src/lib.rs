// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measures how long tasks that could run wait for a CPU, as histograms that the kernel's side keeps: from when a task is
//! woken, made, or taken off its CPU although it could go on, until it is on one.
//!
//! Three BPF programs, at wake-ups and switches of tasks; nothing is sent for each wait.
//!
//! As a library, it gives histograms of what came since the last look:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use runqlat::{Options, Result, Waits, WaitsBy};
//!
//! # async fn run() -> Result<()> {
//! let waits = Waits { by: WaitsBy::Process, ..Waits::default() };
//! let mut distribution = waits.start(&Options::default())?;
//! for _ in 0..10 {
//!     tokio::time::sleep(Duration::from_secs(1)).await;
//!     for part in distribution.parts()? {
//!         let p99 = part.histogram.quantile(0.99).unwrap_or(0);
//!         println!("{:?}: {} waits, p99 {p99} ns", part.key.pid, part.histogram.count());
//!     }
//! }
//! distribution.stop();
//! println!("{}", distribution.losses());
//! # Ok(())
//! # }
//! ```

mod args;
mod load;
mod report;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use report::{Report, Reports};
pub use tracer::{Key, Waits, WaitsBy};
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::hist::Histogram;
pub use tracewell_shared::trace::distribution::{Distribution, Part};
pub use tracewell_shared::trace::options::{Filter, Options};

use tracewell_shared::confine::privilege;
use tracewell_shared::run::histograms;
use tracewell_shared::tool::{Tool, Trace};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "runqlat",
    about: "Show how long tasks wait for a CPU, as histograms",
    trace: Some(Trace::of::<Waits, Reports>(load::sleeps)),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: histograms::run::<args::Args>,
};
