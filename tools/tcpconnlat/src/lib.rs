// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces how long TCP connections take to be established that are begun here, and which are not.
//!
//! One BPF program at the tracepoint `sock:inet_sock_set_state` sees the SYN and the answer to it. What is known of a
//! connection that was not answered yet lies in a map.
//!
//! As a library, it is a stream of typed events:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use tcpconnlat::{Connects, Item, Options, Result};
//!
//! # async fn run() -> Result<()> {
//! let slow = Connects { min_duration: Duration::from_millis(100), ..Connects::default() };
//! let mut connects = slow.start(&Options::default())?;
//! while let Some(batch) = connects.next().await? {
//!     for item in batch.items() {
//!         match item {
//!             Item::Event(connect) => println!("{} {:?}", connect.ends.daddr, connect.outcome),
//!             Item::Lost(gap) => println!("{} lost: {}", gap.count, gap.cause.words()),
//!         }
//!     }
//!     connects.stop(); // after the first batch; without it, the stream goes on for ever
//! }
//! println!("{} seen, {}", connects.account().seen, connects.account().lost);
//! # Ok(())
//! # }
//! ```

mod args;
mod event;
mod load;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use event::{Connect, Outcome};
pub use tracer::Connects;
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::event::Event;
pub use tracewell_shared::event::endpoints::Endpoints;
pub use tracewell_shared::trace::options::{Buffer, Filter, Options};
pub use tracewell_shared::trace::set::Set;
pub use tracewell_shared::trace::sockets::{Sockets, Version};
pub use tracewell_shared::trace::stream::{Batch, Item, Stream};

use tracewell_shared::confine::privilege;
use tracewell_shared::run::snoop;
use tracewell_shared::tool::{Tool, Trace};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "tcpconnlat",
    about: "Trace how long TCP connections take to be established",
    trace: Some(Trace::of::<Connects, Connects>(load::connects)),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: snoop::run::<args::Args>,
};
