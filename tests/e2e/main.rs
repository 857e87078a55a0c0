// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the built tools against this machine's kernel. The harness says what the environment can set.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "all of this is tests, and what they call"
)]

mod accounts;
mod ancestors;
mod argv;
mod asked;
mod bashreadline;
mod biolatency;
mod biolatency_picks;
mod biosnoop;
mod biotop;
mod busy;
mod bytes;
mod callers;
mod cgroups;
mod children;
mod columns;
mod command;
// Elsewhere 32-bit programs have no table of calls of their own.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod compat;
mod confined;
mod counts;
mod disk;
mod doctor;
mod endings;
mod exe;
mod execs;
mod exits;
mod fails;
mod filters;
mod gethostlatency;
mod globs;
mod gone;
mod hist;
mod hostile;
mod inflight;
mod interrupted;
mod kernel;
mod layers;
mod leftovers;
mod lengths;
mod looks;
mod maps;
mod named;
mod names;
mod namespaces;
mod nasty;
mod opens;
mod output;
mod oversize;
mod paths;
mod plugged;
mod preemption;
mod privilege;
mod removed;
mod results;
mod rotation;
mod runqlat;
mod schema;
mod schema_text;
mod selftest;
mod sets;
mod soak;
mod sockets;
mod started;
mod storms;
mod syncsnoop;
mod sys;
mod syscount;
mod tcpconnlat;
mod tcplife;
mod tcpretrans;
mod terminal;
mod times;
mod tree;
mod unlinks;
mod unreached;
mod usage;
mod validate;
mod words;

/// Every tool: what holds for all of them is tried with each.
fn all_tools() -> impl Iterator<Item = &'static str> {
    tracewell::TOOLS.iter().map(|tool| tool.name)
}

/// Those that print events. The others count in the kernel, and have no buffer.
fn event_tools() -> impl Iterator<Item = &'static str> {
    let tools = tracewell::TOOLS.iter().filter(|tool| tool.prints_events());
    tools.map(|tool| tool.name)
}
