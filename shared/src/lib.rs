// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every Tracewell tool stands on: the ladder of probes, the data path from the kernel to a row, outputs,
//! filters, endings, and the account of what was lost.
//!
//! A tool implements [`tracer::Tracer`] and [`event::Event`]; [`stream::Stream`] runs it for any tokio program,
//! and [`snoop`] for a command line.

pub mod callers;
pub mod cgroups;
pub mod cli;
pub mod clock;
pub mod column;
pub mod command;
mod cpus;
pub mod decode;
pub mod distribution;
mod ends;
pub mod error;
pub mod event;
mod filters;
mod gaps;
pub mod hist;
pub mod kernel;
mod kfunc;
pub mod knobs;
mod ladder;
mod launch;
mod libbpf_log;
pub mod load;
pub mod loss;
mod memory;
pub mod minimal_btf;
pub mod names;
pub mod options;
pub mod output;
pub mod path;
mod pid;
pub mod preemption;
pub mod privilege;
pub mod probe;
pub mod prospect;
mod raw;
pub mod seccomp;
mod session;
pub mod set;
pub mod shutdown;
pub mod snoop;
mod spaces;
mod state;
pub mod stream;
pub mod subjects;
pub mod task;
pub mod tool;
pub mod tracer;
mod transport;

pub use transport::page_bytes;
