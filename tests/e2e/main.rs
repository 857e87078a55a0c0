// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the built tools against this machine's kernel. The harness says what the environment can set.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "all of this is tests, and what they call"
)]

mod argv;
mod bytes;
mod cgroups;
mod command;
mod endings;
mod execs;
mod fails;
mod filters;
mod kernel;
mod lengths;
mod maps;
mod nasty;
mod opens;
mod output;
mod paths;
mod privilege;
mod schema;
mod storms;
mod sys;
mod terminal;
mod times;
mod usage;
mod words;
mod x86;
