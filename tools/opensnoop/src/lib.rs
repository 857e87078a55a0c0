// SPDX-License-Identifier: MIT OR Apache-2.0
//! Traces open(2), openat(2), openat2(2) and creat(2): who opens which file, and with what result.
//!
//! One BPF program at the exit of system calls reads the arguments from the caller's registers; on kernels that
//! offer neither typed nor raw tracepoints, a pair of programs at entry and exit does.
//!
//! As a library, it is a stream of typed events:
//!
//! ```no_run
//! use opensnoop::{Filter, Item, Opens, Options, Result};
//!
//! # async fn run() -> Result<()> {
//! let filter = Filter { uid: 1000.into(), ..Filter::default() };
//! let options = Options { filter, ..Options::default() };
//! let mut opens = Opens { failed_only: true, ..Opens::default() }.start(&options)?;
//! while let Some(batch) = opens.next().await? {
//!     for item in batch.items() {
//!         match item {
//!             Item::Event(open) => println!("{} {:?} {:?}", open.task.pid, open.file.path.bytes, open.fd),
//!             Item::Lost(gap) => println!("{} lost: {}", gap.count, gap.cause.words()),
//!         }
//!     }
//!     opens.stop(); // after the first batch; without it, the stream goes on for ever
//! }
//! println!("{} seen, {}", opens.account().seen, opens.account().lost);
//! # Ok(())
//! # }
//! ```
//!
//! Who in a program called is a list of addresses, and names for them where they are asked for:
//!
//! ```no_run
//! # use opensnoop::{Item, Opens, Options, Result, Symbols};
//! # async fn run() -> Result<()> {
//! let tracer = Opens { callers: Some(Symbols::default()), ..Opens::default() };
//! let mut opens = tracer.start(&Options::default())?;
//! while let Some(batch) = opens.next().await? {
//!     for item in batch.items() {
//!         let Item::Event(open) = item else { continue };
//!         let Some(callers) = open.stack.callers else { continue };
//!         println!("{:x?}", callers.addresses().collect::<Vec<_>>());
//!         // Reads files of the process, if it still is there.
//!         callers.frames(&mut |frame| println!("{:?} of {:?}", frame.symbol, frame.module));
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod args;
mod event;
mod flags;
mod load;
mod tracer;

include!(concat!(env!("OUT_DIR"), "/skel.rs"));

pub use event::Open;
pub use flags::Flags;
pub use tracer::Opens;
pub use tracewell_shared::callers::{self, Callers, Frame, Symbols};
pub use tracewell_shared::error::{Error, Result};
pub use tracewell_shared::event::Event;
pub use tracewell_shared::trace::options::{Buffer, Filter, Options};
pub use tracewell_shared::trace::stream::{Batch, Item, Stream};

use tracewell_shared::confine::privilege;
use tracewell_shared::run::snoop;
use tracewell_shared::tool::{Tool, Trace};

/// The command line.
pub static TOOL: Tool = Tool {
    name: "opensnoop",
    about: "Trace open(2) and its kin",
    trace: Some(Trace::of::<Opens, Opens>(load::opens)),
    capabilities: &[privilege::TRACING, callers::CAPABILITIES],
    command: args::command,
    run: snoop::run::<args::Args>,
};
