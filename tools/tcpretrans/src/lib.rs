// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces TCP segments that are sent again: of which connection, why, and whose that is.
//!
//! One BPF program at the tracepoint `tcp:tcp_retransmit_skb` sees each of them, another one at
//! `sock:inet_sock_set_state` whose the connections are.
//!
//! As a library, it is a stream of typed events:
//!
//! ```no_run
//! use tcpretrans::{Item, Options, Result, Retransmits, Set, Sockets};
//!
//! # async fn run() -> Result<()> {
//! let sockets = Sockets { dports: Set::any([443]), ..Sockets::default() };
//! let mut retransmits = Retransmits { sockets, ..Retransmits::default() }.start(&Options::default())?;
//! while let Some(batch) = retransmits.next().await? {
//!     for item in batch.items() {
//!         match item {
//!             Item::Event(sent) => println!("{:?} {} {:?}", sent.owner.pid, sent.ends.daddr, sent.kind),
//!             Item::Lost(gap) => println!("{} lost: {}", gap.count, gap.cause.words()),
//!         }
//!     }
//!     retransmits.stop(); // after the first batch; without it, the stream goes on for ever
//! }
//! println!("{} seen, {}", retransmits.account().seen, retransmits.account().lost);
//! # Ok(())
//! # }
//! ```

mod args;
mod event;
mod load;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use event::{Kind, Retransmit};
pub use tracer::Retransmits;
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
    name: "tcpretrans",
    about: "Trace TCP segments that are sent again",
    trace: Some(Trace::of::<Retransmits, Retransmits>(load::retransmits)),
    capabilities: &[privilege::TRACING],
    command: args::command,
    run: snoop::run::<args::Args>,
};
