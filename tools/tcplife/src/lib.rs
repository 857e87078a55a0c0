// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces the lives of TCP connections: each is told of once, when it is closed, with its ends, what it carried, how long
//! it was there, and whose it was.
//!
//! One BPF program at the tracepoint `sock:inet_sock_set_state` sees every change of a socket's state. What is known of a
//! connection that is open lies in a map. Nothing is done for the packets between.
//!
//! As a library, it is a stream of typed events:
//!
//! ```no_run
//! use tcplife::{Item, Lives, Options, Result, Set, Sockets};
//!
//! # async fn run() -> Result<()> {
//! let sockets = Sockets { dports: Set::any([443]), ..Sockets::default() };
//! let mut lives = Lives { sockets, ..Lives::default() }.start(&Options::default())?;
//! while let Some(batch) = lives.next().await? {
//!     for item in batch.items() {
//!         match item {
//!             Item::Event(life) => println!("{:?} {} {}", life.owner.pid, life.ends.daddr, life.sent_bytes.0),
//!             Item::Lost(gap) => println!("{} lost: {}", gap.count, gap.cause.words()),
//!         }
//!     }
//!     lives.stop(); // after the first batch; without it, the stream goes on for ever
//! }
//! println!("{} seen, {}", lives.account().seen, lives.account().lost);
//! # Ok(())
//! # }
//! ```

mod args;
mod event;
mod load;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use event::Life;
pub use tracer::Lives;
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::event::Event;
pub use tracewell_shared::event::connection::{Role, State};
pub use tracewell_shared::event::endpoints::Endpoints;
pub use tracewell_shared::event::owner::Owner;
pub use tracewell_shared::trace::options::{Buffer, Filter, Options};
pub use tracewell_shared::trace::set::Set;
pub use tracewell_shared::trace::sockets::{Sockets, Version};
pub use tracewell_shared::trace::stream::{Batch, Item, Stream};

use tracewell_shared::confine::privilege;
use tracewell_shared::run::snoop;
use tracewell_shared::tool::{Tool, Trace};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "tcplife",
    about: "Trace the lives of TCP connections",
    trace: Some(Trace::of::<Lives, Lives>(load::lives)),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: snoop::run::<args::Args>,
};
