// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces block requests: who submitted each, to which disk, how long it waited in a queue, how long the disk took, and
//! how it ended.
//!
//! BPF programs at insertion, issue and completion of a request. Its event is begun where it is submitted, and sent when it
//! has ended.
//!
//! As a library, it is a stream of typed events:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use biosnoop::{Item, Options, Requests, Result};
//!
//! # async fn run() -> Result<()> {
//! let slow = Requests { min_duration: Duration::from_millis(10), ..Requests::default() };
//! let mut requests = slow.start(&Options::default())?;
//! while let Some(batch) = requests.next().await? {
//!     for item in batch.items() {
//!         match item {
//!             Item::Event(request) => println!("{} {} {:?}", request.task.pid, request.disk.name(), request.duration_ns),
//!             Item::Lost(gap) => println!("{} lost: {}", gap.count, gap.cause.words()),
//!         }
//!     }
//!     requests.stop(); // after the first batch; without it, the stream goes on for ever
//! }
//! println!("{} seen, {}", requests.account().seen, requests.account().lost);
//! # Ok(())
//! # }
//! ```

mod args;
mod event;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use event::{Pattern, Request};
pub use tracer::Requests;
pub use tracewell_shared::block::{Disk, Disks, Names};
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::event::Event;
pub use tracewell_shared::trace::options::{Buffer, Filter, Options};
pub use tracewell_shared::trace::stream::{Batch, Item, Stream};

use tracewell_shared::confine::privilege;
use tracewell_shared::run::snoop;
use tracewell_shared::tool::{Tool, Trace, load};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "biosnoop",
    about: "Trace who reads and writes disks",
    trace: Some(Trace::of::<Requests, Requests>(|directory| {
        load::each_request(directory, Request::KIND)
    })),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: snoop::run::<args::Args>,
};
